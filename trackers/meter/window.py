"""Reading of one device over one window, from its counter and its power samples. Pure, like `integrate`.

The energy counter is preferred to the integral of the power, because it misses nothing between two
samples. It is checked all the same: counters run backward when a driver is reloaded, and some have
jumped by terawatts.
"""

import math
from dataclasses import replace

from trackers.meter.counted import (
    COUNTER_REFRESH_S,
    HIGHEST_OVER_LIMIT,
    LOWEST_COVERAGE,
    WindowEdges,
    counted_energy_j,
    counted_share,
    edge_errors_j,
)
from trackers.meter.counter_trust import (
    EVENED,
    MISSED,
    CounterEvidence,
    Trust,
    Verdict,
    sampling_error,
)
from trackers.meter.integrate import Integral, PowerTrace
from trackers.meter.sensor import Sensor
from trackers.meter.uncertainty import COMMON, own_j
from trackers.sample import Method, Observation, Reading, Status

LARGEST_OWN = 0.25
"""A reading whose own uncertainty is a larger share of its energy is `degraded`."""

MEANS_IN_A_WINDOW = 5.0
"""Where the sensor averages power over some time, a window shorter than this many such times includes too
much of its neighbours' energy, or too little of its own."""

AGED = 0.5
"""Mean delay with which a change of power is seen, as a share of the time for which a board reports the
same power."""

LEAST_SEEN = 0.5
"""Coverage below which a window's sampled power is not compared with its counter."""

SHORTEST_EVIDENCE_S = 0.01
"""A shorter window is no evidence about a counter, which may not have been refreshed in it."""

BOTH_POSSIBLE = (0.5, 2.0)
"""Range of the ratio of counter to samples in which either may be right, so that the interval of the reading
is widened to include both."""


def reading(
    edges: WindowEdges, *, trace: PowerTrace, sensor: Sensor
) -> tuple[Reading, CounterEvidence | None]:
    """Measure one device over one window: by its counter where that can be believed, else by its power.

    Args:
        edges: The window, and the observations at its edges.
        trace: The device's power, from before the window's start on.
        sensor: What is known about how the device is observed.

    Returns:
        The reading, and the window's evidence about the counter; None where it is no evidence.
    """
    integral = trace.integral(edges.start_s, edges.stop_s)
    counted_j, doubt = counted_energy_j(edges, trace, sensor)
    evidence = _evidence(edges, trace, sensor)
    if counted_j is not None and evidence is not None and not sensor.trust.believes(evidence):
        doubt = _disbelief(sensor.trust, evidence)
        counted_j = None
    if counted_j is not None:
        found = _by_counter(counted_j, edges, trace, integral, sensor)
        found = found.degraded(doubt) if doubt else found
        if evidence is not None and sensor.trust.doubts(evidence):
            found = _widened(found.degraded(_early_doubt(evidence)), evidence)
    elif integral.energy_j is not None and integral.coverage > 0 and not sensor.estimated:
        found = _by_power(integral.energy_j, doubt, edges, trace, integral, sensor)
        if evidence is not None and BOTH_POSSIBLE[0] < evidence.ratio < BOTH_POSSIBLE[1]:
            found = _widened(found, evidence)
    else:
        found = Reading.missing(
            edges.device_uuid,
            start_s=edges.start_s,
            duration_s=edges.stop_s - edges.start_s,
            note=doubt or "the device did not answer during the window",
        )
    if evidence is not None and found.energy_j is not None:
        found = replace(found, counter_over_power=evidence.ratio)
    return found, evidence


def _by_counter(
    counted_j: float, edges: WindowEdges, trace: PowerTrace, integral: Integral, sensor: Sensor
) -> Reading:
    """Reading of a window whose counter is believed."""
    coverage = counted_share(edges, period_s=sensor.period_s)
    doubt = ""
    if edges.is_stop_stale:
        doubt = f"the device stopped answering after {100 * coverage:.0f} % of the time; counted until then"
    elif coverage < LOWEST_COVERAGE:
        doubt = f"counted for {100 * coverage:.0f} % of the time"
    elif sensor.trust.verdict is Verdict.SCALED:
        share = 1 / sensor.trust.factor
        doubt = (
            f"the board's counter counts {share:.3g} of the sampled power, and is scaled by that"
        )
    energy_j = counted_j if sensor.estimated else sensor.trust.factor * counted_j
    errors_j = [] if sensor.estimated else edge_errors_j(energy_j, edges, trace, sensor)
    errors_j.append(sensor.trust.factor_error * energy_j)
    return _told(
        edges,
        energy_j,
        method=Method.ESTIMATED if sensor.estimated else Method.COUNTER,
        coverage=coverage,
        own_j=own_j(errors_j, energy_j=energy_j, coverage=coverage),
        samples=integral.samples,
        doubt=doubt,
    )


