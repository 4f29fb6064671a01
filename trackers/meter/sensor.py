"""Known facts about a device's sensor, and how long a power that it reports remains valid."""

import math
from dataclasses import dataclass, field
from functools import cached_property

from trackers.meter.counter_trust import Trust
from trackers.meter.uncertainty import ENOUGH, Persistence, Roughness
from trackers.sample import Observation

HELD_TIMES, HELD_TIMES_UNSEEN = 6.0, 0.7
"""A power is held for this many correlation times of the load; after that the load's mean is the
better guess. The second value is for loads whose consecutive samples are uncorrelated, so that their
correlation time may be far shorter than can be seen. Both were tuned on the curves of `drawn_curves(40, seed=1)` in
`benchmarks.tracking.curves`: the smallest mean error, and the fewest curves on which the counter alone is
better."""


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """Snapshot of the known facts about a device's sensor; derived values are computed once.

    Attributes:
        has_counter: Whether the device has ever reported a counter.
        estimated: Whether the source computes energies from something other than a sensor.
        power_limit_w: Highest power that the device may draw; None if not known.
        period_s: Time between two power samples.
        averaging_period_s: Time over which the sensor averages each power; 0 where that is short.
        update_period_s: Time between two updates of the reported power, where that is long; else 0.
        refresh_s: Time between two refreshes of the counter; None where it is not known.
        oldest_s: Greatest age that a counter's value may have while `refresh_s` is not known.
        trust: Present verdict on the counter.
        roughness: How fast and how far the load varies.
        persistence: For how long a reported power remains valid, as judged by the counter.
    """

    period_s: float
    has_counter: bool = False
    estimated: bool = False
    power_limit_w: float | None = None
    averaging_period_s: float = 0.0
    update_period_s: float = 0.0
    refresh_s: float | None = None
    oldest_s: float = 0.0
    trust: Trust = field(default_factory=Trust)
    roughness: Roughness = field(default_factory=Roughness)
    persistence: Persistence = field(default_factory=Persistence)

    def power_weight(self, gap_s: float) -> float:
        """Weight in [0, 1] of the last reported power against the load's mean over `gap_s` without a report."""
        by_samples_s, held, by_counter_s = self._correlation_times_s
        by_samples = _mean_correlation(gap_s, by_samples_s, held=held)
        return min(by_samples, _mean_correlation(gap_s, by_counter_s, held=HELD_TIMES))

    @cached_property
    def _correlation_times_s(self) -> tuple[float, float, float]:
        """Correlation time by the samples, how many of these a power is held, and correlation time by the counter."""
        by_samples_alone = self.persistence.weight < ENOUGH
        unseen = by_samples_alone and self.roughness.is_uncorrelated(self.hold_s)
        return (
            self.roughness.correlation_time_s(self.hold_s),
            HELD_TIMES_UNSEEN if unseen else HELD_TIMES,
            self.persistence.correlation_time_s(self.roughness.std_w),
        )

    @property
    def lag_s(self) -> float:
        """Time by which a reported power lags behind; 0 where the board reports its present power."""
        return self.hold_s if self.persistence.is_late else 0.0

    @property
    def assumed_lag_s(self) -> float:
        """`lag_s` for use in an uncertainty; while it is still being learnt, half of its largest value."""
        is_learnt = not self.persistence.weight or self.persistence.knows_of_lateness
        return self.lag_s if is_learnt else self.hold_s / 2

    @property
    def age_error_s(self) -> float:
        """Time by which a counter's value may be older than its time stamp."""
        return self.oldest_s if self.refresh_s is None else 0.0

    def age_error_at_s(self, seen: Observation) -> float:
        """`age_error_s` of one observation; a value read close to a refresh may be the one from before it."""
        if self.refresh_s is None or seen.took_s == 0:
            return self.age_error_s
        return self.refresh_s + seen.took_s

    @cached_property
    def hold_s(self) -> float:
        """Time for which the board reports the same power before it updates it, as far as is known."""
        return self.roughness.hold_s(self.refresh_s)


def _mean_correlation(gap_s: float, correlation_s: float, *, held: float) -> float:
    """Mean of exp(-time / T) over a gap; 1 while the gap is no longer than `held` correlation times T."""
    if gap_s <= held * correlation_s:
        return 1.0
    return (
        correlation_s / gap_s * (1 - math.exp(-gap_s / correlation_s)) if correlation_s > 0 else 0.0
    )
