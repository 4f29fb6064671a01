"""Mean and standard deviation of a quantity over repeats, and 95 % intervals."""

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
        """Convert an interval of a single study, whose ends are scalars."""
        return cls(low=float(found.low), high=float(found.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A quantity over the repeats of a setup, or over setups.

    Attributes:
        mean: Arithmetic mean.
        std: Sample standard deviation (n - 1); None for one value.
        count: Number of known values.
        values: The known values.
    """

    mean: float
    std: float | None
    count: int
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self | None:
        """Return the spread of the values that are not None; None if there are none."""
        known = tuple(value for value in values if value is not None)
        if not known:
            return None
        std = statistics.stdev(known) if len(known) > 1 else None
        return cls(mean=statistics.fmean(known), std=std, count=len(known), values=known)
