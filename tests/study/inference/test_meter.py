"""Uncertainty of meters in two parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.intervals import difference, interval, total_interval_j
from study.inference.meter import MeterUncertainty, relative_deviation, summed, with_board_errors
from tests.study.inference.draws import certain

PARTS = st.builds(
    MeterUncertainty,
    common_j=st.floats(min_value=0, max_value=100),
    own_j=st.floats(min_value=0, max_value=100),
)


def test_what_a_board_shares_adds_up_and_the_rest_by_squares() -> None:
    """Four epochs of 1 J common and 1 J own: 4 J and 2 J."""
    part = MeterUncertainty(common_j=1.0, own_j=1.0)

    found = summed([part] * 4, ["a"] * 4)

    assert found == MeterUncertainty(common_j=4.0, own_j=2.0)


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_several_boards_are_never_less_certain_than_one(parts: list[MeterUncertainty]) -> None:
    """Errors of different boards average out; those of one do not."""
    one = summed(parts, ["a"] * len(parts))
    several = summed(parts, [str(place) for place in range(len(parts))])

    assert one is not None
    assert several is not None
    assert several.common_j <= one.common_j + 1e-9
    assert several.own_j == one.own_j
    assert several.total_j >= max(part.total_j for part in parts) - 1e-9


def test_an_unknown_part_makes_the_sum_unknown() -> None:
    """Missing is not 0."""
    assert summed([MeterUncertainty(common_j=1.0, own_j=1.0), None], ["a", "a"]) is None


def test_a_half_width_is_two_deviations() -> None:
    """1.96 J of 10 J are 0.1 on the scale of logarithms."""
    assert relative_deviation(1.96, 10.0) == pytest.approx(0.1)


def test_a_boards_error_cancels_within_the_board_and_not_across() -> None:
    """Two setups on one board differ as surely as before; on two boards they do not."""
    energy = certain([1.0, 2.0, 3.0])
    shares = np.asarray([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

    found = with_board_errors(energy, shares, np.asarray([0.025, 0.025]))

    within, across = (interval(difference(found, 0, other)).width for other in (1, 2))
    assert within == pytest.approx(0.0, abs=1e-6)
    assert across == pytest.approx(2 * 1.96 * 0.025 * np.sqrt(2), rel=0.05)
    total = total_interval_j(found, 0)
    assert np.log(total.high / total.low) == pytest.approx(2 * 1.96 * 0.025, rel=0.05)


def test_shares_of_boards_add_up_to_1() -> None:
    """Each repeat ran somewhere."""
    with pytest.raises(ValueError, match="add up"):
        with_board_errors(certain([1.0]), np.asarray([[0.5]]), np.asarray([0.1]))
