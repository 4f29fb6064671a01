"""Repeats as counts, means and variances."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.repeats import Repeats, relative_deviation

VALUES = st.lists(st.floats(min_value=-1e3, max_value=1e3), min_size=1, max_size=6)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_of_is_the_textbook_mean_and_variance(values: list[list[float]]) -> None:
    """Mean and sample variance are the textbook's; of one repeat there is no variance."""
    repeats = Repeats.of(values)

    assert repeats.count.tolist() == [len(each) for each in values]
    assert repeats.mean == pytest.approx([statistics.fmean(each) for each in values], abs=1e-9)
    for each, variance in zip(values, repeats.variance, strict=True):
        if len(each) == 1:
            assert math.isnan(variance)
        else:
            assert variance == pytest.approx(statistics.variance(each), abs=1e-6)


@given(VALUES, st.floats(min_value=-1e3, max_value=1e3))
def test_plus_is_as_if_it_had_been_there_from_the_start(values: list[float], new: float) -> None:
    """A repeat that is added changes its own setup to what all repeats give, and no other."""
    before = Repeats.of([values, [1.0, 2.0]])

    after = before.plus(np.asarray(0), np.asarray(new))

    whole = Repeats.of([[*values, new], [1.0, 2.0]])
    assert after.count.tolist() == whole.count.tolist()
    assert after.mean == pytest.approx(whole.mean, abs=1e-8)
    assert after.variance == pytest.approx(whole.variance, abs=1e-5)


def test_energies_are_taken_by_their_logarithms() -> None:
    """The mean is that of logarithms."""
    repeats = Repeats.of_energies_j([[1.0, math.e**2]])

    assert repeats.mean == pytest.approx([1.0])


@pytest.mark.parametrize("energies_j", [[[0.0]], [[1.0, -1.0]], [[math.nan]]])
def test_an_energy_that_is_not_above_0_is_refused(energies_j: list[list[float]]) -> None:
    """It has no logarithm, and is never left out silently."""
    with pytest.raises(ValueError, match="must be above 0"):
        Repeats.of_energies_j(energies_j)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_setup_without_a_repeat_is_refused() -> None:
    """Missing is not 0: who calls leaves the setup out."""
    with pytest.raises(ValueError, match="needs a repeat"):
        Repeats.of([[1.0], []])


def test_shapes_that_differ_are_refused() -> None:
    """One entry of each for each setup."""
    with pytest.raises(ValueError, match="must be one"):
        Repeats(count=np.asarray([1]), mean=np.asarray([1.0, 2.0]), variance=np.asarray([1.0]))


def test_one_repeat_everywhere_tells_no_spread() -> None:
    """And one setup with two is enough."""
    assert not Repeats.of([[1.0], [2.0]]).have_spread
    assert Repeats.of([[1.0], [2.0, 3.0]]).have_spread


def test_a_half_width_is_two_deviations() -> None:
    """1.96 J of 10 J are 0.1 on the scale of logarithms."""
    assert relative_deviation(1.96, 10.0) == pytest.approx(0.1)
