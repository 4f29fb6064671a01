"""One device over one window: from what was observed to a reading. Pure, like `integrate`.

The energy counter is believed before the integral of the power, because it misses nothing between
two samples; it is checked, because counters run backward when a driver is reloaded and some have
jumped by terawatts.
"""

import math
from dataclasses import dataclass

from trackers.meter.integrate import STALE_PERIODS, Integral, PowerTrace, uncertainty_j
from trackers.sample import Method, Observation, Reading, Status

HIGHEST_OVER_LIMIT = 1.1
"""A counter that rises faster than this times the power limit is wrong, not the board."""

COUNTER_REFRESH_S = 0.2
"""A counter's value may be that old; the bound on its rise allows for it."""

LOWEST_COVERAGE = 0.9
"""Below this share of observed time a reading is `degraded`."""

SAMPLES_TO_CROSS_CHECK = 20
"""With fewer power samples their integral is too coarse to be held against the counter."""

LARGEST_DISAGREEMENT = 0.1
"""Counter and integral of the power should agree within this share. Boards have been found whose
idle counter and power differ by 43 % (Zeus issue 181)."""

MEANS_IN_A_WINDOW = 5.0
"""Where power is told as a mean of the last second, a window shorter than this many of them has too
much of its neighbours' energy, or lacks too much of its own."""

SIGMAS = 3.0
"""The integral's own sampling error, which is allowed for on top, in standard deviations."""


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


def reading(
    edges: WindowEdges,
    *,
    trace: PowerTrace,
    has_counter: bool,
    estimated: bool,
    power_limit_w: float | None,
    period_s: float,
    power_mean_s: float = 0.0,
) -> Reading:
    """Energy of one device: by its counter where that can be believed, else by its power.

    Args:
        edges: The window.
        trace: The device's power, kept from before the window's start.
        has_counter: Whether the device has ever given a counter.
        estimated: Whether the source computes energies from something other than a sensor.
        power_limit_w: Highest power the device may draw; None if not known.
        period_s: Time between two power samples.
        power_mean_s: Time over which each of them is a mean; 0 where that is short.
    """
    duration_s = edges.stop_s - edges.start_s
    integral = trace.integral(edges.start_s, edges.stop_s)
    energy_j, doubt = _counted_j(
        edges, trace, power_limit_w=power_limit_w, estimated=estimated, period_s=period_s
    )
    coverage = _counted_share(edges, period_s=period_s)
    ratio = None if energy_j is None or estimated else _cross_check(energy_j, edges, integral)
    if energy_j is not None:
        method = Method.ESTIMATED if estimated else Method.COUNTER
        if edges.by_last_word:
            doubt = f"the device fell silent after {coverage:.0%} of the time; counted until then"
        elif coverage < LOWEST_COVERAGE:
            doubt = f"counted for {coverage:.0%} of the time"
        elif ratio is not None and not _agree(ratio, integral, duration_s):
            doubt = f"the counter has {ratio:.2f} of the energy that the sampled power has"
    elif integral.energy_j is not None and integral.coverage > 0 and not estimated:
        energy_j = _sampled_j(edges, trace, integral.energy_j, power_mean_s=power_mean_s)
        coverage, method = integral.coverage, Method.SAMPLED
        if has_counter and not doubt:
            doubt = "the counter gave nothing for this window; its power was integrated"
        elif coverage < LOWEST_COVERAGE:
            doubt = doubt or f"observed for {coverage:.0%} of the time"
        elif duration_s < MEANS_IN_A_WINDOW * power_mean_s:
            doubt = doubt or f"the board tells its power as a mean of {power_mean_s:g} s"
        period_s = max(period_s, power_mean_s)
    else:
        return Reading.missing(
            edges.device_uuid,
            start_s=edges.start_s,
            duration_s=duration_s,
            note=doubt or "the device said nothing during the window",
        )
    uncertain_j = uncertainty_j(
        energy_j,
        coverage=coverage,
        mean_power_w=energy_j / duration_s if duration_s > 0 else 0.0,
        period_s=period_s,
    )
    return Reading(
        device_uuid=edges.device_uuid,
        start_s=edges.start_s,
        duration_s=duration_s,
        energy_j=energy_j,
        method=method,
        status=Status.DEGRADED if doubt else Status.OK,
        coverage=coverage,
        uncertainty_j=None if estimated else uncertain_j,
        power_samples=integral.samples,
        note=doubt,
        counter_over_power=ratio,
    )


