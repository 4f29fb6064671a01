"""What the true means of setups can be, as draws: Student's t round each observed mean.

Without a prior for the means: a setup's mean is what was observed, plus noise of a variance that
is itself drawn (`study.inference.moderation`). An interval from it is a moderated t interval.
"""

from dataclasses import dataclass

import numpy as np

from study.inference.moderation import draw_variances
from study.inference.repeats import Floats, Repeats

DRAWS = 8000
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Draws of one quantity of all setups.

    Attributes:
        repeats: What was observed.
        means: Draws of the true means. Shape (..., draws, setups).
        variances: Draws of the variances of one repeat, each with its mean. The same shape.
    """

    repeats: Repeats
    means: Floats
    variances: Floats

    @property
    def mean_variances(self) -> Floats:
        """Variances of the observed means. Shape (..., draws, setups)."""
        return self.variances / self.repeats.count[..., None, :]


def posterior(
    repeats: Repeats,
    *,
    rng: np.random.Generator | int = SEED,
    draws: int = DRAWS,
    least_variance: float | Floats = 0.0,
) -> Posterior | None:
    """Draw true means and variances; None where no setup has two repeats.

    Args:
        repeats: Energies by their logarithms, an objective on its own scale.
        rng: Source of the draws, or a seed for one.
        draws: How many.
        least_variance: What one repeat varies by at least, because its meter does: squared
            standard deviation on the scale of `repeats`. Shape () or (..., setups).
    """
    if not repeats.tell_a_spread:
        return None
    source = np.random.default_rng(rng)
    floor = np.asarray(least_variance)
    variances = np.maximum(
        draw_variances(repeats, rng=source, draws=draws),
        floor[..., None, :] if floor.ndim else floor,
    )
    scale = np.sqrt(variances / repeats.count[..., None, :])
    noise = source.standard_normal(scale.shape)
    return Posterior(
        repeats=repeats, means=repeats.mean[..., None, :] + scale * noise, variances=variances
    )
