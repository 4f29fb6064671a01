"""Integration of power samples to joules. Pure arithmetic: no clock, no thread, no hardware.

Equation 1 of the paper (arXiv 2401.01851) is E = mean power x time / 3600, with the mean taken over
the samples of an epoch. Here each sample stands for the time that is nearer to it than to any other
sample, and the first and last one are cut at the window's edges. For evenly spaced samples this gives
the same mean; it stays right for uneven ones, and the energies of adjacent windows add up to the energy
of both together. (If each sample were held until the next one, every change would be seen half a period
late.)
"""

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, final

from trackers.sample import Observation, PowerSample

STALE_PERIODS = 3.0
"""A sample covers this many sampling periods after it; the time beyond counts as not covered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integral:
    """Energy of one window by its power samples.

    Attributes:
        energy_j: Energy of the whole window, in which the uncovered part is charged at the last
            power; None where no sample precedes or touches the window.
        coverage: Share of the window within `STALE_PERIODS` of a sample; in [0, 1].
        samples: Number of samples inside the window.
        placing_j: Standard error from not knowing when, between two samples, the power changed.
    """

    energy_j: float | None
    coverage: float
    samples: int
    placing_j: float = 0.0


class _Step(NamedTuple):
    """A sample that holds from `from_s` on, with running sums since the first sample.

    `energy_j` is the sum until `from_s`; `covered_s`, `placing_j2` and `number` are those until `taken_s`.
    """

    taken_s: float
    from_s: float
    power_w: float
    energy_j: float
    covered_s: float
    placing_j2: float
    number: int


_TAKEN = attrgetter("taken_s")
_FROM = attrgetter("from_s")


@final
class PowerTrace:
    """One device's power over time, as a step function that changes half-way between two samples."""

    def __init__(self, *, period_s: float) -> None:
        """Start empty; samples are expected every `period_s`."""
        self._stale_s = STALE_PERIODS * period_s
        self._steps: list[_Step] = []

    def __len__(self) -> int:
        """Return the number of stored samples."""
        return len(self._steps)

    @property
    def last_s(self) -> float:
        """Time of the last sample; minus infinity where there is none."""
        return self._steps[-1].taken_s if self._steps else float("-inf")

    def append(self, sample: PowerSample, *, is_mean: bool = False) -> None:
        """Add the next sample.

        Args:
            sample: The sample.
            is_mean: Whether the power is a mean over the time that begins at the sample's time. It then
                holds from there, instead of from half-way to the previous sample. So does a sample
                after a gap, because it is unknown when in the gap the power changed.

        Raises:
            ValueError: The sample is not later than the last one.
        """
        taken_s, power_w = sample.time_s, sample.power_w
        if not self._steps:
            self._steps.append(_Step(taken_s, taken_s, power_w, 0.0, 0.0, 0.0, 1))
            return
        last = self._steps[-1]
        apart_s = taken_s - last.taken_s
        if apart_s <= 0:
            message = f"sample at {taken_s} s after one at {last.taken_s} s"
            raise ValueError(message)
        from_s = taken_s if is_mean or apart_s > self._stale_s else taken_s - apart_s / 2
        held_s = from_s - last.from_s
        # Variance for a change whose time is uniformly distributed between the two samples.
        placed_j2 = ((power_w - last.power_w) * apart_s) ** 2 / 12
        self._steps.append(
            _Step(
                taken_s,
                from_s,
                power_w,
                energy_j=last.energy_j + last.power_w * held_s,
                covered_s=last.covered_s + min(apart_s, self._stale_s),
                placing_j2=last.placing_j2 + (0.0 if is_mean else placed_j2),
                number=last.number + 1,
            )
        )

    def integral(self, start_s: float, stop_s: float) -> Integral:
        """Energy between two instants.

        Where the window begins before the first sample, that sample's power is extended back to the
        window's start, and this part counts as not covered.

        Raises:
            ValueError: The window ends before it starts.
        """
        if stop_s < start_s:
            message = f"window from {start_s} s to {stop_s} s ends before it starts"
            raise ValueError(message)
        if not self._steps or self._steps[0].taken_s > stop_s:
            return Integral(energy_j=None, coverage=0.0, samples=0)
        first, last = self._holding(start_s), self._holding(stop_s)
        energy_j = self._energy_until(last, stop_s) - self._energy_until(first, start_s)
        before, within = self._taken(start_s), self._taken(stop_s)
        covered_s = self._covered_until(within, stop_s) - self._covered_until(before, start_s)
        length_s = stop_s - start_s
        coverage = 1.0 if length_s == 0 else min(1.0, max(0.0, covered_s / length_s))
        samples = within.number - before.number + (1 if before.taken_s >= start_s else 0)
        return Integral(
            energy_j=max(0.0, energy_j),
            coverage=coverage,
            samples=samples,
            placing_j=math.sqrt(max(0.0, within.placing_j2 - before.placing_j2)),
        )

    def power_w(self, time_s: float) -> float:
        """Power at a time, by the sample that stands for it; the trace must not be empty."""
        return self._holding(time_s).power_w

    def first_after_s(self, time_s: float) -> float | None:
        """Return the time of the first sample after `time_s`; None where there is none."""
        at = bisect_right(self._steps, time_s, key=_TAKEN)
        return self._steps[at].taken_s if at < len(self._steps) else None

    def longest_gap_s(self, start_s: float, stop_s: float) -> float:
        """Return the longest time without a sample between two instants, given in either order."""
        start_s, stop_s = min(start_s, stop_s), max(start_s, stop_s)
        at = bisect_right(self._steps, start_s, key=_TAKEN)
        times_s = [start_s]
        while at < len(self._steps) and self._steps[at].taken_s < stop_s:
            times_s.append(self._steps[at].taken_s)
            at += 1
        return max(b - a for a, b in itertools.pairwise([*times_s, stop_s]))

    def fresh_j(self, start_s: float, stop_s: float) -> float | None:
        """Energy between two instants by the samples after the first one alone.

        It is for the time since a counter was refreshed: earlier samples describe energy that the counter
        already includes, and say nothing about the time after. None where there is no later sample, or
        the first one comes too late after `stop_s`.
        """
        at = bisect_right(self._steps, start_s, key=_TAKEN)
        if at == len(self._steps) or self._steps[at].taken_s - stop_s > self._stale_s:
            return None
        first, last = self._steps[at], self._holding(stop_s)
        if last.from_s < first.from_s:
            last = first
        return self._energy_until(last, stop_s) - self._energy_until(first, start_s)

    def forget_before(
        self, time_s: float, *, except_within: Iterable[tuple[float, float]] = ()
    ) -> None:
        """Drop the samples that are not needed any more.

        Args:
            time_s: Samples from here on are kept, for windows that start at this time or later.
            except_within: Time spans around the starts of windows that started earlier and are still
                open. Their samples are kept, so that a window may last for days.
        """
        recent = self._index(time_s, _TAKEN)
        kept = {
            at
            for start_s, stop_s in except_within
            for at in range(self._index(start_s, _TAKEN), self._index(stop_s, _FROM) + 1)
        }
        self._steps[:recent] = [self._steps[at] for at in sorted(kept) if at < recent]

    def _index(self, time_s: float, key: Callable[[_Step], float]) -> int:
        """Index of the last step whose `key` (taken or holding from) is not after `time_s`; else 0."""
        return max(0, bisect_right(self._steps, time_s, key=key) - 1)

    def _taken(self, time_s: float) -> _Step:
        return self._steps[self._index(time_s, _TAKEN)]

    def _holding(self, time_s: float) -> _Step:
        return self._steps[self._index(time_s, _FROM)]

    @staticmethod
    def _energy_until(step: _Step, time_s: float) -> float:
        return step.energy_j + step.power_w * (time_s - step.from_s)

    def _covered_until(self, step: _Step, time_s: float) -> float:
        return step.covered_s + max(0.0, min(time_s - step.taken_s, self._stale_s))


def mean_power(earlier: Observation, later: Observation) -> PowerSample | None:
    """Mean power between two readings of a counter, stamped with the earlier time; None where unknown."""
    if earlier.counter_j is None or later.counter_j is None or later.counter_j < earlier.counter_j:
        return None
    power_w = (later.counter_j - earlier.counter_j) / (later.time_s - earlier.time_s)
    return PowerSample(time_s=earlier.time_s, power_w=power_w)
