"""Probability that the answer of a search is the best setup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.search.probability_of_best import probability_of_best


def test_without_a_second_seed_there_is_no_probability() -> None:
    """One training of each of ten setups gives no spread."""
    assert probability_of_best({n: [float(n)] for n in range(1, 11)}, answer=1) is None


def test_without_a_cost_there_is_no_probability() -> None:
    """No training of the search reached the target."""
    assert probability_of_best({}, answer=1) is None


def test_two_equal_setups_are_a_toss_up() -> None:
    """Each is the best with probability one half."""
    found = probability_of_best({1: [2.0, 3.0], 2: [3.0, 2.0]}, answer=1)

    assert found is not None
    assert found.best == pytest.approx(0.5, abs=0.02)


def test_the_factor_is_the_spread_of_the_seeds() -> None:
    """The logarithms of two seeds a factor of 4 apart have the standard deviation ln 4 / sqrt 2."""
    found = probability_of_best({1: [1.0, 4.0], 2: [100.0]}, answer=1)

    assert found is not None
    assert found.factor == pytest.approx(4 ** (1 / 2**0.5))
    assert found.repeats == 1


def test_a_setup_with_a_single_training_is_compared_too() -> None:
    """Setup 3 has the cheapest training, but only one, and may be the best."""
    costs = {1: [2.0, 2.1, 1.9], 2: [3.0, 2.9, 3.1], 3: [1.8]}

    found = probability_of_best(costs, answer=1)

    assert found is not None
    assert found.setup == 1
    assert found.compared == 3
    assert found.best < 0.5


def test_an_answer_without_a_cost_has_no_probability() -> None:
    """A setup that missed the target with a seed can still be the answer, by the other one."""
    assert probability_of_best({1: [2.0, 2.1]}, answer=2) is None


@given(gap=st.floats(1.0, 3.0), wider=st.floats(1.1, 2.0))
def test_a_wider_gap_raises_the_probability(gap: float, wider: float) -> None:
    """Seeds have the same spread; being near the best is at least as likely as being the best."""
    near, far = (
        probability_of_best({1: [1.0, 1.2], 2: [1.1 * by, 1.3 * by]}, answer=1, draws=2000)
        for by in (gap, gap * wider)
    )

    assert near is not None
    assert far is not None
    assert near.best <= far.best
    assert near.best <= near.near


def test_a_stopped_setup_lowers_the_probability() -> None:
    """It may have been the cheapest, but it does not change the spread of the seeds."""
    costs = {1: [2.0, 2.2], 2: [3.0]}

    alone = probability_of_best(costs, answer=1)
    beside = probability_of_best(costs, answer=1, least={3: [2.1]})

    assert alone is not None
    assert alone.least is None
    assert beside is not None
    assert beside.least is not None
    assert beside.best == pytest.approx(alone.best, abs=0.02)
    assert beside.least < beside.best
    assert beside.factor == alone.factor
    assert (beside.compared, beside.stopped) == (2, 1)


def test_a_seed_that_was_stopped_counts_in_its_setups_mean() -> None:
    """Leaving the bad seed out would flatter setup 2."""
    costs = {1: [2.0, 2.2], 2: [1.9, 1.9]}

    alone = probability_of_best(costs, answer=1)
    beside = probability_of_best(costs, answer=1, least={2: [4.0]})

    assert alone is not None
    assert beside is not None
    assert beside.best > alone.best
    assert beside.stopped == 0
