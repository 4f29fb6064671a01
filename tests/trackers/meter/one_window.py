"""Readings of one window of one board."""

from trackers.meter.counted import WindowEdges
from trackers.meter.counter_trust import Trust
from trackers.meter.integrate import PowerTrace
from trackers.meter.sensor import Sensor
from trackers.meter.window import reading
from trackers.sample import Observation, PowerSample, Reading

PERIOD_S = 0.1


def constant(power_w: float, *, from_s: float = 0.0, until_s: float = 10.0) -> PowerTrace:
    """A trace of one power, sampled each period."""
    trace = PowerTrace(period_s=PERIOD_S)
    for n in range(round((until_s - from_s) / PERIOD_S) + 1):
        trace.append(PowerSample(time_s=from_s + n * PERIOD_S, power_w=power_w))
    return trace


def seen(time_s: float, counter_j: float | None = None, *, power_w: float = 1.0) -> Observation:
    """What a board said."""
    return Observation(time_s=time_s, power_w=power_w, counter_j=counter_j)


def read(
    at_start: Observation | None,
    at_stop: Observation | None,
    *,
    start_s: float = 0.0,
    stop_s: float = 10.0,
    trace: PowerTrace | None = None,
    has_counter: bool = True,
    estimated: bool = False,
    power_limit_w: float | None = None,
    is_stop_stale: bool = False,
    averaging_period_s: float = 0.0,
    trust: Trust | None = None,
    oldest_s: float = 0.0,
) -> Reading:
    """The reading of a window over a board that draws 100 W, unless told otherwise."""
    found, _ = reading(
        WindowEdges(
            device_uuid="GPU-1",
            start_s=start_s,
            stop_s=stop_s,
            at_start=at_start,
            at_stop=at_stop,
            is_stop_stale=is_stop_stale,
        ),
        trace=constant(100.0) if trace is None else trace,
        sensor=Sensor(
            has_counter=has_counter,
            estimated=estimated,
            power_limit_w=power_limit_w,
            period_s=PERIOD_S,
            averaging_period_s=averaging_period_s,
            trust=trust or Trust(),
            oldest_s=oldest_s,
        ),
    )
    return found
