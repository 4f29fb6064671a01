"""Bounds on the distance of a measured energy from the true one.

Two parts. The common part is the board's calibration: up to about 5 % against an external meter, with
either sign, and the same share in all readings of a board, so that comparisons on one board hold (Yang et
al., SC24, arXiv 2312.02741). The own part is what one window does not know: what was drawn between the
last refresh of the counter and the window's edge, when between two samples the power changed, and what
was not observed at all. It is a half-width that 95 % of errors lie within, which
`benchmarks.tracker_accuracy` checks on curves that nobody chose.

A load that jumps between levels at random moments moves, in a stretch of L seconds, by a mean square of
Q x L. Q (W^2/s) is estimated from samples that lie close together. Held over the stretch, its energy is
then uncertain by the root of Q x L^3 / 3.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import final

from trackers.sample import PowerSample

COMMON = 0.05
"""The common part, as a share of the energy."""

HALF_WIDTHS = 3.2
"""Standard errors in a half-width. Errors at edges have heavy tails: mostly nothing happens in a stretch
of 20 ms, and sometimes the load changes; two of them would hold for normal errors."""

LEAST = 0.001
"""Standard error of any reading, as a share: of clocks, and of counters that count in millijoules."""

CLOSE_S = 0.05
"""Two samples that lie no farther apart tell how a load moves in short times."""

ENOUGH_PAIRS = 5
"""With so many pairs of samples something is known of a load's moves."""

FORGETTING = 0.98
"""Weight of what was known at each new pair: some 50 of them count."""

LEAST_KEPT = 0.005
"""A correlation below this is taken for this: there is always some chance in it."""

LONGEST_HOLD_S = 0.1
"""Boards renew the power that they tell each 20 to 100 ms."""

FRESH_PAIRS = 3
"""Changes of power between two refreshes of the counter; so many show that power is renewed more often."""


STRETCH_FORGETTING = 0.95
"""Weight of what was known at each new stretch: some 20 of them count."""

ENOUGH = 4.0
"""With the weight of so many stretches something is known."""

ENOUGH_TO_BE_LATE = 10.0
"""The same, for taking power to be told late."""

LATE = 0.45
"""Mean square by which power differs from the mean of the stretch before it over that of the stretch after
it, below which it is told of the former. On an H200 0.3 was seen."""

MOST_KEPT = 0.995
"""The share of the variance that means keep is taken to be no higher, because there is chance in a few."""

STANDS = 1e-6
"""A load whose told powers vary by less, as a share of their square, stands."""

HALVINGS = 20
"""Of 14 powers of e: to a hundred-thousandth."""


@dataclass(slots=True)
class _Moves:
    """Squares of changes of power and the times in which they came, both fading."""

    square_w2: float = 0.0
    time_s: float = 0.0
    weight: float = 0.0
    pairs: int = 0

    def add(self, apart_s: float, change_w: float) -> None:
        self.square_w2 = FORGETTING * self.square_w2 + change_w**2
        self.time_s = FORGETTING * self.time_s + apart_s
        self.weight = FORGETTING * self.weight + 1
        self.pairs += 1

    @property
    def rate_w2_s(self) -> float:
        return self.square_w2 / self.time_s if self.pairs >= ENOUGH_PAIRS else 0.0

    def kept(self, variance_w2: float, hold_s: float) -> float:
        """Correlation of two powers of a pair; 1 where it is not known."""
        if self.pairs < ENOUGH_PAIRS or variance_w2 <= 0 or self.square_w2 <= 0:
            return 1.0
        apart_s = self.time_s / self.weight
        # Of pairs that are closer than power is renewed, only some see a change of it.
        seen = min(1.0, apart_s / hold_s) if hold_s > 0 else 1.0
        return max(LEAST_KEPT, 1 - self.square_w2 / self.weight / seen / (2 * variance_w2))

    def memory_s(self, variance_w2: float, hold_s: float) -> float:
        """Time in which the correlation falls to a third, if as an exponential."""
        kept = self.kept(variance_w2, hold_s)
        if kept >= 1:
            return math.inf
        return -max(self.time_s / self.weight, hold_s) / math.log(min(1 - 1e-9, kept))


