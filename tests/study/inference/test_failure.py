"""Cost of a setup whose trainings sometimes fail."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.failure import cost_of_success, with_failed_shares
from study.inference.intervals import total_interval_j
from study.inference.posterior import posterior
from study.inference.repeats import Repeats


def test_successful_trainings_bear_the_cost_of_failed_ones() -> None:
    """One attempt diverged after 40 J and one succeeded with 100 J: a success costs 140 J."""
    found = cost_of_success([40.0, 100.0], [False, True])

    assert (found.cost_j, found.failed_share) == (140.0, 0.5)
    assert found.overhead == pytest.approx(math.log(1.4))


def test_without_a_success_there_is_no_cost() -> None:
    """It is None, neither 0 nor the energy of the failures."""
    found = cost_of_success([40.0], [False])

    assert (found.cost_j, found.overhead, found.failed_share) == (None, None, 1.0)


@given(st.lists(st.tuples(st.floats(min_value=1, max_value=1e6), st.booleans()), min_size=1))
def test_cost_times_successes_is_the_energy_spent(attempts: list[tuple[float, bool]]) -> None:
    """No energy is lost, and failures never make a setup cheaper."""
    energies_j, succeeded = [each[0] for each in attempts], [each[1] for each in attempts]

    found = cost_of_success(energies_j, succeeded)

    if found.cost_j is not None and found.overhead is not None:
        assert found.cost_j * found.successes == pytest.approx(math.fsum(energies_j))
        assert found.overhead >= -1e-12


def coverage(*, repeats: int, share: float, setups: int = 16, studies: int = 40) -> float:
    """Return the fraction of setups with failures whose 95 % interval contains the true cost."""
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
def test_intervals_of_setups_with_failures_cover_the_cost(repeats: int, share: float) -> None:
    """The failure rate rests on the same few trainings, and the interval includes its uncertainty."""
    assert coverage(repeats=repeats, share=share) >= 0.94


def test_without_failures_the_posterior_stays_as_it_is() -> None:
    """A study whose trainings all succeeded gets no uncertainty about failures."""
    energy = posterior(Repeats.of([[1.0, 1.1], [2.0, 2.2]]), draws=100)
    assert energy is not None

    assert with_failed_shares(energy, [None, None]) is energy


@pytest.mark.parametrize("energies_j", [[], [0.0], [1.0, math.nan]])
def test_an_attempt_without_a_positive_energy_is_refused(energies_j: list[float]) -> None:
    """An attempt without a reading must not count as one that cost nothing."""
    with pytest.raises(ValueError, match="above 0"):
        cost_of_success(energies_j, [True] * len(energies_j))
