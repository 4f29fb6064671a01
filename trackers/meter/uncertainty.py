"""Uncertainty of a measured energy: statistics of the load, and the half-widths that follow from them.

An uncertainty has two parts. The common part is the board's calibration: up to about 5 % against an external
meter, with either sign, and the same share in all readings of a board, so that comparisons on one board
hold (Yang et al., SC24, arXiv 2312.02741). The own part is what remains unknown of one window: the energy
between the last refresh of the counter and the window's edge, the moment between two samples at which the
power changed, and the time that was not observed at all. It is a half-width within which 95 % of the errors
lie; `benchmarks.tracker_accuracy` checks this on randomly drawn curves.

The power of a load that jumps between levels at random moments changes, over L seconds, by a mean square
of Q x L. Q (W^2/s) is estimated from samples that lie close together. If the power is held over such a
stretch, its energy has a standard error of the square root of Q x L^3 / 3.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import final

from trackers.sample import PowerSample

COMMON = 0.05
"""The common part, as a share of the energy."""

HALF_WIDTHS = 3.2
"""Standard errors in a half-width. Two would do for normal errors, but errors at edges have heavy tails: in
most stretches of 20 ms nothing happens, and in a few the load changes."""

LEAST = 0.001
"""Least standard error of any reading, as a share of it: from clocks, and from counters in millijoules."""

CLOSE_S = 0.05
"""Samples no farther apart than this tell how the load varies over short times."""

ENOUGH_PAIRS = 5
"""Pairs of samples after which an estimate from them is used."""

FORGETTING = 0.98
"""Weight of all earlier pairs at each new pair: effectively the last 50 count."""

LEAST_CORRELATION = 0.005
"""Lower bound of an estimated correlation, because the estimate is noisy."""

LONGEST_HOLD_S = 0.1
"""Longest time for which a board reports the same power: boards update it every 20 to 100 ms."""

FRESH_PAIRS = 3
"""Number of changes of power between two counter refreshes that shows that power is updated more often."""


STRETCH_FORGETTING = 0.95
"""Weight of all earlier stretches at each new stretch: effectively the last 20 count."""

ENOUGH = 4.0
"""Weight of stretches from which on an estimate from them is used."""

ENOUGH_TO_BE_LATE = 10.0
"""Weight of stretches from which on the board's power may be judged to be reported late."""

LATE = 0.45
"""Power is judged to be of the stretch before it when its mean square difference from that stretch's mean, over
its mean square difference from the next stretch's mean, is below this. On an H200 the ratio was 0.3."""

LARGEST_VARIANCE_SHARE = 0.995
"""Upper bound of the share of the variance that means over a stretch keep, because its estimate is noisy."""

STEADY_VARIANCE = 1e-6
"""A load is steady when the variance of its reported powers is less than this share of their mean square."""

HALVINGS = 20
"""Halvings of a range of 14 powers of e, which find the solution to a hundred-thousandth."""


@dataclass(slots=True)
class _Moves:
    """Exponentially weighted sums over pairs of samples: squared changes of power, and the times between."""

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

    def correlation(self, variance_w2: float, hold_s: float) -> float:
        """Correlation of the two powers of a pair; 1 where it is not known."""
        if self.pairs < ENOUGH_PAIRS or variance_w2 <= 0 or self.square_w2 <= 0:
            return 1.0
        apart_s = self.time_s / self.weight
        # Of pairs that lie closer together than updates of the power, only this share sees an update.
        seen = min(1.0, apart_s / hold_s) if hold_s > 0 else 1.0
        return max(LEAST_CORRELATION, 1 - self.square_w2 / self.weight / seen / (2 * variance_w2))

    def correlation_time_s(self, variance_w2: float, hold_s: float) -> float:
        """Correlation time, in which the correlation falls to 1/e; infinite for a steady load."""
        correlation = self.correlation(variance_w2, hold_s)
        if correlation >= 1:
            return math.inf
        return -max(self.time_s / self.weight, hold_s) / math.log(min(1 - 1e-9, correlation))


