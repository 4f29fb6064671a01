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
    """Where nothing is known of a spread there is no interval."""
    assert posterior(Repeats.of([[1.0], [2.0]])) is None


def test_the_same_repeats_have_the_same_draws() -> None:
    """Draws are seeded: a report says the same twice."""
    repeats = Repeats.of([[1.0, 2.0], [2.0, 4.0]])

    assert (drawn(repeats).means == drawn(repeats).means).all()


@given(st.floats(min_value=0.05, max_value=0.95))
def test_an_interval_cuts_equal_tails(confidence: float) -> None:
    """Of the numbers from 0 to 1000 it keeps the middle share."""
    found = interval(np.arange(1001.0), confidence=confidence)

    assert found.width == pytest.approx(1000 * confidence, abs=2)
    assert found.low + found.high == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_is_a_share(confidence: float) -> None:
    """95 is a slip for 0.95."""
    with pytest.raises(ValueError, match="not between 0 and 1"):
        interval(np.arange(3.0), confidence=confidence)


def test_endless_draws_make_an_endless_end() -> None:
    """What is infinite in more than 2.5 % of the draws has no upper end."""
    found = interval(np.asarray([1.0] * 90 + [math.inf] * 10))

    assert [found.low, found.high] == [1.0, math.inf]


@given(st.floats(min_value=0.1, max_value=1e6), st.floats(min_value=0.1, max_value=1e6))
def test_certain_energies_save_what_they_save(one_j: float, other_j: float) -> None:
    """Without noise total and saving are the numbers themselves."""
    energy = certain(np.log([one_j, other_j]))

    total, saved = total_interval_j(energy, 0), saving_interval(energy, 0, 1)

    assert [total.low, total.high] == pytest.approx([one_j] * 2, rel=1e-5)
    assert [saved.low, saved.high] == pytest.approx([1 - one_j / other_j] * 2, rel=1e-5, abs=1e-5)


def test_two_close_repeats_do_not_narrow_an_interval_to_nothing() -> None:
    """A setup whose two repeats happen to agree has the spread of the others in its interval."""
    energy = energies([[10.0, 10.0], *[[8.0, 12.0]] * 15])

    found = total_interval_j(energy, 0)

    assert found.low < 8.5
    assert found.high > 11.5


@given(st.floats(min_value=-5, max_value=5))
def test_intervals_move_with_the_scale(shift: float) -> None:
    """Twice the joules everywhere is twice the total and the same saving."""
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


def test_what_the_meter_varies_by_is_the_least_spread() -> None:
    """Repeats that agree to the last digit are not better known than the meter reads."""
    repeats = Repeats.of([[0.0, 0.0], [1.0, 1.0]])

    found = posterior(repeats, least_variance=0.04)

    assert found is not None
    width = interval(draws_of(found.means, 0)).width
    assert width == pytest.approx(2 * 1.96 * math.sqrt(0.04 / 2), rel=0.1)


def test_ties_are_intervals_that_hold_0() -> None:
    """And a setup ties with itself, and as much with another as that with it."""
    quantity = drawn(Repeats.of([[0.0, 0.2], [0.1, 0.3], [5.0, 5.2]]))

    every = [ties(quantity, setup).tolist() for setup in range(3)]

    assert every == [[True, True, False], [True, True, False], [False, False, True]]
    assert interval(difference(quantity, 0, 1)).holds(0.0)


@pytest.mark.slow
@pytest.mark.parametrize(("setups", "repeats"), [(1, 3), (2, 2), (4, 2), (16, 2), (16, 5)])
def test_intervals_cover(setups: int, repeats: int) -> None:
    """Of 2000 studies with one common spread 93 to 97.5 % hold the truth, however few setups."""
    values = np.random.default_rng(1).standard_normal((2000, setups, repeats))
    found = posterior(Repeats.of_array(values), draws=400)
    assert found is not None

    covered = interval(draws_of(found.means, 0)).holds(0.0).mean()

    assert 0.93 <= covered <= 0.975
