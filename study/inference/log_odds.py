"""Log-odds scale for shares such as accuracies, on which the effects of axes are additive.

A learning rate or batch size costs a good setup few points and a bad one many: where an accuracy of 90 %
falls to 80, one of 60 falls to 40. Log odds (Berkson 1944, Journal of the American Statistical
Association 39:357) make the two comparable, and the effects of axes nearly normal. To keep shares of 0
and 1 finite, both sides are "started" by one standard error of the means (Mosteller and Tukey 1977, Data
Analysis and Regression, chapter 5):

    log((share + start) / (1 - share + start))

Noise is defined on the scale of shares, and converted by the slope.
"""

from dataclasses import dataclass

import numpy as np

from study.inference.repeats import Floats

Ends = tuple[float, float]
"""Lowest and highest value of a share: 0 and 1, or -1 and 0 for one that is to be minimised."""

_LEAST_START = 1e-4
_LARGEST = 700.0
_BEYOND = 0.25


def are_shares(values: Floats, ends: Ends) -> bool:
    """Return whether values lie between the ends, allowing for noise; an R^2 of -5 does not."""
    return bool((values > ends[0] - _BEYOND).all() and (values < ends[1] + _BEYOND).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOdds:
    """Log-odds scale with the observed means on it.

    Attributes:
        means: Observed means, shifted to shares in [0, 1]. Shape (..., setups).
        start: Offset added to both sides of the odds. Shape (..., 1).
        low: Lower end of the original values, which corresponds to a share of 0.
    """

    means: Floats
    start: Floats
    low: float

    @classmethod
    def of(cls, means: Floats, mean_variances: Floats, ends: Ends) -> "LogOdds":
        """Return the scale for observed means.

        Args:
            means: Observed means. Shape (..., setups).
            mean_variances: Typical variances of the means. The same shape.
            ends: Lowest and highest possible value of the means.
        """
        start = np.sqrt(mean_variances.mean(axis=-1, keepdims=True))
        shares = np.clip(means - ends[0], 0.0, 1.0)
        return cls(means=shares, start=np.maximum(start, _LEAST_START), low=ends[0])

    @property
    def places(self) -> Floats:
        """Log odds of the means. Shape (..., setups)."""
        return np.log(self.means + self.start) - np.log(1 - self.means + self.start)

    @property
    def slope(self) -> Floats:
        """Derivative of the log odds with respect to the share, at the means. Shape (..., setups)."""
        return 1 / (self.means + self.start) + 1 / (1 - self.means + self.start)

    def values(self, places: Floats) -> Floats:
        """Convert log odds back to the scale of the observed values. The same shape.

        Args:
            places: Draws as log odds. Shape (..., draws, setups).
        """
        odds = np.exp(np.clip(places, -_LARGEST, _LARGEST))
        start = self.start[..., None, :]
        return np.asarray((odds * (1 + start) - start) / (1 + odds) + self.low)
