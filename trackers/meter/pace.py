"""Pace of power samples: fast after a window's edge, then slower, down to the usual rate.

What a window lacks is known to a sampling period at its edges and at each change of power. Short
windows need short periods; in a long one they would cost CPU time and tell nothing. So the time to
the next sample grows with the time since the last edge, and what is not known stays about the same
share of a window.
"""

import random
from typing import final

DENSEST_S = 0.02
"""Boards renew their power each 20 to 100 ms; asking more often tells the same again."""

SHARE = 0.05
"""The time to the next sample, as a share of the time since the last edge."""

JITTER = 0.5
"""The time to the next sample varies by this share, so that a load that repeats is not always met
in the same place."""


def gains_by_more(*, power_mean_s: float, has_counter: bool, refresh_s: float | None) -> bool:
    """Return whether sampling a board's power more often makes short windows better.

    It does where power is all there is, and where a counter is refreshed more seldom than power can
    be sampled: the energy since its last refresh is power x time.

    Args:
        power_mean_s: Time over which each power is a mean; 0 where that is short.
        has_counter: Whether energy is counted.
        refresh_s: Time between two refreshes of the counter; None where it is not known.
    """
    if power_mean_s > 0:
        return False
    return not has_counter or (refresh_s is not None and refresh_s > 2 * DENSEST_S)


@final
class Pace:
    """Says when to sample next: everything each period, some devices more often after an edge."""

    def __init__(self, period_s: float) -> None:
        """Sample everything each `period_s`."""
        self._period_s = period_s
        self._random = random.Random(0)  # noqa: S311 - times of samples, not secrets
        self._edge_s = float("-inf")
        self._all_at_s = float("-inf")

    def edge(self, now_s: float) -> None:
        """A window opens or closes now."""
        self._edge_s = now_s

    def all_are_due(self, now_s: float) -> bool:
        """Return whether everything is to be sampled, not only what is sampled more often."""
        return now_s >= self._all_at_s

    def wait_s(self, now_s: float, *, often: bool) -> float:
        """Time until the next sample.

        Args:
            now_s: The time.
            often: Whether there are devices that are sampled more often.
        """
        if self.all_are_due(now_s):
            self._all_at_s = now_s + self._varied(self._period_s)
        until_all_s = self._all_at_s - now_s
        if not often:
            return until_all_s
        return min(until_all_s, self._varied(max(DENSEST_S, SHARE * (now_s - self._edge_s))))

    def _varied(self, duration_s: float) -> float:
        return duration_s * self._random.uniform(1 - JITTER, 1 + JITTER)