def _sampled_j(
    edges: WindowEdges, trace: PowerTrace, integral_j: float, *, power_mean_s: float
) -> float:
    """Energy by power alone.

    Power that is a mean of the time before it lags half of that time behind, and at the window's end
    what it would tell lies in the future. The mean at the end has the energy of the last stretch in
    full; for the rest power is taken half a stretch later.
    """
    duration_s = edges.stop_s - edges.start_s
    if not power_mean_s:
        return integral_j
    last_j = min(duration_s, power_mean_s) * trace.power_w(edges.stop_s)
    if duration_s <= power_mean_s:
        return last_j
    half_s = power_mean_s / 2
    rest_j = trace.integral(edges.start_s + half_s, edges.stop_s - half_s).energy_j
    return integral_j if rest_j is None else rest_j + last_j


def _cross_check(counted_j: float, edges: WindowEdges, integral: Integral) -> float | None:
    """The counter's energy over the integral of the power; None where that tells nothing.

    A power that was made from the counter itself is no second opinion.
    """
    first, last = edges.at_start, edges.at_stop
    if first is None or last is None or first.power_w is None or last.power_w is None:
        return None
    if integral.samples < SAMPLES_TO_CROSS_CHECK or integral.coverage < LOWEST_COVERAGE:
        return None
    return counted_j / integral.energy_j if integral.energy_j else None


def _agree(ratio: float, integral: Integral, duration_s: float) -> bool:
    """Whether counter and power agree, within what the power's samples can tell.

    A load that goes up and down is met by chance (the meter samples at uneven times), so the mean
    of n samples is uncertain by their standard deviation over the root of n.
    """
    mean_w = (integral.energy_j or 0.0) / duration_s
    own_error = SIGMAS * integral.power_std_w / (mean_w * math.sqrt(integral.samples))
    return abs(ratio - 1) <= LARGEST_DISAGREEMENT + own_error


def _counted_j(
    edges: WindowEdges,
    trace: PowerTrace,
    *,
    power_limit_w: float | None,
    estimated: bool,
    period_s: float,
) -> tuple[float | None, str]:
    """The counter's energy (None where there is none to believe), and what speaks against it.

    The counter is read a moment after the window's edge, because the one who opens the window may
    be another process, or was last refreshed before it. The energy of these moments is taken from
    the power and put right. Not so at the end of an estimate: who waits for the window's reading
    needs no CPU meanwhile.
    """
    first, last = edges.at_start, edges.at_stop
    if first is None or last is None or first.counter_j is None or last.counter_j is None:
        return None, ""
    counted_j = last.counter_j - first.counter_j
    if counted_j < 0:
        return None, f"the counter ran backward by {-counted_j:.3g} J"
    between_s = last.time_s - first.time_s
    if power_limit_w is not None and not estimated:
        most_j = HIGHEST_OVER_LIMIT * power_limit_w * (between_s + COUNTER_REFRESH_S)
        if counted_j > most_j:
            return None, f"the counter rose by {counted_j:.3g} J in {between_s:.3g} s"
    if counted_j == 0:
        return None, "the counter did not rise"
    mean_w = counted_j / between_s if between_s > 0 else 0.0
    counted_j += _late_j(trace, edges.start_s, first, period_s=period_s, mean_w=mean_w)
    if not (estimated or edges.by_last_word):
        counted_j -= _late_j(trace, edges.stop_s, last, period_s=period_s, mean_w=mean_w)
    if counted_j <= 0:
        return None, "the counter rose at the wrong time"
    return counted_j, ""


def _late_j(
    trace: PowerTrace, edge_s: float, seen: Observation, *, period_s: float, mean_w: float
) -> float:
    """Energy from a window's edge to the moment of the counter's value; below 0 if that was before.

    For moments shorter than a sampling period, what was sampled since the counter's value was made
    is nearer than any other sample, and the power that came with the counter is among it. For a
    stretch in which no power was sampled (the tracker was frozen, say), the counter's own mean is
    nearer than the last sample before it.
    """
    late_s = seen.time_s - edge_s
    if seen.power_w is not None and abs(late_s) <= period_s:
        since_j = trace.fresh_j(seen.time_s, edge_s) if late_s < 0 else None
        return late_s * seen.power_w if since_j is None else -since_j
    stretch = trace.integral(*sorted((edge_s, seen.time_s)))
    if stretch.energy_j is None or stretch.coverage < LOWEST_COVERAGE:
        return late_s * mean_w
    return stretch.energy_j if late_s >= 0 else -stretch.energy_j


def _counted_share(edges: WindowEdges, *, period_s: float) -> float:
    """Share of the window for which the counter was watched; a few sampling periods are let go."""
    first, last = edges.at_start, edges.at_stop
    if first is None or last is None or edges.stop_s <= edges.start_s:
        return 1.0
    missed_s = [max(0.0, first.time_s - edges.start_s), max(0.0, edges.stop_s - last.time_s)]
    counted = sum(each for each in missed_s if each > STALE_PERIODS * period_s)
    return max(0.0, 1 - counted / (edges.stop_s - edges.start_s))
