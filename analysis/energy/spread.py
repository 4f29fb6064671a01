"""A quantity over repeats: mean, standard deviation and a bootstrap interval."""

import itertools
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

CONFIDENCE = 0.95

FEW = 3
"""Up to so many values an interval reaches from the smallest to the largest: too few to know more."""

_SEED = 0
_RESAMPLES = 10_000
# Up to five values all their resamples, 3125 at most, are written out: nothing is left to chance.
_MOST_ENUMERATED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a quantity lies with 95 % confidence, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A quantity over the repeats of a setup, or over setups.

    Attributes:
        mean: Arithmetic mean.
        std: Sample standard deviation (n - 1); None for one value.
        count: Number of values that are known.
        values: These values.
    """

    mean: float
    std: float | None
    count: int
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self | None:
        """The spread of the values that are known; None where none is."""
        known = tuple(value for value in values if value is not None)
        if not known:
            return None
        std = statistics.stdev(known) if len(known) > 1 else None
        return cls(mean=statistics.fmean(known), std=std, count=len(known), values=known)

    @property
    def interval(self) -> Interval | None:
        """Percentile bootstrap of the mean; None for one value, which says nothing of a spread.

        With two or three repeats it reaches from the smallest to the largest value: it cannot know of values that it has not seen, so it is rather too narrow than too wide.
        """
        return None if self.count < 2 else _bootstrap(self.values)  # noqa: PLR2004 - as said


def share_saved_interval(reference: Spread, other: Spread) -> Interval | None:
    """Bootstrap interval of 1 - mean of the other / mean of the reference.

    None where either has one value only, or where the reference can be 0.
    """
    if min(reference.count, other.count) < 2 or min(reference.values) <= 0:  # noqa: PLR2004
        return None
    rng = np.random.default_rng(_SEED)
    means = [
        np.asarray(s.values)[rng.integers(s.count, size=(_RESAMPLES, s.count))].mean(axis=1)
        for s in (reference, other)
    ]
    shares = 1 - means[1] / means[0]
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(low=float(low), high=float(high))


def _bootstrap(values: tuple[float, ...]) -> Interval:
    known = np.asarray(values, dtype=float)
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    # Of a few values the means are few too: a quantile is one of them, not a point in between.
    low, high = np.quantile(_resampled_means(known), tails, method="inverted_cdf")
    # Rounding must not put the interval outside of what was seen.
    low, high = np.clip([low, high], min(values), max(values))
    return Interval(low=float(low), high=float(high))


def _resampled_means(values: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, Any]":
    count = len(values)
    if count <= _MOST_ENUMERATED:
        draws = np.asarray(list(itertools.product(range(count), repeat=count)))
    else:
        draws = np.random.default_rng(_SEED).integers(count, size=(_RESAMPLES, count))
    return np.asarray(values[draws].mean(axis=1))
