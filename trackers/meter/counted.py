"""A window's energy by its device's energy counter. Pure, like `integrate`.

The counter is read a moment after the window's edge, because the one who opens the window may be another
process, or was last refreshed before it. The energy of these moments is taken from the power and put
right.
"""

import math
from dataclasses import dataclass, field

from trackers.meter.counter_trust import Trust
from trackers.meter.integrate import STALE_PERIODS, PowerTrace
from trackers.meter.uncertainty import Roughness, edge_error_j
from trackers.sample import Observation

HIGHEST_OVER_LIMIT = 1.1
"""A counter that rises faster than this times the power limit is wrong, not the board."""

COUNTER_REFRESH_S = 0.2
"""A counter's value may be that old; the bound on its rise allows for it."""

LOWEST_COVERAGE = 0.9
"""Below this share of observed time a reading is `degraded`."""

MEMORIES = 0.7
"""A power is held until so many of a load's memories have passed; then the load's mean is likelier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """Known facts of how a device is observed.

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

    @property
    def unknown_s(self) -> float:
        """Time by which a counter's value may be older than it is taken for."""
        return self.oldest_s if self.refresh_s is None else 0.0

    @property
    def hold_s(self) -> float:
        """Time for which the board reports the same power, as far as is known."""
        return self.roughness.hold_s(self.refresh_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEdges:
    """A window and what its device said at both ends.

    Attributes:
        device_uuid: The device.
        start_s: Start of the window.
        stop_s: Its end.
        at_start: Observation when it was opened; None where the device did not answer.
        at_stop: Observation when it was closed; None where the device did not answer.
        by_last_word: Whether `at_stop` is older than that, because the device has not answered.
    """

    device_uuid: str
    start_s: float
    stop_s: float
    at_start: Observation | None
    at_stop: Observation | None
    by_last_word: bool = False


def counted_energy_j(
    edges: WindowEdges, trace: PowerTrace, sensor: Sensor
) -> tuple[float | None, str]:
    """The counter's energy as it counts (None where there is none), and what speaks against it.

    At the end of an estimate nothing is put right: who waits for the window's reading needs no CPU
    meanwhile.
    """
    first, last = edges.at_start, edges.at_stop
    if first is None or last is None or first.counter_j is None or last.counter_j is None:
        return None, ""
    counted_j = last.counter_j - first.counter_j
    if counted_j < 0:
        return None, f"the counter ran backward by {-counted_j:.3g} J"
    between_s = last.time_s - first.time_s
    if sensor.power_limit_w is not None and not sensor.estimated:
        most_j = HIGHEST_OVER_LIMIT * sensor.power_limit_w * (between_s + COUNTER_REFRESH_S)
        if counted_j > most_j:
            return None, f"the counter rose by {counted_j:.3g} J in {between_s:.3g} s"
    if counted_j == 0:
        return None, "the counter did not rise"
    factor = sensor.trust.factor
    mean_w = factor * counted_j / between_s if between_s > 0 else 0.0
    late_j = _late_j(trace, edges.start_s, first, sensor, mean_w=mean_w)
    if not (sensor.estimated or edges.by_last_word):
        late_j -= _late_j(trace, edges.stop_s, last, sensor, mean_w=mean_w)
    counted_j += late_j / factor
    if counted_j <= 0:
        return None, "the counter rose at the wrong time"
    return counted_j, ""


def _late_j(
    trace: PowerTrace, edge_s: float, seen: Observation, sensor: Sensor, *, mean_w: float
) -> float:
    """Energy from a window's edge to the moment of the counter's value; below 0 if that was before.

    For moments shorter than a sampling period, what was sampled since the counter's value was made
    is nearer than any other sample, and the power that came with the counter is among it. For a
    stretch in which no power was sampled (the tracker was frozen, say), or in which the load has
    forgotten the power that was told, the counter's own mean is nearer than the last sample.
    """
    late_s = seen.time_s - edge_s
    if seen.power_w is not None and abs(late_s) <= sensor.period_s:
        since_j = trace.fresh_j(seen.time_s, edge_s) if late_s < 0 else None
        held_j = late_s * seen.power_w if since_j is None else -since_j
        return _faded_j(held_j, late_s, trace, edge_s, seen, sensor, mean_w=mean_w)
    stretch = trace.integral(*sorted((edge_s, seen.time_s)))
    if stretch.energy_j is None or stretch.coverage < LOWEST_COVERAGE:
        return late_s * mean_w
    return stretch.energy_j if late_s >= 0 else -stretch.energy_j


def _faded_j(
    held_j: float,
    late_s: float,
    trace: PowerTrace,
    edge_s: float,
    seen: Observation,
    sensor: Sensor,
    *,
    mean_w: float,
) -> float:
    """The energy of held power, drawn to the mean as far as the load forgets in the stretch.

    Correlation of a load that jumps falls as exp(-time / memory); this is its mean over the stretch.
    """
    gap_s = min(abs(late_s), max(sensor.hold_s, trace.longest_gap_s(edge_s, seen.time_s)))
    memory_s = sensor.roughness.memory_s(sensor.hold_s)
    if gap_s <= MEMORIES * memory_s:
        return held_j
    kept = memory_s / gap_s * (1 - math.exp(-gap_s / memory_s)) if memory_s > 0 else 0.0
    return kept * held_j + (1 - kept) * late_s * mean_w


def counted_share(edges: WindowEdges, *, period_s: float) -> float:
    """Share of the window for which the counter was watched; a few sampling periods are let go."""
    first, last = edges.at_start, edges.at_stop
    if first is None or last is None or edges.stop_s <= edges.start_s:
        return 1.0
    missed_s = [max(0.0, first.time_s - edges.start_s), max(0.0, edges.stop_s - last.time_s)]
    counted = sum(each for each in missed_s if each > STALE_PERIODS * period_s)
    return max(0.0, 1 - counted / (edges.stop_s - edges.start_s))


def edge_errors_j(
    energy_j: float, edges: WindowEdges, trace: PowerTrace, sensor: Sensor
) -> list[float]:
    """Standard errors of a counted energy, one for each end of the window."""
    duration_s = edges.stop_s - edges.start_s
    errors_j = []
    for edge_s, seen in ((edges.start_s, edges.at_start), (edges.stop_s, edges.at_stop)):
        if seen is None or (edges.by_last_word and seen is edges.at_stop):
            continue
        late_s = seen.time_s - edge_s
        errors_j.append(
            edge_error_j(
                sensor.roughness,
                late_s=late_s,
                gap_s=max(sensor.hold_s, trace.longest_gap_s(edge_s, seen.time_s)),
                unknown_s=sensor.unknown_s,
                mean_w=energy_j / duration_s if duration_s > 0 else 0.0,
            )
        )
    return errors_j
