"""What a setup costs that fails now and then."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.failure import cost_of_success, with_failed_shares
from study.inference.intervals import total_interval_j
from study.inference.posterior import posterior
from study.inference.repeats import Repeats


def test_a_failed_attempt_is_paid_by_the_one_that_succeeded() -> None:
    """Diverged after 40 J, then 100 J: a training of this setup costs 140 J."""
    found = cost_of_success([40.0, 100.0], [False, True])

    assert (found.cost_j, found.failed_share) == (140.0, 0.5)
    assert found.overhead == pytest.approx(math.log(1.4))


def test_without_a_success_there_is_no_cost() -> None:
    """Not 0, and not what the failures took."""
    found = cost_of_success([40.0], [False])

    assert (found.cost_j, found.overhead, found.failed_share) == (None, None, 1.0)


@given(st.lists(st.tuples(st.floats(min_value=1, max_value=1e6), st.booleans()), min_size=1))
def test_the_cost_times_the_successes_is_what_was_spent(attempts: list[tuple[float, bool]]) -> None:
    """Nothing is lost, and failures make nothing cheaper."""
    energies_j, succeeded = [each[0] for each in attempts], [each[1] for each in attempts]

    found = cost_of_success(energies_j, succeeded)

    if found.cost_j is not None and found.overhead is not None:
        assert found.cost_j * found.successes == pytest.approx(math.fsum(energies_j))
        assert found.overhead >= -1e-12


def coverage(*, repeats: int, share: float, setups: int = 16, studies: int = 40) -> float:
    """Share of the setups that have failed whose 95 % interval holds what a success costs."""
    rng = np.random.default_rng(repeats)
    held = []
    for _ in range(studies):
        costs, logs, truths = [], [], []
        for true in rng.normal(0.0, 0.6, setups):
            energies_j = np.exp(true + 0.3 * rng.standard_normal(repeats))
            good = rng.random(repeats) >= share
            used_j = np.where(good, energies_j, 0.6 * energies_j)
            if not good.any():
                continue
            cost = None if good.all() else cost_of_success(used_j.tolist(), good.tolist())
            overhead = 0.0 if cost is None else cost.overhead or 0.0
            costs.append(cost)
            logs.append((np.log(used_j[good]) + overhead).tolist())
            truths.append(true + math.log1p(0.6 * share / (1 - share)))
        energy = posterior(Repeats.of(logs), draws=500)
        assert energy is not None
        energy = with_failed_shares(energy, costs)
        held += [
            bool(total_interval_j(energy, place).holds(math.exp(truth)))
            for place, (cost, truth) in enumerate(zip(costs, truths, strict=True))
            if cost is not None
        ]
    return float(np.mean(held))


@pytest.mark.parametrize(("repeats", "share"), [(3, 0.3), (10, 0.15)])
def test_the_interval_of_a_setup_that_fails_holds_what_it_costs(repeats: int, share: float) -> None:
    """How often it fails is known from the same few trainings: the interval has that doubt, too."""
    assert coverage(repeats=repeats, share=share) >= 0.94


def test_without_a_failure_nothing_is_added() -> None:
    """A study whose trainings have all succeeded says nothing of failures."""
    energy = posterior(Repeats.of([[1.0, 1.1], [2.0, 2.2]]), draws=100)
    assert energy is not None

    assert with_failed_shares(energy, [None, None]) is energy


@pytest.mark.parametrize("energies_j", [[], [0.0], [1.0, math.nan]])
def test_attempts_have_energies(energies_j: list[float]) -> None:
    """An attempt without a reading is not one that cost nothing."""
    with pytest.raises(ValueError, match="above 0"):
        cost_of_success(energies_j, [True] * len(energies_j))
