"""Draws of the true means of setups: Student's t around each observed mean.

By itself a setup's mean is what was observed, plus noise of a variance that is itself drawn
(`study.inference.moderation`). An interval from that is a moderated t interval, and covers whatever
the other setups are. What compares many setups at once, the choice and its probabilities, takes
draws that lean on the other setups (`study.inference.partial_pooling`): of sixteen means by
themselves the best is partly luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.inference.log_odds import Ends
from study.inference.moderation import Usual, draw_variances
from study.inference.partial_pooling import pooled_means
from study.inference.repeats import Floats, Integers, Repeats

DRAWS = 8000
SEED = 0

UNLIMITED = 0
"""Number of repeats that exist, where there is always one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Draws of one quantity of all setups.

    Attributes:
        repeats: What was observed.
        means: Draws of the true means, each by itself. Shape (..., draws, setups).
        pooled: Draws of the true means that lean on those of other setups. The same shape.
        variances: Draws of the variances of one repeat, each with its mean. The same shape.
    """

    repeats: Repeats
    means: Floats
    pooled: Floats
    variances: Floats

    @property
    def mean_variances(self) -> Floats:
        """Variances of the observed means. Shape (..., draws, setups)."""
        return self.variances / self.repeats.count[..., None, :]


def posterior(
    repeats: Repeats,
    *,
    axes: Integers | None = None,
    rng: np.random.Generator | int = SEED,
    draws: int = DRAWS,
    least_variance: float | Floats = 0.0,
    usual: Usual | None = None,
    ends: Ends | None = None,
) -> Posterior | None:
    """Draw true means and variances; None where no setup has two repeats and nothing is usual.

    Args:
        repeats: Energies by their logarithms, an objective on its own scale.
        axes: Of each setup the number of its value on each axis, such as batch size and learning
            rate (`axes_of`); setups that share one lean on each other. Shape (setups, axes).
        rng: Source of the draws, or a seed for one.
        draws: How many.
        least_variance: What one repeat varies by at least, because its meter does: squared
            standard deviation on the scale of `repeats`. Shape () or (..., setups).
        usual: Variance of one repeat that is known beforehand; None for nothing.
        ends: Least and greatest value of a share, such as an accuracy: setups lean on each other by
            their log odds. None for anything else.
    """
    if usual is None and not repeats.tell_a_spread:
        return None
    source = np.random.default_rng(rng)
    floor = np.asarray(least_variance)
    variances = np.maximum(
        draw_variances(repeats, rng=source, draws=draws, usual=usual),
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
    """Number the values that setups have on each axis.

    Args:
        setups: Of each setup its parameters by their names; one that it lacks is a value too.

    Returns:
        Shape (setups, axes).
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
    """Return draws of the means of all repeats that exist.

    Who draws from five recorded trainings without putting back knows more of their mean than five
    trainings tell of a job: after the fifth, all. So draws of the true mean m and variance v become

        (n x + (N - n) y) / N,  y ~ normal(m, v / (N - n))

    with x the mean of the n that were seen, of N in all (Cochran 1977, Sampling Techniques, ch. 2).

    Args:
        drawn: Of the true means.
        every: Number of repeats that exist of each setup, at least those that were seen; `UNLIMITED`
            where the true mean is meant. Shape (setups,).
        seen_means: Draws of the means of those that were seen, where they are not known for sure;
            None for those of `drawn`. Shape (draws, setups).
        rng: Source of the noise of those that were not seen, or a seed for one.
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