def _by_power(
    integral_j: float,
    doubt: str,
    edges: WindowEdges,
    trace: PowerTrace,
    integral: Integral,
    sensor: Sensor,
) -> Reading:
    """Reading of a window by its sampled power; `doubt` says why the counter was not used, if there is one."""
    duration_s, mean_s = edges.stop_s - edges.start_s, sensor.averaging_period_s
    energy_j = _sampled_j(edges, trace, integral_j, averaging_period_s=mean_s)
    if edges.at_start is None and integral.coverage < LOWEST_COVERAGE:
        energy_j = _since_its_return_j(edges, trace, energy_j)
    own = own_j(
        _sampling_errors_j(energy_j, duration_s, integral, sensor),
        energy_j=energy_j,
        coverage=integral.coverage,
    )
    if sensor.has_counter and not doubt:
        doubt = "the counter has no energy for this window; its power was integrated"
    elif integral.coverage < LOWEST_COVERAGE:
        doubt = doubt or f"observed for {100 * integral.coverage:.0f} % of the time"
    elif duration_s < MEANS_IN_A_WINDOW * mean_s:
        doubt = doubt or f"the board reports its power as a mean over {mean_s:g} s"
    if mean_s > 0 and duration_s > 0:
        own = max(own, mean_s * energy_j / duration_s)
    return _told(
        edges,
        energy_j,
        method=Method.SAMPLED,
        coverage=integral.coverage,
        own_j=own,
        samples=integral.samples,
        doubt=doubt,
    )


def _told(
    edges: WindowEdges,
    energy_j: float,
    *,
    method: Method,
    coverage: float,
    own_j: float,
    samples: int,
    doubt: str,
) -> Reading:
    """Build a reading; it is `degraded` for the given doubt, or where its own uncertainty is large."""
    estimated = method is Method.ESTIMATED
    if not doubt and not estimated and own_j > LARGEST_OWN * energy_j:
        doubt = (
            f"uncertain by {100 * own_j / energy_j:.0f} %: the window is short for this sensor"
            if energy_j
            else ""
        )
    return Reading(
        device_uuid=edges.device_uuid,
        start_s=edges.start_s,
        duration_s=edges.stop_s - edges.start_s,
        energy_j=energy_j,
        method=method,
        status=Status.DEGRADED if doubt else Status.OK,
        coverage=coverage,
        uncertainty_common_j=None if estimated else COMMON * energy_j,
        uncertainty_own_j=None if estimated else own_j,
        power_samples=samples,
        note=doubt,
    )


def _since_its_return_j(edges: WindowEdges, trace: PowerTrace, integral_j: float) -> float:
    """Energy of a window at whose start the device did not answer, and which answered again within it.

    Its power before the window says nothing about the window, so the time until its return is charged at
    the mean power of the time after.
    """
    back_s = trace.first_after_s(edges.start_s)
    if back_s is None or back_s >= edges.stop_s:
        return integral_j
    since_j = trace.integral(back_s, edges.stop_s).energy_j or 0.0
    return since_j * (edges.stop_s - edges.start_s) / (edges.stop_s - back_s)


def _sampling_errors_j(
    energy_j: float, duration_s: float, integral: Integral, sensor: Sensor
) -> list[float]:
    """Standard errors of a sampled energy, one for each cause.

    The causes: the unknown moment, between two samples, at which power changed; the unknown age of each
    sample; a load that changes faster than it is sampled; and few updates of a slow sensor in the window.
    """
    roughness = sensor.roughness
    aged_j = math.sqrt(roughness.rate_w2_s * duration_s) * AGED * sensor.hold_s
    errors_j = [integral.placing_j, aged_j]
    if roughness.correlation_time_s(sensor.hold_s) < max(sensor.period_s, sensor.hold_s) / 2:
        samples = min(EVENED, max(1, integral.samples))
        errors_j.append(roughness.std_w * duration_s / math.sqrt(samples) / 2)
    if sensor.update_period_s:
        updates = max(1.0, duration_s / sensor.update_period_s)
        errors_j.append(MISSED * energy_j / math.sqrt(updates))
    return errors_j


