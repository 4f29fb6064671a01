"""How long a power that a board tells holds, as its own counter has seen it.

Between the last refresh and a window's edge nothing is known but the power that was told last. Of a load
that stands it says all, of one that changes faster than the board tells anything it says nothing, and then
the load's mean is the better guess. Which of both a load is, is seen where the counter was read at a
refresh and at the next: means between two refreshes vary as much as told powers do where the load stands,
and less the faster it changes.
"""

import math
from dataclasses import dataclass
from typing import final

FORGETTING = 0.95
"""Weight of what was known at each new stretch: some 20 of them count."""

ENOUGH = 4.0
"""With the weight of so many stretches something is known."""

LEAST_KEPT, MOST_KEPT = 0.005, 0.995
"""Bounds of the share of the variance that means keep, because there is chance in a few stretches."""

STANDS = 1e-6
"""A load whose told powers vary by less, as a share of their square, stands."""

HALVINGS = 40


@final
@dataclass(slots=True)
class Persistence:
    """Stretches between two refreshes, each with the power that was told at its start; fading."""

    weight: float = 0.0
    mean_w: float = 0.0
    _over_s: float = 0.0
    _square_w2: float = 0.0
    _told_w: float = 0.0
    _told_w2: float = 0.0

    def saw(self, *, told_w: float, then_w: float, over_s: float) -> None:
        """Take a stretch.

        Args:
            told_w: Power that was told at its start.
            then_w: Mean power in it, by the counter.
            over_s: Its length.
        """
        self.weight = FORGETTING * self.weight + 1
        share = 1 / self.weight
        self._over_s += share * (over_s - self._over_s)
        self.mean_w += share * (then_w - self.mean_w)
        self._square_w2 += share * (then_w**2 - self._square_w2)
        self._told_w += share * (told_w - self._told_w)
        self._told_w2 += share * (told_w**2 - self._told_w2)

    def memory_s(self, told_std_w: float) -> float:
        """After how long a told power holds no more; infinite while nothing is known of it.

        Args:
            told_std_w: Standard deviation of all powers that were told, be it between stretches.
        """
        spread_w2 = max(told_std_w**2, self._told_w2 - self._told_w**2)
        if self.weight < ENOUGH or spread_w2 <= STANDS * self._told_w2:
            return math.inf
        kept = max(0.0, self._square_w2 - self.mean_w**2) / spread_w2
        return memory_s(min(MOST_KEPT, max(LEAST_KEPT, kept)), self._over_s)


def memory_s(kept: float, over_s: float) -> float:
    """Memory of a load of whose variance the mean over a stretch keeps a share.

    Where its correlation falls as exp(-time / memory), 2 (x - 1 + exp(-x)) / x^2 is kept, x being the
    stretch over the memory.
    """
    low, high = 1e-3, 1e3
    for _ in range(HALVINGS):
        x = math.sqrt(low * high)
        low, high = (x, high) if 2 * (x + math.expm1(-x)) / x**2 > kept else (low, x)
    return over_s / low
