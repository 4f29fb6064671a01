"""A board whose counter is refreshed at a steady rate."""

import math

from trackers.clock import ManualClock
from trackers.sample import Observation


class Board:
    """A counter that rises by 1 J at each refresh."""

    def __init__(self, clock: ManualClock, period_s: float) -> None:
        """Refresh the counter every `period_s`."""
        self.clock = clock
        self.period_s = period_s
        self.reads = 0

    def observe(self, _: str = "") -> Observation:
        """Read the counter."""
        self.reads += 1
        now_s = self.clock.now_s()
        return Observation(time_s=now_s, counter_j=1.0 + math.floor(now_s / self.period_s))