def _widened(reading: Reading, evidence: CounterEvidence) -> Reading:
    """Widen a reading's interval so that it includes both the counter's and the samples' energy."""
    apart_j = abs(evidence.counted_j - evidence.sampled_j)
    sampling_j = evidence.error * evidence.sampled_j
    return replace(
        reading, uncertainty_own_j=(reading.uncertainty_own_j or 0) + apart_j + sampling_j
    )


def _early_doubt(evidence: CounterEvidence) -> str:
    return (
        f"the counter has {evidence.ratio:.3g} of the energy that the sampled power has; "
        "too few windows were seen to tell which is right"
    )


def _disbelief(trust: Trust, evidence: CounterEvidence) -> str:
    if trust.verdict is Verdict.REFUSED:
        return "the board's counter is refused: it disagrees with the sampled power in most windows"
    return (
        f"the counter has {evidence.ratio:.3g} of the energy that the sampled power has; "
        "the power was integrated"
    )


def _sampled_j(
    edges: WindowEdges, trace: PowerTrace, integral_j: float, *, averaging_period_s: float
) -> float:
    """Energy of a window by its power alone, corrected for the time over which the sensor averages.

    A power that is the mean of the `averaging_period_s` before it lags by half of that time. The power
    reported at the window's end is exactly the mean of the last `averaging_period_s`; for the rest of the
    window, power is taken from half that time later.
    """
    duration_s = edges.stop_s - edges.start_s
    if not averaging_period_s:
        return integral_j
    last_j = min(duration_s, averaging_period_s) * trace.power_w(edges.stop_s)
    if duration_s <= averaging_period_s:
        return last_j
    half_s = averaging_period_s / 2
    rest_j = trace.integral(edges.start_s + half_s, edges.stop_s - half_s).energy_j
    return integral_j if rest_j is None else rest_j + last_j


def _evidence(edges: WindowEdges, trace: PowerTrace, sensor: Sensor) -> CounterEvidence | None:
    """A window's evidence about its counter; None where it is no evidence."""
    if edges.at_start is None or edges.at_stop is None or edges.is_stop_stale:
        return None
    return evidence_between(edges.at_start, edges.at_stop, trace, sensor)


def evidence_between(
    first: Observation, last: Observation, trace: PowerTrace, sensor: Sensor
) -> CounterEvidence | None:
    """Evidence about a counter from two of its values; None where they are no evidence.

    The counter's uncorrected rise is compared with the integral of the power between the times of its two
    values. A power that was derived from the counter itself is no independent evidence, and neither is a
    power averaged over a second for a shorter window.
    """
    if sensor.estimated or first.power_w is None or last.power_w is None:
        return None
    risen_j = (last.counter_j or 0.0) - (first.counter_j or 0.0)
    duration_s = last.time_s - first.time_s
    shortest_s = max(MEANS_IN_A_WINDOW * sensor.averaging_period_s, SHORTEST_EVIDENCE_S)
    if first.counter_j is None or last.counter_j is None or risen_j <= 0 or duration_s < shortest_s:
        return None
    integral = trace.integral(first.time_s, last.time_s)
    if not integral.energy_j or not integral.samples or integral.coverage < LEAST_SEEN:
        return None
    most_w = HIGHEST_OVER_LIMIT * (sensor.power_limit_w or math.inf)
    if risen_j > most_w * (duration_s + COUNTER_REFRESH_S):
        return None
    sampling = sampling_error(
        integral,
        sensor.roughness,
        duration_s=duration_s,
        period_s=sensor.period_s,
        hold_s=sensor.hold_s,
    )
    # A power that is reported late by up to the hold time misses the last hold time of the window, and
    # includes one too many from before its start.
    told_late = sensor.hold_s * abs(last.power_w - first.power_w) / integral.energy_j
    return CounterEvidence(
        start_s=first.time_s,
        stop_s=last.time_s,
        counted_j=risen_j,
        sampled_j=integral.energy_j,
        samples=integral.samples,
        error=math.hypot(
            sampling, told_late, sensor.age_error_s / duration_s, (1 - integral.coverage) / 2
        ),
    )
