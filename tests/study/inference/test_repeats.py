"""Repeats, kept as counts, means and variances."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.repeats import Repeats, relative_deviation

VALUES = st.lists(st.floats(min_value=-1e3, max_value=1e3), min_size=1, max_size=6)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_mean_and_variance_are_the_textbooks(values: list[list[float]]) -> None:
    """The variance is the sample variance; one repeat has none."""
    repeats = Repeats.of(values)

    assert repeats.count.tolist() == [len(each) for each in values]
    assert repeats.mean == pytest.approx([statistics.fmean(each) for each in values], abs=1e-9)
    for each, variance in zip(values, repeats.variance, strict=True):
        if len(each) == 1:
            assert math.isnan(variance)
        else:
            assert variance == pytest.approx(statistics.variance(each), abs=1e-6)


@given(VALUES, st.floats(min_value=-1e3, max_value=1e3))
def test_an_added_repeat_counts_like_one_from_the_start(values: list[float], new: float) -> None:
    """Its setup becomes that of all repeats together; other setups stay as they are."""
    before = Repeats.of([values, [1.0, 2.0]])

    after = before.plus(np.asarray(0), np.asarray(new))

    whole = Repeats.of([[*values, new], [1.0, 2.0]])
    assert after.count.tolist() == whole.count.tolist()
    assert after.mean == pytest.approx(whole.mean, abs=1e-8)
    assert after.variance == pytest.approx(whole.variance, abs=1e-5)


def test_energies_are_averaged_by_their_logarithms() -> None:
    """1 J and e^2 J have a mean of 1 on the scale of logarithms."""
    repeats = Repeats.of_energies_j([[1.0, math.e**2]])

    assert repeats.mean == pytest.approx([1.0])


@pytest.mark.parametrize("energies_j", [[[0.0]], [[1.0, -1.0]], [[math.nan]]])
def test_an_energy_that_is_not_above_0_is_refused(energies_j: list[list[float]]) -> None:
    """It has no logarithm, and is not left out silently."""
    with pytest.raises(ValueError, match="must be above 0"):
        Repeats.of_energies_j(energies_j)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_setup_without_a_repeat_is_refused() -> None:
    """Missing is not 0: the caller has to leave the setup out."""
    with pytest.raises(ValueError, match="needs a repeat"):
        Repeats.of([[1.0], []])


def test_shapes_that_differ_are_refused() -> None:
    """Count, mean and variance have one entry for each setup."""
    with pytest.raises(ValueError, match="must be one"):
        Repeats(count=np.asarray([1]), mean=np.asarray([1.0, 2.0]), variance=np.asarray([1.0]))


def test_one_repeat_per_setup_has_no_spread() -> None:
    """One setup with two repeats is enough to have one."""
    assert not Repeats.of([[1.0], [2.0]]).have_spread
    assert Repeats.of([[1.0], [2.0, 3.0]]).have_spread


def test_a_half_width_is_converted_to_a_relative_deviation() -> None:
    """A 95 % half-width of 1.96 J at 10 J is a deviation of 0.1 on the scale of logarithms."""
    assert relative_deviation(1.96, 10.0) == pytest.approx(0.1)
