"""A window's energy by its device's energy counter. Pure, like `integrate`.

The counter's value is never exactly of the window's edge: it is read a moment later, because the window may
be opened by another process, and the counter was last refreshed some time before. The energy between the
value and the edge is computed from the power, and the counter's energy is corrected by it.
"""

import math
from dataclasses import dataclass, replace

from trackers.meter.integrate import STALE_PERIODS, PowerTrace
from trackers.meter.sensor import Sensor
from trackers.meter.uncertainty import edge_error_j
from trackers.sample import Observation

HIGHEST_OVER_LIMIT = 1.1
"""A counter that rises faster than this multiple of the power limit is faulty."""

COUNTER_REFRESH_S = 0.2
"""Greatest assumed age of a counter's value; the bound on the counter's rise allows for it."""

LEAST_WATCHED = 0.5
"""Share of a window that the counter's two values must span to give the window's mean power."""

LOWEST_COVERAGE = 0.9
"""Below this share of observed time a reading is `degraded`."""

ONE_REFRESH = 1.2
"""Two values of a counter no more than this many refresh periods apart are from consecutive refreshes."""

LATEST_REFRESHES = 3.5
"""A value of the counter from more than this many refresh periods after the value at a window's start says
nothing about the start."""

SHORTEST_OWN = 0.1
"""Share of a stretch between two refreshes; the power of a shorter part of it cannot be determined."""

REMEMBERED_REFRESHES = 5.0
"""Greatest weight of earlier stretches in a load's mean, in refresh periods of the window itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time between two consecutive refreshes of a counter.

    Attributes:
        reported_w: Power reported at its start.
        reported_after_w: Power reported at its end; None where there was none.
        energy_j: Energy in it, by the counter.
        length_s: Its length.
    """

    reported_w: float
    reported_after_w: float | None
    energy_j: float
    length_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEdges:
    """A window, and the observations of its device at both edges.

    Attributes:
        device_uuid: The device.
        start_s: Start of the window.
        stop_s: End of the window.
        at_start: Observation when it was opened; None where the device did not answer.
        at_stop: Observation when it was closed; None where the device did not answer.
        is_stop_stale: Whether `at_stop` is an earlier observation, used because the device did not answer
            when the window was closed.
        refreshed: Observation after the counter's first refresh in the window; None if there is none.
    """

    device_uuid: str
    start_s: float
    stop_s: float
    at_start: Observation | None
    at_stop: Observation | None
    is_stop_stale: bool = False
    refreshed: Observation | None = None

    def after_start(self, sensor: Sensor) -> Observation | None:
        """Observation shortly after the first refresh of the counter in the window.

        None where there is none, and where the refresh times are not known, so that the age of a value is
        not known either.
        """
        if sensor.refresh_s is None or self.at_start is None:
            return None
        latest_s = self.at_start.time_s + LATEST_REFRESHES * sensor.refresh_s
        for seen in (self.refreshed, self.at_stop):
            if seen is None or seen.counter_j is None:
                continue
            if self.start_s < seen.time_s <= latest_s:
                return seen
        return None

    def first_stretch(self, sensor: Sensor) -> Stretch | None:
        """Return the stretch from the refresh before the window's start to the next; None if unknown."""
        first, then = self.at_start, self.after_start(sensor)
        if first is None or then is None or first.power_w is None or sensor.refresh_s is None:
            return None
        length_s = then.time_s - first.time_s
        counted_j = sensor.trust.factor * ((then.counter_j or 0.0) - (first.counter_j or 0.0))
        # A slow call may return the value of one refresh with the time of the next.
        if counted_j <= 0 or not 0 < length_s <= ONE_REFRESH * sensor.refresh_s:
            return None
        return Stretch(
            reported_w=first.power_w,
            reported_after_w=then.power_w,
            energy_j=counted_j,
            length_s=length_s,
        )


