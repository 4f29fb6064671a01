"""Validity of a reported power, and age of a counter's value."""

import math

import pytest

from trackers.meter.sensor import HELD_TIMES, HELD_TIMES_UNSEEN, Sensor
from trackers.meter.uncertainty import LONGEST_HOLD_S, Persistence, Roughness
from trackers.sample import Observation, PowerSample

REFRESH_S = 0.1


def stretches(number: int, *, reported_after_w: float | None = None) -> Persistence:
    """Statistics of stretches whose mean powers vary a tenth as much as the reported powers."""
    found = Persistence()
    for n in range(number):
        found.add(
            reported_w=100.0 + 200 * (n % 2),
            mean_w=190.0 + 20 * (n % 2),
            length_s=REFRESH_S,
            reported_after_w=reported_after_w,
        )
    return found


def jumping(*, each: int) -> Roughness:
    """Statistics of a load that jumps after every `each` samples, on a board that reports its present power."""
    found = Roughness()
    for n in range(120):
        power_w = 100.0 + 200 * (n // each % 2)
        found.add(PowerSample(time_s=n * 0.1, power_w=power_w), refreshed_between=False)
    return found


def mean_kept(gap_s: float, correlation_time_s: float) -> float:
    """Mean of an exponential decay over a gap."""
    return correlation_time_s / gap_s * (1 - math.exp(-gap_s / correlation_time_s))


def test_power_holds_while_nothing_is_known_of_the_load() -> None:
    """It has full weight however long the gap is."""
    assert Sensor(period_s=0.1).power_weight(100.0) == 1.0


def test_power_holds_for_some_correlation_times() -> None:
    """Over longer gaps its weight is the mean correlation of the load."""
    load = stretches(60)
    correlation_time_s = load.correlation_time_s(0.0)
    known = Sensor(period_s=0.1, refresh_s=REFRESH_S, persistence=load)

    assert known.power_weight(0.99 * HELD_TIMES * correlation_time_s) == 1.0
    longer_s = 1.01 * HELD_TIMES * correlation_time_s
    assert known.power_weight(longer_s) == pytest.approx(mean_kept(longer_s, correlation_time_s))


def test_power_holds_for_less_time_if_samples_are_uncorrelated() -> None:
    """A counter may show that it holds for longer nevertheless."""
    roughness, load = jumping(each=1), Persistence()
    for n in range(60):
        load.add(reported_w=100.0 + 200 * (n % 2), mean_w=100.0 + 200 * (n % 2), length_s=REFRESH_S)
    correlation_time_s = roughness.correlation_time_s(0.0)
    by_samples = Sensor(period_s=0.1, roughness=roughness)
    by_both = Sensor(period_s=0.1, roughness=roughness, persistence=load)
    gap_s = 2 * HELD_TIMES_UNSEEN * correlation_time_s

    assert by_samples.power_weight(0.99 * HELD_TIMES_UNSEEN * correlation_time_s) == 1.0
    assert by_samples.power_weight(gap_s) == pytest.approx(mean_kept(gap_s, correlation_time_s))
    assert by_both.power_weight(gap_s) == 1.0


def test_the_shorter_of_two_correlation_times_counts() -> None:
    """One is that of the samples, the other that of the counter's stretches."""
    roughness = jumping(each=10)
    samples_s, gap_s = roughness.correlation_time_s(0.0), 20.0
    alone = Sensor(period_s=0.1, roughness=roughness)
    both = Sensor(period_s=0.1, roughness=roughness, persistence=stretches(60))
    stretches_s = stretches(60).correlation_time_s(roughness.std_w)

    assert alone.power_weight(gap_s) == pytest.approx(mean_kept(gap_s, samples_s))
    assert both.power_weight(gap_s) == pytest.approx(mean_kept(gap_s, stretches_s))


@pytest.mark.parametrize(
    ("load", "lag_s", "assumed_lag_s"),
    [
        (Persistence(), 0.0, 0.0),
        (stretches(5), 0.0, REFRESH_S / 2),
        (stretches(60), 0.0, 0.0),
        (stretches(60, reported_after_w=200.0), REFRESH_S, REFRESH_S),
    ],
    ids=["unknown", "being learnt", "present power", "late power"],
)
def test_late_power_lags_by_its_hold_time(
    load: Persistence, lag_s: float, assumed_lag_s: float
) -> None:
    """Half of that is assumed while it is not yet known whether power is late."""
    known = Sensor(period_s=0.1, refresh_s=REFRESH_S, persistence=load)

    assert (known.lag_s, known.assumed_lag_s) == (lag_s, assumed_lag_s)


@pytest.mark.parametrize(
    ("refresh_s", "took_s", "age_error_s"),
    [(None, 0.0, 0.07), (None, 0.02, 0.07), (0.1, 0.0, 0.0), (0.1, 0.02, 0.12)],
)
def test_a_slow_reading_may_have_the_value_before_a_refresh(
    refresh_s: float | None, took_s: float, age_error_s: float
) -> None:
    """Where refreshes are unknown, it may be as old as any value."""
    known = Sensor(period_s=0.1, refresh_s=refresh_s, oldest_s=0.07)
    value = Observation(time_s=1.0, power_w=1.0, counter_j=1.0, took_s=took_s)

    assert known.age_error_at_s(value) == pytest.approx(age_error_s)
    assert known.age_error_s == (0.07 if refresh_s is None else 0.0)


@pytest.mark.parametrize(("refresh_s", "hold_s"), [(None, LONGEST_HOLD_S), (0.05, 0.05)])
def test_power_is_held_for_one_refresh_period(refresh_s: float | None, hold_s: float) -> None:
    """Where that is unknown, it is held for the longest time of any board."""
    assert Sensor(period_s=0.1, refresh_s=refresh_s).hold_s == hold_s
