"""Intervals and doubts of one window's reading, worked by hand."""

import math
from dataclasses import replace

import pytest

from tests.trackers.meter.one_window import PERIOD_S, constant, seen
from trackers.meter.counted import WindowEdges, edge_errors_j
from trackers.meter.counter_trust import Trust, Verdict
from trackers.meter.integrate import PowerTrace
from trackers.meter.sensor import Sensor
from trackers.meter.uncertainty import HALF_WIDTHS, LEAST, Roughness
from trackers.meter.window import evidence_between, reading
from trackers.sample import Observation, PowerSample, Reading, Status

SAMPLED, COUNTED = Sensor(period_s=PERIOD_S), Sensor(period_s=PERIOD_S, has_counter=True)


def read(
    trace: PowerTrace,
    sensor: Sensor,
    *,
    start_s: float = 0.0,
    stop_s: float = 10.0,
    at_start: Observation | None = None,
    at_stop: Observation | None = None,
) -> Reading:
    """The reading of a window."""
    edges = WindowEdges(
        device_uuid="GPU", start_s=start_s, stop_s=stop_s, at_start=at_start, at_stop=at_stop
    )
    return reading(edges, trace=trace, sensor=sensor)[0]


def own_j(found: Reading) -> float:
    """A reading's own part of its uncertainty."""
    assert found.uncertainty_own_j is not None
    return found.uncertainty_own_j


