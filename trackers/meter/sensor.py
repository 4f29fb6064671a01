"""Known facts of how a device is observed, and how far the powers that it tells hold."""

import math
from dataclasses import dataclass, field
from functools import cached_property

from trackers.meter.counter_trust import Trust
from trackers.meter.uncertainty import ENOUGH, Persistence, Roughness
from trackers.sample import Observation

MEMORIES, MEMORIES_UNSEEN = 6.0, 0.7
"""A power is held until so many of a load's memories have passed; then the load's mean is nearer. The second
is for loads of which no sample tells anything of the next, so that their memory may be far shorter than is
seen. Found on the curves of `drawn_curves(40, seed=1)` in `benchmarks.tracking.curves`: the smallest mean
error, and the fewest curves on which the counter alone is better."""


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """Known facts of how a device is observed, at one moment: what they come to is computed once.

    Attributes:
        has_counter: Whether it has ever given a counter.
        estimated: Whether the source computes energies from something other than a sensor.
        power_limit_w: Highest power that it may draw; None if not known.
        period_s: Time between two power samples.
        power_mean_s: Time over which each of them is a mean; 0 where that is short.
        told_each_s: Time between two powers that it tells, where that is long; else 0.
        refresh_s: Time between two refreshes of its counter; None where it is not known.
        oldest_s: How old a counter's value may be where that is not known.
        trust: What is thought of its counter.
        roughness: How its load moves.
        persistence: How far the powers that it tells hold.
    """

    period_s: float
    has_counter: bool = False
    estimated: bool = False
    power_limit_w: float | None = None
    power_mean_s: float = 0.0
    told_each_s: float = 0.0
    refresh_s: float | None = None
    oldest_s: float = 0.0
    trust: Trust = field(default_factory=Trust)
    roughness: Roughness = field(default_factory=Roughness)
    persistence: Persistence = field(default_factory=Persistence)

    def kept(self, gap_s: float) -> float:
        """Share of a power that holds in a stretch in which nothing else is reported."""
        by_samples_s, held, by_counter_s = self._memories
        by_samples = _kept(gap_s, by_samples_s, held=held)
        return min(by_samples, _kept(gap_s, by_counter_s, held=MEMORIES))

    @cached_property
    def _memories(self) -> tuple[float, float, float]:
        """The load's memory by its samples, how many of them a power holds, and its memory by the counter."""
        by_samples_alone = self.persistence.weight < ENOUGH
        unseen = by_samples_alone and self.roughness.forgets(self.hold_s)
        return (
            self.roughness.memory_s(self.hold_s),
            MEMORIES_UNSEEN if unseen else MEMORIES,
            self.persistence.memory_s(self.roughness.std_w),
        )

    @property
    def late_s(self) -> float:
        """Time by which the power that is told is of the past."""
        return self.hold_s if self.persistence.is_late else 0.0

    @property
    def aged_s(self) -> float:
        """The same as far as an uncertainty goes: while that is being learnt, half of what it may be."""
        is_learnt = not self.persistence.weight or self.persistence.knows_of_lateness
        return self.late_s if is_learnt else self.hold_s / 2

    @property
    def unknown_s(self) -> float:
        """Time by which a counter's value may be older than it is taken for."""
        return self.oldest_s if self.refresh_s is None else 0.0

    def unknown_at_s(self, seen: Observation) -> float:
        """The same of one value: one that was read next to a refresh may be from before it."""
        if self.refresh_s is None or seen.took_s == 0:
            return self.unknown_s
        return self.refresh_s + seen.took_s

    @cached_property
    def hold_s(self) -> float:
        """Time for which the board reports the same power, as far as is known."""
        return self.roughness.hold_s(self.refresh_s)


def _kept(gap_s: float, memory_s: float, *, held: float) -> float:
    """The mean of exp(-time / memory) over a stretch; 1 while the stretch is shorter than `held` memories."""
    if gap_s <= held * memory_s:
        return 1.0
    return memory_s / gap_s * (1 - math.exp(-gap_s / memory_s)) if memory_s > 0 else 0.0
