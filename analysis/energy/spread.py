"""A quantity over repeats: mean and standard deviation; and what an interval is."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from study.inference import intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval95:
    """A 95 % interval, both ends included."""

    low: float
    high: float

    @classmethod
    def of(cls, found: intervals.Interval) -> Self:
        """One that was computed of a single study, as numbers."""
        return cls(low=float(found.low), high=float(found.high))


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
