"""Shares on the scale of their log odds, on which what setups have in common adds up.

What a learning rate or a batch size costs a good setup is few points and a bad one many: an
accuracy of 90 % falls to 80 where one of 60 falls to 40. Log odds (Berkson 1944, Journal of the
American Statistical Association 39:357) make the two alike, and the effects of axes nearly normal.
Their ends are far away, so that a share of 0 or 1 is started by one standard error of the means
(Mosteller and Tukey 1977, Data Analysis and Regression, chapter 5):

    log((share + start) / (1 - share + start))

Noise stays what it is on the scale of shares, and is carried over by the slope.
"""

from dataclasses import dataclass

import numpy as np

from study.inference.repeats import Floats

Ends = tuple[float, float]
"""Least and greatest value of a share: 0 and 1, or -1 and 0 of one that is to be small."""

_LEAST_START = 1e-4
_LARGEST = 700.0
_BEYOND = 0.25


def are_shares(values: Floats, ends: Ends) -> bool:
    """Return whether values lie between the ends, give or take noise; an R^2 of -5 does not."""
    return bool((values > ends[0] - _BEYOND).all() and (values < ends[1] + _BEYOND).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOdds:
    """The scale, and what was observed on it.

    Attributes:
        means: Observed means, as shares in [0, 1]. Shape (..., setups).
        start: What both sides of the odds are started by. Shape (..., 1).
        low: Lower end of what was observed.
    """

    means: Floats
    start: Floats
    low: float

    @classmethod
    def of(cls, means: Floats, mean_variances: Floats, ends: Ends) -> "LogOdds":
        """The scale for some means.

        Args:
            means: What was observed. Shape (..., setups).
            mean_variances: Of the means, typical ones. The same shape.
            ends: Of what was observed.
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
        """Log odds for each unit of a share, at the means. Shape (..., setups)."""
        return 1 / (self.means + self.start) + 1 / (1 - self.means + self.start)

    def values(self, places: Floats) -> Floats:
        """Draws on the scale of what was observed.

        Args:
            places: Log odds. Shape (..., draws, setups).
        """
        odds = np.exp(np.clip(places, -_LARGEST, _LARGEST))
        start = self.start[..., None, :]
        return np.asarray((odds * (1 + start) - start) / (1 + odds) + self.low)
