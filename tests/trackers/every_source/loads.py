"""A load that is known in advance, in whole watts."""

from collections.abc import Sequence
from itertools import accumulate
from typing import final

HIGHEST_W = 700
COUNTED_BEFORE_J = 1e6
"""Value of a counter when a world begins, because boards count from the loading of their driver."""


@final
class Load:
    """Power in whole watts, with one value per period; sums are exact if the period is a power of two."""

    def __init__(self, watts: Sequence[int], *, period_s: float, start_s: float) -> None:
        """Start with the first value at `start_s`; the last value continues for ever."""
        self.period_s = period_s
        self.watts = [*watts]
        self._start_s = start_s
        self._sums_j = [0.0, *accumulate(each * period_s for each in watts)]

    def power_w(self, time_s: float) -> float:
        """Power at a time."""
        return self.watts[min(self._period(time_s), len(self.watts) - 1)]

    def energy_j(self, time_s: float) -> float:
        """Energy since the start."""
        period = min(self._period(time_s), len(self.watts) - 1)
        begun_s = time_s - self._start_s - period * self.period_s
        return self._sums_j[period] + self.watts[period] * begun_s

    def _period(self, time_s: float) -> int:
        return max(0, int((time_s - self._start_s) / self.period_s))
