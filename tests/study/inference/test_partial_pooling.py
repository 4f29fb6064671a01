"""Partial pooling: true means shrunk towards those of other setups."""

import numpy as np
import pytest

from study.inference.choice import NEAR, Aim, choose
from study.inference.partial_pooling import pooled_means
from study.inference.posterior import axes_of, posterior
from study.inference.repeats import Repeats

AXES = axes_of(
    [{"batch": size, "rate": rate} for size in (64, 256, 1024, 4096) for rate in (0.1, 0.01, 0.001)]
)
NOISE = 0.3


def pooled_centres(means: np.ndarray, axes: np.ndarray | None) -> np.ndarray:
    """Return the mean of each setup's pooled draws; all observed means have the same noise."""
    variances = np.full((800, len(means)), NOISE**2)
    rng = np.random.default_rng(0)
    draws = means + NOISE * rng.standard_normal(variances.shape)
    return np.asarray(pooled_means(means, draws, variances, axes).mean(axis=0))


def test_axis_values_are_numbered_in_order_of_appearance() -> None:
    """A missing value counts as a value; no setups have no axes."""
    found = axes_of([{"size": 64, "by": "adam"}, {"size": 64}, {"size": 256, "by": "adam"}])

    assert found.tolist() == [[0, 0], [0, 1], [1, 0]]
    assert axes_of([]).shape == (0, 0)


def test_means_that_differ_by_noise_alone_are_shrunk_together() -> None:
    """Differences no larger than the noise are taken for noise."""
    means = NOISE * np.random.default_rng(1).standard_normal(12)

    found = pooled_centres(means, None)

    assert found.std() < 0.6 * means.std()
    assert found.mean() == pytest.approx(means.mean(), abs=0.05)


def test_means_far_apart_stay_as_they_are() -> None:
    """Setups that differ by far more than the noise are not shrunk."""
    means = 100 * NOISE * np.random.default_rng(2).standard_normal(12)

    found = pooled_centres(means, AXES)

    assert found == pytest.approx(means, abs=0.15)


def test_setups_are_shrunk_towards_those_that_share_a_value() -> None:
    """Where axes explain the truth, pooled means have smaller errors than separate ones."""
    rng = np.random.default_rng(3)
    truth = 2 * rng.standard_normal(4)[AXES[:, 0]] + 2 * rng.standard_normal(3)[AXES[:, 1]]
    means = truth + NOISE * rng.standard_normal((50, len(truth)))

    found = np.stack([pooled_centres(each, AXES) for each in means])

    assert ((found - truth) ** 2).mean() < 0.75 * ((means - truth) ** 2).mean()


@pytest.mark.parametrize("repeats", [2, 5])
def test_setups_that_hardly_differ_are_not_assumed_equal(repeats: int) -> None:
    """Any choice among equals would be right; the stated probability stays close to the true one."""
    rng, studies, setups = np.random.default_rng(repeats), 200, 16
    energies = rng.normal(0.0, 0.1, (studies, setups))
    accuracies = rng.normal(0.8, 0.005, (studies, setups))
    noise = rng.standard_normal((2, studies, setups, repeats))
    energy, accuracy = (
        posterior(Repeats.of_array(true[..., None] + size * each), rng=place, draws=200, ends=ends)
        for place, (true, size, each, ends) in enumerate(
            ((energies, 0.28, noise[0], None), (accuracies, 0.02, noise[1], (0.0, 1.0)))
        )
    )
    assert energy is not None
    assert accuracy is not None

    choice = choose(energy, accuracy, Aim())

    enough = accuracies >= accuracies.max(axis=-1, keepdims=True) - 0.01
    least = np.where(enough, energies, np.inf).min(axis=-1, keepdims=True)
    right = choice.of_chosen(enough & (energies <= least + np.log1p(NEAR)))
    assert choice.of_chosen(choice.right).mean() < right.mean() + 0.1


@pytest.mark.parametrize("setups", [1, 2, 3])
def test_fewer_than_four_setups_are_not_pooled(setups: int) -> None:
    """They do not show how similar setups are."""
    drawn = posterior(Repeats.of([[1.0, 1.2], [2.0, 2.1], [3.0, 3.3]][:setups]))

    assert drawn is not None
    assert (drawn.pooled == drawn.means).all()


def test_repeats_without_any_spread_keep_their_means() -> None:
    """Nothing is divided by a spread of 0."""
    drawn = posterior(Repeats.of([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [3.0, 3.0]]))

    assert drawn is not None
    assert drawn.pooled.mean(axis=0) == pytest.approx([1.0, 2.0, 3.0, 3.0], abs=1e-3)