def counted_energy_j(
    edges: WindowEdges, trace: PowerTrace, sensor: Sensor
) -> tuple[float | None, str]:
    """Energy of a window by its counter, and the doubt about it.

    The end of an estimate is not corrected, because the process that waits for the reading uses no CPU
    meanwhile. Where the correction would charge everything that an estimate counted to the time before the
    window, the energy is split evenly over time instead and a doubt is returned, because an estimate has no
    sampled power to fall back on.

    Returns:
        The energy, not yet multiplied by the trust's factor, or None where the counter gives none; and
        what speaks against it, empty where nothing does.
    """
    first, last = edges.at_start, edges.at_stop
    if first is None or last is None or first.counter_j is None or last.counter_j is None:
        return None, ""
    counted_j, between_s = last.counter_j - first.counter_j, last.time_s - first.time_s
    if doubt := _impossible(counted_j, between_s, sensor):
        return None, doubt
    factor = sensor.trust.factor
    mean_w = _mean_w(factor * counted_j, between_s, sensor)
    if last.power_w is not None and between_s < LEAST_WATCHED * (edges.stop_s - edges.start_s):
        mean_w = (
            last.power_w
        )  # the counter's rise within a moment says nothing about the window's mean
    late_j = _late_j(trace, edges.start_s, first, sensor, mean_w=mean_w)
    bridged_j = _bridged_j(edges, trace, sensor)
    late_j = late_j if bridged_j is None else -bridged_j
    if not (sensor.estimated or edges.is_stop_stale):
        told = last if bridged_j is None else _of_the_window(edges, last, bridged_j, sensor)
        late_j -= _late_j(trace, edges.stop_s, told, sensor, mean_w=mean_w)
    own_j = counted_j + late_j / factor
    if own_j > 0:
        return own_j, ""
    own_s = last.time_s - max(first.time_s, edges.start_s)
    if sensor.estimated and own_s > 0:
        return (
            counted_j * own_s / between_s,
            "the window is too short to tell when its energy was used",
        )
    return None, "the counter's rise does not fit the window"


def _impossible(counted_j: float, between_s: float, sensor: Sensor) -> str:
    """Reason why the counter's rise in such a time is impossible; empty where it is possible."""
    if counted_j < 0:
        return f"the counter ran backward by {-counted_j:.3g} J"
    if counted_j == 0:
        return "the counter did not rise"
    if sensor.power_limit_w is None or sensor.estimated:
        return ""
    most_j = HIGHEST_OVER_LIMIT * sensor.power_limit_w * (between_s + COUNTER_REFRESH_S)
    return (
        f"the counter rose by {counted_j:.3g} J in {between_s:.3g} s" if counted_j > most_j else ""
    )


def _of_the_window(
    edges: WindowEdges, last: Observation, bridged_j: float, sensor: Sensor
) -> Observation:
    """The counter's last value, with the power replaced by that of the window's part of its last stretch.

    Where the reported power is the mean of the stretch before a refresh, that of the window's first refresh
    partly covers the time before the window.
    """
    first, own_s = edges.at_start, last.time_s - edges.start_s
    is_partly = 0 < own_s < sensor.lag_s and last.counter_j is not None
    if (
        not is_partly
        or first is None
        or first.counter_j is None
        or own_s < SHORTEST_OWN * sensor.lag_s
    ):
        return last
    counted_j = sensor.trust.factor * ((last.counter_j or 0.0) - first.counter_j)
    return replace(last, power_w=max(0.0, counted_j - bridged_j) / own_s)


def _mean_w(counted_j: float, between_s: float, sensor: Sensor) -> float:
    """Mean power of the load: by the window's counter, and in short windows by earlier stretches too."""
    mean_w = counted_j / between_s if between_s > 0 else 0.0
    known = min(REMEMBERED_REFRESHES, sensor.persistence.weight)
    if not known or sensor.refresh_s is None:
        return mean_w
    own = between_s / sensor.refresh_s
    return (own * mean_w + known * sensor.persistence.mean_w) / (own + known)


