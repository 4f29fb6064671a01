"""Draws of true means: with what is known beforehand of the noise, and of a known number of repeats."""

import numpy as np
import pytest

from study.inference.moderation import VariancePrior
from study.inference.posterior import UNLIMITED, of_all_recorded, posterior
from study.inference.repeats import Repeats


def test_what_is_usual_keeps_two_repeats_that_agree_from_counting_as_no_noise() -> None:
    """A deviation of 0.15, worth two repeats."""
    repeats = Repeats.of([[1.0, 1.0], [2.0, 2.0]])

    alone = posterior(repeats)
    usual = posterior(
        repeats, variance_prior=VariancePrior(variance=0.15**2, degrees_of_freedom=2.0)
    )

    assert alone is not None
    assert usual is not None
    assert np.std(alone.means[:, 0]) < 1e-6
    assert np.std(usual.means[:, 0]) > 0.03


def test_with_what_is_usual_single_repeats_tell_something() -> None:
    """Without it nothing is known of a spread."""
    repeats = Repeats.of([[1.0], [2.0]])

    assert posterior(repeats) is None
    assert (
        posterior(repeats, variance_prior=VariancePrior(variance=0.01, degrees_of_freedom=4.0))
        is not None
    )


def test_of_all_that_exist_nothing_is_left_in_doubt() -> None:
    """Three of three were seen of the first setup, three of many of the second."""
    drawn = posterior(Repeats.of([[1.0, 1.2, 1.4], [1.0, 1.2, 1.4]]))
    assert drawn is not None

    found = of_all_recorded(drawn, np.asarray([3, UNLIMITED]))

    assert found.means[:, 0] == pytest.approx(1.2)
    assert found.pooled[:, 0] == pytest.approx(1.2)
    assert (found.means[:, 1] == drawn.means[:, 1]).all()


def test_the_mean_of_all_recorded_lies_where_drawing_without_putting_back_puts_it() -> None:
    """Of ten draws of a normal variable three are seen; the interval of 90 % covers the ten's mean."""
    source = np.random.default_rng(0)
    every = source.normal(size=(400, 2, 10))

    drawn = posterior(Repeats.of_array(every[..., :3]), draws=400)
    assert drawn is not None
    found = of_all_recorded(drawn, np.asarray([10, 10]))
    low, high = np.quantile(found.means, [0.05, 0.95], axis=1)

    covered = (low <= every.mean(axis=-1)) & (every.mean(axis=-1) <= high)
    assert covered.mean() == pytest.approx(0.9, abs=0.04)
