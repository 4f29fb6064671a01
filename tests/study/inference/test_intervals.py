"""Intervals of totals and savings, and ties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.intervals import (
    difference,
    draws_of,
    interval,
    saving_interval,
    ties,
    total_interval_j,
)
from study.inference.posterior import posterior
from study.inference.repeats import Repeats
from tests.study.inference.draws import certain, drawn, energies


def test_one_repeat_everywhere_has_no_posterior() -> None:
    """Where nothing is known about the spread, there is no interval."""
    assert posterior(Repeats.of([[1.0], [2.0]])) is None


def test_the_same_repeats_have_the_same_draws() -> None:
    """Draws are seeded, so a report made twice is the same."""
    repeats = Repeats.of([[1.0, 2.0], [2.0, 4.0]])

    assert (drawn(repeats).means == drawn(repeats).means).all()


@given(st.floats(min_value=0.05, max_value=0.95))
def test_an_interval_has_equal_tails(confidence: float) -> None:
    """Of the numbers from 0 to 1000 it contains the middle ones."""
    found = interval(np.arange(1001.0), confidence=confidence)

    assert found.width == pytest.approx(1000 * confidence, abs=2)
    assert found.low + found.high == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    """95 instead of 0.95 is an error."""
    with pytest.raises(ValueError, match="not between 0 and 1"):
        interval(np.arange(3.0), confidence=confidence)


def test_infinite_draws_make_the_upper_end_infinite() -> None:
    """A quantity that is infinite in more than 2.5 % of the draws has no upper end."""
    found = interval(np.asarray([1.0] * 90 + [math.inf] * 10))

    assert [found.low, found.high] == [1.0, math.inf]


@given(st.floats(min_value=0.1, max_value=1e6), st.floats(min_value=0.1, max_value=1e6))
def test_noiseless_energies_have_intervals_of_no_width(one_j: float, other_j: float) -> None:
    """Both ends of total and saving are the values themselves."""
    energy = certain(np.log([one_j, other_j]))

    total, saved = total_interval_j(energy, 0), saving_interval(energy, 0, 1)

    assert [total.low, total.high] == pytest.approx([one_j] * 2, rel=1e-5)
    assert [saved.low, saved.high] == pytest.approx([1 - one_j / other_j] * 2, rel=1e-5, abs=1e-5)


def test_two_equal_repeats_do_not_collapse_an_interval() -> None:
    """A setup whose two repeats happen to agree borrows the spread of the others."""
    energy = energies([[10.0, 10.0], *[[8.0, 12.0]] * 15])

    found = total_interval_j(energy, 0)

    assert found.low < 8.5
    assert found.high > 11.5


@given(st.floats(min_value=-5, max_value=5))
def test_intervals_move_with_the_scale(shift: float) -> None:
    """Twice the joules everywhere give twice the total and the same saving."""
    repeats = Repeats.of([[1.0, 1.3], [2.0, 2.2]])
    moved = Repeats.of([[1.0 + shift, 1.3 + shift], [2.0 + shift, 2.2 + shift]])

    one, other = drawn(repeats), drawn(moved)

    factor = math.exp(shift)
    assert total_interval_j(other, 0).low == pytest.approx(
        factor * total_interval_j(one, 0).low, rel=1e-6
    )
    assert saving_interval(other, 0, 1).high == pytest.approx(
        saving_interval(one, 0, 1).high, rel=1e-6
    )


def test_the_meters_variance_is_a_lower_bound() -> None:
    """Repeats that agree to the last digit are known no better than the meter measures."""
    repeats = Repeats.of([[0.0, 0.0], [1.0, 1.0]])

    found = posterior(repeats, least_variance=0.04)

    assert found is not None
    width = interval(draws_of(found.means, 0)).width
    assert width == pytest.approx(2 * 1.96 * math.sqrt(0.04 / 2), rel=0.1)


def test_setups_tie_where_their_difference_may_be_0() -> None:
    """Ties are symmetric, and each setup ties with itself."""
    quantity = drawn(Repeats.of([[0.0, 0.2], [0.1, 0.3], [5.0, 5.2]]))

    every = [ties(quantity, setup).tolist() for setup in range(3)]

    assert every == [[True, True, False], [True, True, False], [False, False, True]]
    assert interval(difference(quantity, 0, 1)).holds(0.0)


@pytest.mark.slow
@pytest.mark.parametrize(("setups", "repeats"), [(1, 3), (2, 2), (4, 2), (16, 2), (16, 5)])
def test_intervals_cover(setups: int, repeats: int) -> None:
    """In 2000 studies with a common spread, 93 to 97.5 % of 95 % intervals contain the truth."""
    values = np.random.default_rng(1).standard_normal((2000, setups, repeats))
    found = posterior(Repeats.of_array(values), draws=400)
    assert found is not None

    covered = interval(draws_of(found.means, 0)).holds(0.0).mean()

    assert 0.93 <= covered <= 0.975
