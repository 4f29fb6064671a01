"""How long a told power holds, and how old a counter's value may be."""

import math

import pytest

from trackers.meter.sensor import HELD_TIMES, HELD_TIMES_UNSEEN, Sensor
from trackers.meter.uncertainty import LONGEST_HOLD_S, Persistence, Roughness
from trackers.sample import Observation, PowerSample

REFRESH_S = 0.1


def stretches(number: int, *, reported_after_w: float | None = None) -> Persistence:
    """A load of which each mean keeps a tenth of what was told, by so many stretches."""
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
    """A load that changes with each so many samples, on a board that renews its power all the time."""
    found = Roughness()
    for n in range(120):
        power_w = 100.0 + 200 * (n // each % 2)
        found.add(PowerSample(time_s=n * 0.1, power_w=power_w), refreshed_between=False)
    return found


def mean_kept(gap_s: float, correlation_time_s: float) -> float:
    """The mean of an exponential over a stretch."""
    return correlation_time_s / gap_s * (1 - math.exp(-gap_s / correlation_time_s))


def test_of_a_load_of_which_nothing_is_known_power_holds() -> None:
    """However long the stretch."""
    assert Sensor(period_s=0.1).power_weight(100.0) == 1.0


def test_power_holds_for_some_memories_of_its_load() -> None:
    """And after that as far as the load remembers it."""
    load = stretches(60)
    correlation_time_s = load.correlation_time_s(0.0)
    known = Sensor(period_s=0.1, refresh_s=REFRESH_S, persistence=load)

    assert known.power_weight(0.99 * HELD_TIMES * correlation_time_s) == 1.0
    longer_s = 1.01 * HELD_TIMES * correlation_time_s
    assert known.power_weight(longer_s) == pytest.approx(mean_kept(longer_s, correlation_time_s))


def test_a_load_that_no_sample_tells_of_may_forget_sooner_than_is_seen() -> None:
    """Until its counter has shown that powers hold for longer than samples are apart."""
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


def test_of_two_memories_the_shorter_one_holds() -> None:
    """That of the samples, or that of the counter's stretches."""
    roughness = jumping(each=10)
    samples_s, gap_s = roughness.correlation_time_s(0.0), 20.0
    alone = Sensor(period_s=0.1, roughness=roughness)
    both = Sensor(period_s=0.1, roughness=roughness, persistence=stretches(60))
    stretches_s = stretches(60).correlation_time_s(roughness.std_w)

    assert alone.power_weight(gap_s) == pytest.approx(mean_kept(gap_s, samples_s))
    assert both.power_weight(gap_s) == pytest.approx(mean_kept(gap_s, stretches_s))


@pytest.mark.parametrize(
    ("load", "late_s", "lag_s"),
    [
        (Persistence(), 0.0, 0.0),
        (stretches(5), 0.0, REFRESH_S / 2),
        (stretches(60), 0.0, 0.0),
        (stretches(60, reported_after_w=200.0), REFRESH_S, REFRESH_S),
    ],
    ids=["unknown", "being learnt", "of the moment", "late"],
)
def test_power_is_of_the_past_by_as_long_as_it_is_told(
    load: Persistence, late_s: float, lag_s: float
) -> None:
    """Half of that counts as uncertain while it is being learnt whether it is late."""
    known = Sensor(period_s=0.1, refresh_s=REFRESH_S, persistence=load)

    assert (known.lag_s, known.assumed_lag_s) == (late_s, lag_s)


@pytest.mark.parametrize(
    ("refresh_s", "took_s", "age_error_s"),
    [(None, 0.0, 0.07), (None, 0.02, 0.07), (0.1, 0.0, 0.0), (0.1, 0.02, 0.12)],
)
def test_a_value_may_be_from_before_a_refresh_beside_which_it_was_read(
    refresh_s: float | None, took_s: float, age_error_s: float
) -> None:
    """Where refreshes are not known, it is as old as any."""
    known = Sensor(period_s=0.1, refresh_s=refresh_s, oldest_s=0.07)
    value = Observation(time_s=1.0, power_w=1.0, counter_j=1.0, took_s=took_s)

    assert known.age_error_at_s(value) == pytest.approx(age_error_s)
    assert known.age_error_s == (0.07 if refresh_s is None else 0.0)


@pytest.mark.parametrize(("refresh_s", "hold_s"), [(None, LONGEST_HOLD_S), (0.05, 0.05)])
def test_a_board_tells_a_power_for_as_long_as_its_counter(
    refresh_s: float | None, hold_s: float
) -> None:
    """Or as long as any board, where that is not known."""
    assert Sensor(period_s=0.1, refresh_s=refresh_s).hold_s == hold_s