@final
class Roughness:
    """Movement of a load: its mean square change per second, its spread and its memory."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._close = _Moves()
        self._far = _Moves()
        self._last: PowerSample | None = None
        self._mean_w = 0.0
        self._square_w2 = 0.0
        self._weight = 0.0
        self._fresh = 0
        self._changed_s: float | None = None
        self._shortest_s: list[float] = []

    def saw(self, sample: PowerSample, *, refreshed_between: bool = True) -> None:
        """Take the next sample.

        Args:
            sample: The sample.
            refreshed_between: Whether the counter may have been refreshed since the one before.
        """
        last, self._last = self._last, sample
        self._weight = FORGETTING * self._weight + 1
        self._mean_w += (sample.power_w - self._mean_w) / self._weight
        self._square_w2 += (sample.power_w**2 - self._square_w2) / self._weight
        if last is None or sample.time_s <= last.time_s:
            return
        apart_s, change_w = sample.time_s - last.time_s, sample.power_w - last.power_w
        if change_w != 0:
            self._fresh += not refreshed_between
            if self._changed_s is not None:
                spaced_s = sample.time_s - self._changed_s
                if len(self._shortest_s) < FRESH_PAIRS or spaced_s < self._shortest_s[-1]:
                    self._shortest_s = sorted([*self._shortest_s, spaced_s])[:FRESH_PAIRS]
            self._changed_s = sample.time_s
        (self._close if apart_s <= CLOSE_S else self._far).add(apart_s, change_w)

    @property
    def rate_w2_s(self) -> float:
        """Mean square change of power per second."""
        return max(self._close.rate_w2_s, self._far.rate_w2_s)

    @property
    def std_w(self) -> float:
        """Standard deviation of the power."""
        return math.sqrt(max(0.0, self._square_w2 - self._mean_w**2))

    def hold_s(self, refresh_s: float | None) -> float:
        """Time for which the board may report the same power.

        Args:
            refresh_s: Time between two refreshes of its counter, with which power is renewed if not
                more often; None where it is not known.
        """
        if self._fresh >= FRESH_PAIRS:
            return 0.0
        if refresh_s is not None:
            return refresh_s
        is_known = len(self._shortest_s) == FRESH_PAIRS
        return min(LONGEST_HOLD_S, self._shortest_s[-1]) if is_known else LONGEST_HOLD_S

    def forgets(self, hold_s: float) -> bool:
        """Return whether two samples in a row are independent of each other; see `memory_s`."""
        variance_w2 = self.std_w**2
        return any(
            each.kept(variance_w2, hold_s) <= LEAST_KEPT for each in (self._close, self._far)
        )

    def memory_s(self, hold_s: float) -> float:
        """Time after which a power says little of the present one; infinite for a steady load.

        Args:
            hold_s: How long the board tells the same power.
        """
        variance_w2 = self.std_w**2
        return min(each.memory_s(variance_w2, hold_s) for each in (self._close, self._far))


@final
@dataclass(slots=True)
class Persistence:
    """Persistence of a power that a board reports, as its own counter has seen it.

    Between the last refresh and a window's edge nothing is known but the power that was told last. Of a load
    that stands it says all, of one that changes faster than the board tells anything it says nothing, and
    then the load's mean is the better guess. Means between two refreshes vary as much as told powers do where
    the load stands, and less the faster it changes. What was seen fades.
    """

    weight: float = 0.0
    mean_w: float = 0.0
    _over_s: float = 0.0
    _square_w2: float = 0.0
    _told_w: float = 0.0
    _told_w2: float = 0.0
    _off_before_w2: float = 0.0
    _off_after_w2: float = 0.0

    def saw(
        self, *, told_w: float, then_w: float, over_s: float, told_after_w: float | None = None
    ) -> None:
        """Take a stretch.

        Args:
            told_w: Power that was told at its start.
            then_w: Mean power in it, by the counter.
            over_s: Its length.
            told_after_w: Power that was told at its end; None where there was none.
        """
        self.weight = STRETCH_FORGETTING * self.weight + 1
        share = 1 / self.weight
        self._over_s += share * (over_s - self._over_s)
        self.mean_w += share * (then_w - self.mean_w)
        self._square_w2 += share * (then_w**2 - self._square_w2)
        self._told_w += share * (told_w - self._told_w)
        self._told_w2 += share * (told_w**2 - self._told_w2)
        after_w = told_w if told_after_w is None else told_after_w
        self._off_before_w2 += share * ((told_w - then_w) ** 2 - self._off_before_w2)
        self._off_after_w2 += share * ((after_w - then_w) ** 2 - self._off_after_w2)

    @property
    def knows_of_lateness(self) -> bool:
        """Return whether enough stretches were seen to tell."""
        return self.weight >= ENOUGH_TO_BE_LATE

    @property
    def is_late(self) -> bool:
        """Return whether power is told of the stretch before a refresh, and not of that moment.

        Power of the moment is as far from the mean of the stretch before it as from that of the stretch
        after it.
        """
        return self.knows_of_lateness and self._off_after_w2 < LATE * self._off_before_w2

    def memory_s(self, told_std_w: float) -> float:
        """Time after which a reported power no longer holds; infinite while nothing is known of it.

        Args:
            told_std_w: Standard deviation of all powers that were told, be it between stretches.
        """
        spread_w2 = max(told_std_w**2, self._told_w2 - self._told_w**2)
        if self.weight < ENOUGH or spread_w2 <= STANDS * self._told_w2:
            return math.inf
        kept = max(0.0, self._square_w2 - self.mean_w**2) / spread_w2
        return memory_s(min(MOST_KEPT, max(LEAST_KEPT, kept)), self._over_s)


@lru_cache(maxsize=64)
def memory_s(kept: float, over_s: float) -> float:
    """Memory of a load of whose variance the mean over a stretch keeps a share.

    Where its correlation falls as exp(-time / memory), 2 (x - 1 + exp(-x)) / x^2 is kept, x being the
    stretch over the memory. A reading asks for the same several times.
    """
    low, high = 1e-3, 1e3
    for _ in range(HALVINGS):
        x = math.sqrt(low * high)
        low, high = (x, high) if 2 * (x + math.expm1(-x)) / x**2 > kept else (low, x)
    return over_s / low


def edge_error_j(
    roughness: Roughness,
    *,
    late_s: float,
    gap_s: float,
    unknown_s: float,
    mean_w: float,
    aged_s: float = 0.0,
) -> float:
    """Standard error of the energy between a counter's value and its window's edge.

    Args:
        roughness: How the load moves.
        late_s: Length of the stretch.
        gap_s: The longest part of it in which no power was told.
        unknown_s: How much older than it is taken for the counter's value may be.
        mean_w: Mean power of the window.
        aged_s: Time by which the power that is held is of the past.
    """
    late_s = abs(late_s)
    gap_s = min(gap_s, late_s)
    moved_j2 = roughness.rate_w2_s * (late_s * gap_s**2 / 3 + aged_s * late_s**2)
    return math.sqrt(moved_j2 + (unknown_s * mean_w) ** 2 / 12)


def own_j(errors_j: list[float], *, energy_j: float, coverage: float) -> float:
    """Half-width of the own part.

    Args:
        errors_j: Standard errors that have nothing to do with each other.
        energy_j: The measured energy.
        coverage: Share of the window that was observed; the rest may be anything up to its mean.
    """
    return HALF_WIDTHS * math.hypot(LEAST * energy_j, *errors_j) + (1 - coverage) * energy_j
