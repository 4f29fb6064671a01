"""What two values of a counter and the power between them tell of the counter."""

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
    """What samples between the two values may miss, as a share."""
    return sampling_error(
        trace.integral(1.0, 9.0),
        SENSOR.roughness,
        duration_s=8.0,
        period_s=PERIOD_S,
        hold_s=SENSOR.hold_s,
    )


def test_evidence_is_the_counters_rise_and_the_power_in_the_same_time() -> None:
    """As it was counted, with nothing put right."""
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
    ids=["told late", "a value's age", "not seen"],
)
def test_what_else_may_differ_adds_to_the_samples_error(
    last: Observation, trace: PowerTrace, sensor: Sensor, more: float
) -> None:
    """As squares do: they have nothing to do with each other."""
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
def test_where_one_of_both_says_nothing_there_is_no_evidence(
    first: Observation, last: Observation, trace: PowerTrace, sensor: Sensor
) -> None:
    """An estimate's own power, a value that is missing, a moment, means of the time before, or no samples."""
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
def test_just_enough_is_evidence(last: Observation, trace: PowerTrace, sensor: Sensor) -> None:
    """A hundredth of a second, five means, half of the time, the limit and a refresh more."""
    assert evidence_between(FIRST, last, trace, sensor) is not None
