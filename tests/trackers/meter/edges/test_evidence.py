"""Evidence about a counter from two of its values and the power between them."""

import math
from dataclasses import replace

import pytest

from tests.trackers.meter.one_window import PERIOD_S, constant
from trackers.meter.counter_trust import sampling_error
from trackers.meter.integrate import PowerTrace
from trackers.meter.sensor import Sensor
from trackers.meter.window import evidence_between
from trackers.sample import Observation

FIRST = Observation(time_s=1.0, power_w=100.0, counter_j=5.0)
LAST = Observation(time_s=9.0, power_w=100.0, counter_j=805.0)
SENSOR = Sensor(period_s=PERIOD_S, has_counter=True)


def error(trace: PowerTrace) -> float:
    """Standard error of the samples between the two values, as a share of their energy."""
    return sampling_error(
        trace.integral(1.0, 9.0),
        SENSOR.roughness,
        duration_s=8.0,
        period_s=PERIOD_S,
        hold_s=SENSOR.hold_s,
    )


def test_evidence_is_the_counters_rise_and_the_power_meanwhile() -> None:
    """The rise of the counter is not corrected."""
    trace = constant(100.0)

    found = evidence_between(FIRST, LAST, trace, SENSOR)

    assert found is not None
    assert (found.start_s, found.stop_s, found.samples) == (1.0, 9.0, 81)
    assert [found.counted_j, found.sampled_j] == pytest.approx([800.0, 800.0])
    assert found.error == pytest.approx(error(trace))


@pytest.mark.parametrize(
    ("last", "trace", "sensor", "more"),
    [
        (replace(LAST, power_w=300.0), constant(100.0), SENSOR, SENSOR.hold_s * 200 / 800),
        (LAST, constant(100.0), replace(SENSOR, oldest_s=0.4), 0.4 / 8),
        (LAST, constant(100.0, until_s=6.7), SENSOR, (1 - 6 / 8) / 2),
    ],
    ids=["power reported late", "age of a value", "not observed"],
)
def test_other_errors_add_to_that_of_the_samples(
    last: Observation, trace: PowerTrace, sensor: Sensor, more: float
) -> None:
    """Independent errors add as squares."""
    found = evidence_between(FIRST, last, trace, sensor)

    assert found is not None
    assert found.error == pytest.approx(math.hypot(error(trace), more))


@pytest.mark.parametrize(
    ("first", "last", "trace", "sensor"),
    [
        (FIRST, LAST, constant(100.0), replace(SENSOR, estimated=True)),
        (replace(FIRST, power_w=None), LAST, constant(100.0), SENSOR),
        (FIRST, replace(LAST, power_w=None), constant(100.0), SENSOR),
        (replace(FIRST, counter_j=None), LAST, constant(100.0), SENSOR),
        (FIRST, replace(LAST, counter_j=None), constant(100.0), SENSOR),
        (FIRST, replace(LAST, counter_j=5.0), constant(100.0), SENSOR),
        (FIRST, replace(LAST, time_s=1.009), constant(100.0), SENSOR),
        (FIRST, LAST, constant(100.0), replace(SENSOR, averaging_period_s=1.61)),
        (FIRST, LAST, constant(0.0), SENSOR),
        (FIRST, LAST, PowerTrace(period_s=PERIOD_S), SENSOR),
        (FIRST, LAST, constant(100.0, until_s=4.6), SENSOR),
        (FIRST, LAST, constant(100.0), replace(SENSOR, power_limit_w=88.0)),
    ],
)
def test_insufficient_observations_are_no_evidence(
    first: Observation, last: Observation, trace: PowerTrace, sensor: Sensor
) -> None:
    """Estimates, missing values, no time, long means, few samples or an impossible rise say nothing."""
    assert evidence_between(first, last, trace, sensor) is None


@pytest.mark.parametrize(
    ("last", "trace", "sensor"),
    [
        (replace(LAST, time_s=1.011, counter_j=6.0), constant(100.0), SENSOR),
        (LAST, constant(100.0), replace(SENSOR, averaging_period_s=1.59)),
        (LAST, constant(100.0, until_s=4.8), SENSOR),
        (LAST, constant(100.0), replace(SENSOR, power_limit_w=89.0)),
    ],
)
def test_observations_at_the_thresholds_are_evidence(
    last: Observation, trace: PowerTrace, sensor: Sensor
) -> None:
    """They are 0.01 s, five means, half of the time observed, and the power limit with its tolerance."""
    assert evidence_between(FIRST, last, trace, sensor) is not None