@final
class Roughness:
    """Statistics of a load's variation: mean square change per second, spread and correlation time."""

    def __init__(self) -> None:
        """Start without any sample."""
        self._close = _Moves()
        self._far = _Moves()
        self._last: PowerSample | None = None
        self._mean_w = 0.0
        self._square_w2 = 0.0
        self._weight = 0.0
        self._fresh = 0
        self._changed_s: float | None = None
        self._shortest_s: list[float] = []

    def add(self, sample: PowerSample, *, refreshed_between: bool = True) -> None:
        """Add the next sample.

        Args:
            sample: The sample.
            refreshed_between: Whether the counter may have been refreshed since the previous sample.
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
        """Time for which the board may report the same power before it updates it.

        Args:
            refresh_s: Time between two refreshes of the board's counter, at which power is updated too, if
                not more often; None where it is not known.
        """
        if self._fresh >= FRESH_PAIRS:
            return 0.0
        if refresh_s is not None:
            return refresh_s
        is_known = len(self._shortest_s) == FRESH_PAIRS
        return min(LONGEST_HOLD_S, self._shortest_s[-1]) if is_known else LONGEST_HOLD_S

    def is_uncorrelated(self, hold_s: float) -> bool:
        """Return whether consecutive samples are uncorrelated; see `correlation_time_s` for `hold_s`."""
        variance_w2 = self.std_w**2
        return any(
            each.correlation(variance_w2, hold_s) <= LEAST_CORRELATION
            for each in (self._close, self._far)
        )

    def correlation_time_s(self, hold_s: float) -> float:
        """Correlation time of the load, after which a power says little; infinite for a steady load.

        Args:
            hold_s: Time for which the board reports the same power.
        """
        variance_w2 = self.std_w**2
        return min(
            each.correlation_time_s(variance_w2, hold_s) for each in (self._close, self._far)
        )


@final
@dataclass(slots=True)
class Persistence:
    """Estimate, from the board's own counter, of how long a reported power remains valid.

    Between the counter's last refresh and a window's edge only the last reported power is known. For a steady
    load it is enough; for one that changes faster than the board reports, it says nothing, and the load's mean
    is the better guess. To tell which: the mean powers between refreshes vary as much as the reported powers
    when the load is slow, and less the faster it changes. Older stretches are gradually forgotten.

    Attributes:
        weight: Effective number of stretches seen, after forgetting.
        mean_w: Mean power over these stretches, by the counter.
    """

    weight: float = 0.0
    mean_w: float = 0.0
    _length_s: float = 0.0
    _square_w2: float = 0.0
    _reported_w: float = 0.0
    _reported_w2: float = 0.0
    _off_before_w2: float = 0.0
    _off_after_w2: float = 0.0

    def add(
        self,
        *,
        reported_w: float,
        mean_w: float,
        length_s: float,
        reported_after_w: float | None = None,
    ) -> None:
        """Add a stretch between two refreshes of the counter.

        Args:
            reported_w: Power reported at its start.
            mean_w: Mean power in the stretch, by the counter.
            length_s: Length of the stretch.
            reported_after_w: Power reported at its end; None where there was none.
        """
        self.weight = STRETCH_FORGETTING * self.weight + 1
        share = 1 / self.weight
        self._length_s += share * (length_s - self._length_s)
        self.mean_w += share * (mean_w - self.mean_w)
        self._square_w2 += share * (mean_w**2 - self._square_w2)
        self._reported_w += share * (reported_w - self._reported_w)
        self._reported_w2 += share * (reported_w**2 - self._reported_w2)
        after_w = reported_w if reported_after_w is None else reported_after_w
        self._off_before_w2 += share * ((reported_w - mean_w) ** 2 - self._off_before_w2)
        self._off_after_w2 += share * ((after_w - mean_w) ** 2 - self._off_after_w2)

    @property
    def knows_of_lateness(self) -> bool:
        """Return whether enough stretches were seen for `is_late` to be meaningful."""
        return self.weight >= ENOUGH_TO_BE_LATE

    @property
    def is_late(self) -> bool:
        """Return whether the reported power is the mean of the stretch before it, and not the present power.

        A present power would be as far from the mean of the stretch before it as from that of the stretch
        after it.
        """
        return self.knows_of_lateness and self._off_after_w2 < LATE * self._off_before_w2

    def correlation_time_s(self, reported_std_w: float) -> float:
        """Correlation time after which a reported power is no longer valid; infinite while it is unknown.

        Args:
            reported_std_w: Standard deviation of all reported powers, including those between refreshes.
        """
        spread_w2 = max(reported_std_w**2, self._reported_w2 - self._reported_w**2)
        if self.weight < ENOUGH or spread_w2 <= STEADY_VARIANCE * self._reported_w2:
            return math.inf
        share = max(0.0, self._square_w2 - self.mean_w**2) / spread_w2
        return correlation_time_s(
            min(LARGEST_VARIANCE_SHARE, max(LEAST_CORRELATION, share)), self._length_s
        )


@lru_cache(maxsize=64)
def correlation_time_s(variance_share: float, length_s: float) -> float:
    """Correlation time of a load, from the share of its variance that means over a stretch keep.

    For a correlation of exp(-time / T) that share is 2 (x - 1 + exp(-x)) / x^2, where x is the
    stretch's length over T; this is solved for T by bisection. The result is cached because
    each reading asks for it several times.

    Args:
        variance_share: Variance of the means over stretches, as a share of the load's variance.
        length_s: Length of a stretch.
    """
    low, high = 1e-3, 1e3
    for _ in range(HALVINGS):
        x = math.sqrt(low * high)
        low, high = (x, high) if 2 * (x + math.expm1(-x)) / x**2 > variance_share else (low, x)
    return length_s / low


def edge_error_j(
    roughness: Roughness,
    *,
    late_s: float,
    gap_s: float,
    age_error_s: float,
    mean_w: float,
    assumed_lag_s: float = 0.0,
) -> float:
    """Standard error of the energy between a counter's value and its window's edge.

    Args:
        roughness: Statistics of the load's variation.
        late_s: Time between the counter's value and the edge; its sign does not matter.
        gap_s: Longest part of that time in which no power was reported.
        age_error_s: Time by which the counter's value may be older than its time stamp.
        mean_w: Mean power of the window.
        assumed_lag_s: Time by which the power that is held lags behind.
    """
    late_s = abs(late_s)
    gap_s = min(gap_s, late_s)
    moved_j2 = roughness.rate_w2_s * (late_s * gap_s**2 / 3 + assumed_lag_s * late_s**2)
    return math.sqrt(moved_j2 + (age_error_s * mean_w) ** 2 / 12)


def own_j(errors_j: list[float], *, energy_j: float, coverage: float) -> float:
    """Half-width of the own part of an uncertainty.

    Args:
        errors_j: Independent standard errors.
        energy_j: The measured energy.
        coverage: Share of the window that was observed; the energy of the rest may be wrong by as much as
            the window's mean power over it.
    """
    return HALF_WIDTHS * math.hypot(LEAST * energy_j, *errors_j) + (1 - coverage) * energy_j
