"""Windows from 10 s on with a hand-written counter, and loads with known statistics."""

import random

from trackers.meter.counted import WindowEdges, counted_energy_j
from trackers.meter.integrate import PowerTrace
from trackers.meter.sensor import Sensor
from trackers.meter.uncertainty import Persistence, Roughness
from trackers.sample import Observation, PowerSample

PERIOD_S = 0.1


def observed(time_s: float, counter_j: float | None, power_w: float | None = 100.0) -> Observation:
    """Observation of a board."""
    return Observation(time_s=time_s, power_w=power_w, counter_j=counter_j)


def window(
    at_start: Observation | None,
    at_stop: Observation | None,
    refreshed: Observation | None = None,
    *,
    stop_s: float = 11.0,
    is_stop_stale: bool = False,
) -> WindowEdges:
    """Edges of a window from 10 s on."""
    return WindowEdges(
        device_uuid="GPU",
        start_s=10.0,
        stop_s=stop_s,
        at_start=at_start,
        at_stop=at_stop,
        refreshed=refreshed,
        is_stop_stale=is_stop_stale,
    )


def sampled(*samples: tuple[float, float]) -> PowerTrace:
    """Trace of samples, each a time and a power."""
    trace = PowerTrace(period_s=PERIOD_S)
    for time_s, power_w in samples:
        trace.append(PowerSample(time_s=time_s, power_w=power_w))
    return trace


def counted_j(edges: WindowEdges, trace: PowerTrace | None = None, **known: object) -> float:
    """Energy of a window by its counter, which must give one without a doubt."""
    found_j, doubt = counted_energy_j(edges, trace or sampled(), sensor(**known))
    assert not doubt
    assert found_j is not None
    return found_j


def sensor(**known: object) -> Sensor:
    """Sensor with the given known facts and no others."""
    return Sensor(period_s=PERIOD_S, **known)  # type: ignore[arg-type] # fields of the sensor


def present_power() -> Roughness:
    """Statistics of a board that updates its power between refreshes of its counter."""
    found = Roughness()
    for n in range(4):
        found.add(PowerSample(time_s=n / 50, power_w=100.0 + n), refreshed_between=False)
    return found


def late_persistence(*, follows: float = 1.0) -> Persistence:
    """Statistics of a board that reports the power of the stretch before a refresh.

    Mean powers vary `follows` times as much as the reported powers.
    """
    rng, reported_w = random.Random(0), 100.0  # noqa: S311 - for a test, not for secrets
    found = Persistence()
    for _ in range(60):
        after_w = rng.choice((100.0, 300.0))
        mean_w = 200 + follows * (after_w - 200)
        found.add(reported_w=reported_w, mean_w=mean_w, length_s=0.1, reported_after_w=after_w)
        reported_w = after_w
    assert found.is_late
    return found


def uncorrelated_persistence() -> Persistence:
    """Statistics of a load whose power is uncorrelated after a few milliseconds."""
    found = Persistence()
    for n in range(60):
        found.add(reported_w=100.0 + 200 * (n % 2), mean_w=195.0 + 10 * (n % 2), length_s=0.1)
    assert not found.is_late
    return found


FIRST, NEXT, LAST = (
    observed(9.94, 100.0, 100.0),
    observed(10.04, 125.0, 400.0),
    observed(11.0, 325.0),
)
"""Values of a counter: 25 J in a stretch of which 60 % lie before the window, and the value at its end."""
