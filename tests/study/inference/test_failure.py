"""What a setup costs that fails now and then."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.failure import cost_of_success


def test_a_failed_attempt_is_paid_by_the_one_that_succeeded() -> None:
    """Diverged after 40 J, then 100 J: a training of this setup costs 140 J."""
    found = cost_of_success([40.0, 100.0], [False, True])

    assert (found.cost_j, found.failed_share) == (140.0, 0.5)
    assert found.overhead == pytest.approx(math.log(1.4))


def test_without_a_success_there_is_no_cost() -> None:
    """Not 0, and not what the failures took."""
    found = cost_of_success([40.0], [False])

    assert (found.cost_j, found.overhead, found.failed_share) == (None, None, 1.0)
    assert found.most_failed == 1.0


@given(st.lists(st.tuples(st.floats(min_value=1, max_value=1e6), st.booleans()), min_size=1))
def test_the_cost_times_the_successes_is_what_was_spent(attempts: list[tuple[float, bool]]) -> None:
    """Nothing is lost, and the share that failed lies in its interval."""
    energies_j, succeeded = [each[0] for each in attempts], [each[1] for each in attempts]

    found = cost_of_success(energies_j, succeeded)

    if found.cost_j is not None and found.overhead is not None:
        assert found.cost_j * found.successes == pytest.approx(math.fsum(energies_j))
        assert found.overhead >= -1e-12
    assert found.least_failed <= found.failed_share <= found.most_failed


@pytest.mark.parametrize("energies_j", [[], [0.0], [1.0, math.nan]])
def test_attempts_have_energies(energies_j: list[float]) -> None:
    """An attempt without a reading is not one that cost nothing."""
    with pytest.raises(ValueError, match="above 0"):
        cost_of_success(energies_j, [True] * len(energies_j))