def moving(*, each: int) -> Roughness:
    """A load that changes with each so many samples."""
    found = Roughness()
    for n in range(120):
        found.add(PowerSample(time_s=n * 0.03, power_w=100.0 + 5 * (n // each % 2)))
    return found


def steps(*powers_w: float) -> PowerTrace:
    """A trace of powers, one each period."""
    trace = PowerTrace(period_s=PERIOD_S)
    for n, power_w in enumerate(powers_w):
        trace.append(PowerSample(time_s=n * PERIOD_S, power_w=power_w))
    return trace


def test_a_change_between_samples_is_uncertain_by_when_it_came() -> None:
    """And by what no meter can tell."""
    found = read(steps(1000.0, 1000.0, 1100.0, 1100.0), SAMPLED, stop_s=0.3)

    errors_j = (LEAST * 315.0, 100.0 * PERIOD_S / math.sqrt(12))
    assert found.energy_j == pytest.approx(315.0)
    assert own_j(found) == pytest.approx(HALF_WIDTHS * math.hypot(*errors_j))


def test_a_window_that_is_known_to_a_part_only_says_so() -> None:
    """A quarter of the energy is the most that is not said."""
    found = read(steps(100.0, 900.0), SAMPLED, stop_s=0.1)
    nearly = read(steps(100.0, 120.0), SAMPLED, stop_s=0.1)

    assert found.status is Status.DEGRADED
    assert found.note == "uncertain by 148 %: the window is short for this sensor"
    assert (nearly.status, nearly.note) == (Status.OK, "")


@pytest.mark.parametrize("each", [1, 10])
def test_a_load_that_moves_is_seen_late_and_one_that_forgets_itself_by_chance(each: int) -> None:
    """The first by half the time for which a power is told; the second by its spread over ten samples."""
    load = moving(each=each)
    hold_s = load.hold_s(None)
    forgets = load.correlation_time_s(hold_s) < max(PERIOD_S, hold_s) / 2

    found = read(constant(100.0), replace(SAMPLED, roughness=load), start_s=2.0)

    chance_j = load.std_w * 8 / math.sqrt(10) / 2 if forgets else 0.0
    late_j = math.sqrt(load.rate_w2_s * 8) * hold_s / 2
    assert forgets is (each == 1)
    assert own_j(found) == pytest.approx(HALF_WIDTHS * math.hypot(0.8, late_j, chance_j))


@pytest.mark.parametrize(
    ("start_s", "stop_s", "samples"), [(1.0, 1.38, 4), (1.0, 1.04, 1), (1.02, 1.08, 1)]
)
def test_chance_counts_the_samples_of_a_window_that_has_fewer_than_ten(
    start_s: float, stop_s: float, samples: int
) -> None:
    """One at the least."""
    load, trace = moving(each=1), PowerTrace(period_s=0.125)
    for n in range(20):
        trace.append(PowerSample(time_s=n * 0.125, power_w=100.0))
    length_s = stop_s - start_s
    late_j = math.sqrt(load.rate_w2_s * length_s) * load.hold_s(None) / 2
    chance_j = load.std_w * length_s / math.sqrt(samples) / 2

    found = read(trace, replace(SAMPLED, roughness=load), start_s=start_s, stop_s=stop_s)

    assert own_j(found) == pytest.approx(HALF_WIDTHS * math.hypot(0.1 * length_s, late_j, chance_j))


@pytest.mark.parametrize(("update_period_s", "updates"), [(2.5, 4.0), (20.0, 1.0)])
def test_a_power_that_is_told_seldom_misses_a_share_of_the_energy(
    update_period_s: float, updates: float
) -> None:
    """Over the root of how often it was told."""
    found = read(constant(100.0), replace(SAMPLED, update_period_s=update_period_s))

    errors_j = (1.0, 0.3 * 1000.0 / math.sqrt(updates))
    assert own_j(found) == pytest.approx(HALF_WIDTHS * math.hypot(*errors_j))


@pytest.mark.parametrize(("stop_s", "status"), [(9.9, Status.DEGRADED), (10.0, Status.OK)])
def test_a_power_that_is_a_mean_has_as_much_of_the_neighbours(
    stop_s: float, status: Status
) -> None:
    """At least the energy of one mean, and a doubt below five of them."""
    found = read(constant(100.0), replace(SAMPLED, averaging_period_s=2.0), stop_s=stop_s)

    assert own_j(found) == pytest.approx(200.0)
    assert found.status is status
    assert found.note == ("the board reports its power as a mean over 2 s" if found.note else "")


def test_a_mean_that_rises_is_taken_half_its_time_later() -> None:
    """But for the last stretch, which the mean at the end has in full."""
    trace = steps(*(100.0 + n for n in range(101)))

    found = read(trace, replace(SAMPLED, averaging_period_s=1.0), start_s=2.0, stop_s=8.0)

    # Powers of 100 W + 10 W/s x time, taken from 2.5 s to 7.5 s, and 180 W for a second.
    assert found.energy_j == pytest.approx(5 * (100 + 50) + 180)


@pytest.mark.parametrize(("stop_s", "energy_j"), [(2.0, 200.0), (0.0, 0.0)])
def test_where_a_mean_is_of_nothing_in_the_window_the_samples_are_integrated(
    stop_s: float, energy_j: float
) -> None:
    """Its first half a mean ago there was no sample yet, or it has no length."""
    trace = constant(100.0, from_s=0.0 if stop_s == 0 else 1.8)

    found = read(trace, replace(SAMPLED, averaging_period_s=1.0), stop_s=stop_s)

    assert found.energy_j == pytest.approx(energy_j)


def test_no_share_of_no_energy_is_said() -> None:
    """A load that moved before, and draws nothing in the window."""
    found = read(constant(0.0), replace(SAMPLED, roughness=moving(each=1)))

    assert (found.energy_j, found.status, found.note) == (0.0, Status.OK, "")


def returned() -> PowerTrace:
    """A device that was away from 2 s to 6 s."""
    trace = PowerTrace(period_s=PERIOD_S)
    for n in (*range(21), *range(60, 101)):
        trace.append(PowerSample(time_s=n * PERIOD_S, power_w=50.0 if n < 60 else 200.0))
    return trace


@pytest.mark.parametrize(
    ("start_s", "stop_s", "at_start", "energy_j"),
    [
        (3.0, 10.0, None, 200.0 * 7),
        (3.0, 10.0, seen(3.0), 50.0 * 3 + 200.0 * 4),
        (1.5, 5.5, None, 50.0 * 4),
    ],
    ids=["away", "it answered", "not back yet"],
)
def test_a_device_that_came_back_is_taken_at_the_mean_of_its_return(
    start_s: float, stop_s: float, at_start: Observation | None, energy_j: float
) -> None:
    """What it drew before the window says nothing of it, unless it answered at the start."""
    trace = returned() if stop_s == 10 else constant(50.0, until_s=2.0)

    found = read(trace, SAMPLED, start_s=start_s, stop_s=stop_s, at_start=at_start)

    assert found.energy_j == pytest.approx(energy_j)
    assert found.note == f"observed for {100 * found.coverage:.0f} % of the time"


def test_a_device_that_came_back_without_power_used_none() -> None:
    """0 J, which is known."""
    assert read(constant(0.0, from_s=6.0), SAMPLED, start_s=3.0).energy_j == 0.0


def test_a_device_that_was_seen_nearly_all_the_time_has_not_been_away() -> None:
    """The time until its first sample is taken at that."""
    trace = PowerTrace(period_s=PERIOD_S)
    for n in range(5, 101):
        trace.append(PowerSample(time_s=n * PERIOD_S, power_w=100.0 if n < 50 else 300.0))

    found = read(trace, SAMPLED)

    assert found.energy_j == pytest.approx(100 * 4.95 + 300 * 5.05)


def test_a_counted_window_is_uncertain_by_its_ends_and_by_its_factor() -> None:
    """Errors at both ends and the factor's have nothing to do with each other."""
    trust = Trust(verdict=Verdict.SCALED, factor=2.0, factor_error=0.03, is_judged=True)
    sensor = replace(COUNTED, trust=trust, oldest_s=0.08)
    at_start, at_stop = seen(0.0, 0.0, power_w=100.0), seen(10.0, 500.0, power_w=100.0)
    edges = WindowEdges(
        device_uuid="GPU", start_s=0.0, stop_s=10.0, at_start=at_start, at_stop=at_stop
    )

    found = read(constant(100.0), sensor, at_start=at_start, at_stop=at_stop)

    ends_j = edge_errors_j(1000.0, edges, constant(100.0), sensor)
    assert found.energy_j == pytest.approx(1000.0)
    assert found.note == (
        "the board's counter counts 0.5 of the sampled power, and is scaled by that"
    )
    assert own_j(found) == pytest.approx(HALF_WIDTHS * math.hypot(1.0, *ends_j, 30.0))


def test_a_counter_that_few_windows_have_shown_has_both_energies_in_its_interval() -> None:
    """It may be right, and so may the samples."""
    at_start, at_stop = seen(0.0, 0.0, power_w=100.0), seen(10.0, 850.0, power_w=100.0)
    sure = replace(COUNTED, trust=Trust(is_judged=True))
    evidence = evidence_between(at_start, at_stop, constant(100.0), COUNTED)
    assert evidence is not None

    early = read(constant(100.0), COUNTED, at_start=at_start, at_stop=at_stop)
    judged = read(constant(100.0), sure, at_start=at_start, at_stop=at_stop)

    assert (judged.status, early.status) == (Status.OK, Status.DEGRADED)
    assert early.energy_j == judged.energy_j == 850.0
    assert early.note == (
        "the counter has 0.85 of the energy that the sampled power has; "
        "too few windows were seen to tell which is right"
    )
    both_j = (1000.0 - 850.0) + evidence.error * 1000.0
    assert own_j(early) == pytest.approx(own_j(judged) + both_j)


def test_a_counter_that_was_watched_for_a_part_only_says_for_how_much() -> None:
    """The rest is as uncertain as it is long."""
    at_start, at_stop = seen(5.0, 0.0, power_w=100.0), seen(10.0, 500.0, power_w=100.0)

    found = read(constant(100.0), COUNTED, at_start=at_start, at_stop=at_stop)

    assert (found.status, found.note) == (Status.DEGRADED, "counted for 50 % of the time")
    assert own_j(found) > 500.0


def test_nobody_knows_how_wrong_an_estimate_is() -> None:
    """Neither in common with others nor by itself."""
    found = read(
        PowerTrace(period_s=PERIOD_S),
        replace(COUNTED, estimated=True),
        at_start=seen(0.0, 5.0),
        at_stop=seen(10.0, 55.0),
    )

    assert (found.uncertainty_common_j, found.uncertainty_own_j) == (None, None)