def _late_j(
    trace: PowerTrace, edge_s: float, seen: Observation, sensor: Sensor, *, mean_w: float
) -> float:
    """Energy from a window's edge to the time of the counter's value; negative if that came before the edge.

    For times shorter than a sampling period, the samples since the counter took its value are the best ones,
    with the power that was read together with the counter among them. For a stretch in which no power was
    sampled (because the tracker was frozen, say), or which is longer than the load's correlation time, the
    counter's own mean is better than the last sample.
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


def _bridged_j(edges: WindowEdges, trace: PowerTrace, sensor: Sensor) -> float | None:
    """Energy from the counter's last refresh before a window's start to that start, by its next value too.

    The energy counted between the two values is distributed over the stretch as the power says, as far as
    that is valid, and evenly for the rest. None where there is no such next value.
    """
    first, then = edges.at_start, edges.after_start(sensor)
    if first is None or then is None or first.time_s >= edges.start_s:
        return None
    counted_j = sensor.trust.factor * ((then.counter_j or 0.0) - (first.counter_j or 0.0))
    whole_s, part_s = then.time_s - first.time_s, edges.start_s - first.time_s
    evenly_j = counted_j * part_s / whole_s
    if sensor.lag_s and first.power_w is not None and counted_j > 0:
        # The power reported with the first value is of the time before it, and holds until the window's
        # start, because a window begins with its work.
        shaped_j = first.power_w * part_s
        kept = sensor.power_weight(sensor.hold_s)
        return min(counted_j, kept * shaped_j + (1 - kept) * evenly_j)
    by_power = [trace.fresh_j(first.time_s, each) for each in (edges.start_s, then.time_s)]
    part_j, whole_j = by_power
    if part_j is None or whole_j is None or counted_j <= 0:
        return evenly_j
    shaped_j = part_j + (counted_j - whole_j) * part_s / whole_s
    if sensor.hold_s >= whole_s / ONE_REFRESH and first.power_w is not None:
        stepped_j = _stepped_j(
            first.power_w, then.power_w, counted_j, part_s=part_s, whole_s=whole_s
        )
        shaped_j = shaped_j if stepped_j is None else stepped_j
    gap_s = min(whole_s, max(sensor.hold_s, trace.longest_gap_s(first.time_s, then.time_s)))
    kept = sensor.power_weight(gap_s)
    return min(counted_j, max(0.0, kept * shaped_j + (1 - kept) * evenly_j))


def _stepped_j(
    before_w: float, after_w: float | None, counted_j: float, *, part_s: float, whole_s: float
) -> float | None:
    """Energy of the first part of a stretch in which power changed once, from one reported power to the next.

    The energy of the whole stretch determines when it changed; None where no single change explains it.
    """
    mean_w = counted_j / whole_s
    if after_w is None or not min(before_w, after_w) < mean_w < max(before_w, after_w):
        return None
    before_s = whole_s * (after_w - mean_w) / (after_w - before_w)
    return before_w * min(part_s, before_s) + after_w * max(0.0, part_s - before_s)


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
    """Shrink the energy of a held power toward the load's mean, the more the load decorrelates meanwhile.

    The correlation of a load that jumps falls as exp(-time / correlation time); its mean over the gap is the weight.
    """
    gap_s = min(abs(late_s), max(sensor.hold_s, trace.longest_gap_s(edge_s, seen.time_s)))
    kept = sensor.power_weight(gap_s)
    return kept * held_j + (1 - kept) * late_s * mean_w


def counted_share(edges: WindowEdges, *, period_s: float) -> float:
    """Share of the window that the counter's two values span; a few missing sampling periods are ignored."""
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
        if seen is None or (edges.is_stop_stale and seen is edges.at_stop):
            continue
        late_s = seen.time_s - edge_s
        error_j = edge_error_j(
            sensor.roughness,
            late_s=late_s,
            gap_s=max(sensor.hold_s, trace.longest_gap_s(edge_s, seen.time_s)),
            age_error_s=sensor.age_error_at_s(seen),
            assumed_lag_s=sensor.assumed_lag_s,
            mean_w=energy_j / duration_s if duration_s > 0 else 0.0,
        )
        then = edges.after_start(sensor) if seen is edges.at_start else None
        if then is not None and late_s < 0:
            # The energy until the next refresh is known, so the error is smaller the nearer that is.
            error_j *= math.sqrt((then.time_s - edge_s) / (then.time_s - seen.time_s))
        errors_j.append(error_j)
    return errors_j
