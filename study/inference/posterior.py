"""Posterior draws of the true means of setups: Student's t around each observed mean.

On its own, the true mean of a setup is the observed mean plus noise, with a variance that is itself
drawn (`study.inference.moderation`). An interval from these draws is a moderated t interval, whose
coverage does not depend on the other setups. Comparisons of many setups at once, that is the choice and
its probabilities, use draws that are pooled with the other setups (`study.inference.partial_pooling`),
because the best of sixteen separate means is partly luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.inference.log_odds import Ends
from study.inference.moderation import VariancePrior, draw_variances
from study.inference.partial_pooling import pooled_means
from study.inference.repeats import Floats, Integers, Repeats

DRAWS = 8000
SEED = 0

UNLIMITED = 0
"""Number of existing repeats where another one can always be trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Posterior draws of one quantity for all setups.

    Attributes:
        repeats: Observed repeats.
        means: Draws of the true means, each setup on its own. Shape (..., draws, setups).
        pooled: Draws of the true means, pooled with the other setups. The same shape.
        variances: Draws of the variance of a single repeat, matching those of the means. The same shape.
    """

    repeats: Repeats
    means: Floats
    pooled: Floats
    variances: Floats

    @property
    def mean_variances(self) -> Floats:
        """Draws of the variances of the observed means. Shape (..., draws, setups)."""
        return self.variances / self.repeats.count[..., None, :]


def posterior(
    repeats: Repeats,
    *,
    axes: Integers | None = None,
    rng: np.random.Generator | int = SEED,
    draws: int = DRAWS,
    least_variance: float | Floats = 0.0,
    variance_prior: VariancePrior | None = None,
    ends: Ends | None = None,
) -> Posterior | None:
    """Draw true means and variances; None where no setup has two repeats and `variance_prior` is None.

    Args:
        repeats: Observed repeats: logarithms of energies, or an objective on its own scale.
        axes: Index of each setup's value on each axis, such as batch size and learning rate
            (`axes_of`); setups that share a value are pooled. None for no axes. Shape (setups, axes).
        rng: Random generator, or a seed for one.
        draws: Number of draws.
        least_variance: Lower bound for the variance of a repeat, from the uncertainty of its meter, on
            the squared scale of `repeats`. Shape () or (..., setups).
        variance_prior: Prior knowledge of the variance of a repeat; None without any.
        ends: Lowest and highest value of a share, such as an accuracy, so that setups are pooled by
            their log odds; None for any other quantity.
    """
    if variance_prior is None and not repeats.have_spread:
        return None
    source = np.random.default_rng(rng)
    floor = np.asarray(least_variance)
    variances = np.maximum(
        draw_variances(repeats, rng=source, draws=draws, variance_prior=variance_prior),
        floor[..., None, :] if floor.ndim else floor,
    )
    noise = variances / repeats.count[..., None, :]
    means = repeats.mean[..., None, :] + np.sqrt(noise) * source.standard_normal(noise.shape)
    return Posterior(
        repeats=repeats,
        means=means,
        pooled=pooled_means(repeats.mean, means, noise, axes, ends=ends),
        variances=variances,
    )


def axes_of(setups: Sequence[Mapping[str, object]]) -> Integers:
    """Return the index of each setup's value on each axis.

    Args:
        setups: Parameters of each setup by name; a missing parameter counts as a value of its own.

    Returns:
        Indices from 0, in order of first appearance. Shape (setups, axes).
    """
    columns = []
    for name in dict.fromkeys(name for each in setups for name in each):
        values = [repr(each.get(name)) for each in setups]
        number = {value: place for place, value in enumerate(dict.fromkeys(values))}
        columns.append([number[value] for value in values])
    return np.asarray(columns, dtype=np.int64).reshape(len(columns), len(setups)).T


def of_all_recorded(
    drawn: Posterior,
    every: Integers,
    *,
    seen_means: Floats | None = None,
    rng: np.random.Generator | int = SEED,
) -> Posterior:
    """Return draws of the mean over all existing repeats, a finite population, for each setup.

    Sampling five recorded trainings without replacement tells more about their own mean than about the
    true mean: after the fifth, the former is known exactly. Draws of the true mean m and variance v thus
    become

        (n x + (N - n) y) / N,  y ~ normal(m, v / (N - n))

    where x is the mean of the n repeats seen, out of N (Cochran 1977, Sampling Techniques, ch. 2).

    Args:
        drawn: Posterior of the true means.
        every: Number of existing repeats of each setup, at least the number seen; `UNLIMITED` where the
            true mean is of interest. Shape (setups,).
        seen_means: Draws of the means of the repeats seen, where these are uncertain; None to take the
            observed means of `drawn`. Shape (draws, setups).
        rng: Random generator for the noise of the unseen repeats, or a seed for one.
    """
    seen = drawn.repeats.count
    unseen = np.maximum(every - seen, 0)
    part = np.where(every == UNLIMITED, 1.0, unseen / np.maximum(every, 1))[..., None, :]
    noise = np.random.default_rng(rng).standard_normal(drawn.means.shape)
    away = np.where(every == UNLIMITED, 0.0, noise / np.sqrt(np.maximum(unseen, 1))[..., None, :])
    away = away * np.sqrt(drawn.variances)
    known = drawn.repeats.mean[..., None, :] if seen_means is None else seen_means
    return replace(
        drawn,
        means=known + part * (drawn.means + away - known),
        pooled=known + part * (drawn.pooled + away - known),
    )
