"""Draws of true means, with a prior for the noise and for a finite number of recorded repeats."""

import numpy as np
import pytest

from study.inference.moderation import VariancePrior
from study.inference.posterior import UNLIMITED, of_all_recorded, posterior
from study.inference.repeats import Repeats


def test_with_a_prior_two_equal_repeats_do_not_mean_no_noise() -> None:
    """The prior is a standard deviation of 0.15 with two degrees of freedom."""
    repeats = Repeats.of([[1.0, 1.0], [2.0, 2.0]])

    alone = posterior(repeats)
    informed = posterior(
        repeats, variance_prior=VariancePrior(variance=0.15**2, degrees_of_freedom=2.0)
    )

    assert alone is not None
    assert informed is not None
    assert np.std(alone.means[:, 0]) < 1e-6
    assert np.std(informed.means[:, 0]) > 0.03


def test_with_a_prior_single_repeats_have_a_posterior() -> None:
    """Without one, nothing is known about the spread."""
    repeats = Repeats.of([[1.0], [2.0]])

    assert posterior(repeats) is None
    assert (
        posterior(repeats, variance_prior=VariancePrior(variance=0.01, degrees_of_freedom=4.0))
        is not None
    )


def test_the_mean_of_all_recorded_repeats_is_certain() -> None:
    """The first setup has three repeats, all seen; the second has unlimited ones, three of them seen."""
    drawn = posterior(Repeats.of([[1.0, 1.2, 1.4], [1.0, 1.2, 1.4]]))
    assert drawn is not None

    found = of_all_recorded(drawn, np.asarray([3, UNLIMITED]))

    assert found.means[:, 0] == pytest.approx(1.2)
    assert found.pooled[:, 0] == pytest.approx(1.2)
    assert (found.means[:, 1] == drawn.means[:, 1]).all()


def test_intervals_of_the_mean_of_all_recorded_repeats_cover() -> None:
    """With three of ten normal values seen, 90 % intervals cover the mean of the ten in 90 % of cases."""
    source = np.random.default_rng(0)
    every = source.normal(size=(400, 2, 10))

    drawn = posterior(Repeats.of_array(every[..., :3]), draws=400)
    assert drawn is not None
    found = of_all_recorded(drawn, np.asarray([10, 10]))
    low, high = np.quantile(found.means, [0.05, 0.95], axis=1)

    covered = (low <= every.mean(axis=-1)) & (every.mean(axis=-1) <= high)
    assert covered.mean() == pytest.approx(0.9, abs=0.04)
