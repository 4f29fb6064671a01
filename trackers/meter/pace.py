"""Pace of power samples: dense after a window's edge, then sparser, down to the usual rate.

A window's energy is uncertain by about one sampling period at its edges and at each change of power.
Short windows therefore need short periods, which in a long window would cost CPU time and add nothing.
So the time to the next sample grows with the time since the last edge, and the unknown part stays about
the same share of a window.
"""

import random
from typing import final

DENSEST_S = 0.02
"""Shortest time between two samples: boards update their power every 20 to 100 ms, and asking more often
returns the same value."""

SHARE = 0.05
"""The time to the next sample, as a share of the time since the last edge."""

JITTER = 0.5
"""The time to the next sample varies at random by this share, so that a periodic load is not always
sampled at the same phase."""


def dense_sampling_helps(
    *, averaging_period_s: float, has_counter: bool, refresh_s: float | None
) -> bool:
    """Return whether sampling a board's power more often makes short windows more accurate.

    It does where there is only power, and where the counter is refreshed less often than power can be
    sampled, because the energy since its last refresh is then computed as power x time.

    Args:
        averaging_period_s: Time over which the sensor averages each power; 0 where that is short.
        has_counter: Whether the board has an energy counter.
        refresh_s: Time between two refreshes of the counter; None where it is not known.
    """
    if averaging_period_s > 0:
        return False
    return not has_counter or (refresh_s is not None and refresh_s > 2 * DENSEST_S)


@final
class Pace:
    """Schedule of samples: all devices once per period, some more often after a window's edge."""

    def __init__(self, period_s: float) -> None:
        """Schedule a sample of all devices every `period_s`."""
        self._period_s = period_s
        self._random = random.Random(0)  # noqa: S311 - for the times of samples, not for secrets
        self._edge_s = float("-inf")
        self._all_at_s = float("-inf")

    def edge(self, now_s: float) -> None:
        """Note that a window opens or closes now."""
        self._edge_s = now_s

    def all_are_due(self, now_s: float) -> bool:
        """Return whether all devices are due, and not only those that are sampled more often."""
        return now_s >= self._all_at_s

    def wait_s(self, now_s: float, *, often: bool) -> float:
        """Time until the next sample.

        Args:
            now_s: The present time.
            often: Whether there are devices that are sampled more often after an edge.
        """
        if self.all_are_due(now_s):
            self._all_at_s = now_s + self._varied(self._period_s)
        until_all_s = self._all_at_s - now_s
        if not often:
            return until_all_s
        return min(until_all_s, self._varied(max(DENSEST_S, SHARE * (now_s - self._edge_s))))

    def _varied(self, duration_s: float) -> float:
        return duration_s * self._random.uniform(1 - JITTER, 1 + JITTER)
