"""What holds for a meter on every real source that does not always answer."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trackers.every_source.following import Board, Faulty
from tests.trackers.every_source.loads import COUNTED_BEFORE_J, Load
from tests.trackers.every_source.metered_worlds import (
    PERIOD_S,
    energy_j,
    every_source,
    meter_of,
    watts,
)
from tests.trackers.every_source.worlds import followed, opened
from tests.trackers.scripted import BOARD
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Reading, Status
from trackers.sources.nvml.source import NvmlSource

STALE = 3
"""Periods for which a sample speaks."""


@settings(max_examples=30)
@given(values=watts, at=st.integers(min_value=0))
def test_a_counter_that_begins_again_keeps_the_sum(values: list[int], at: int) -> None:
    """The driver is loaded anew inside a window: its power has the energy, and the status says."""
    clock = ManualClock(64.0)
    load = followed("nvml power", values, period_s=PERIOD_S, start_s=64.0)
    again_s = 64.0 + PERIOD_S * (1 + at % len(values))

    def counter_j(now_s: float) -> float:
        # A millijoule at the least: a counter that stands at 0 is one that does not work.
        return (
            COUNTED_BEFORE_J + load.energy_j(now_s)
            if now_s < again_s
            else 0.001 + load.energy_j(now_s) - load.energy_j(again_s)
        )

    source = NvmlSource(nvml=Board(load, clock, counter_j=counter_j), clock=clock)  # type: ignore[arg-type]
    meter = EnergyMeter(source, sampling_hz=1 / PERIOD_S, clock=clock)
    meter.watch(BOARD)
    with meter.window("epoch") as window:
        for _ in values:
            clock.advance(PERIOD_S)
            meter.sample()
    reading = window.readings[BOARD]

    truth_j = load.energy_j(clock.now_s()) - load.energy_j(64.0)
    assert energy_j(reading) == pytest.approx(truth_j)
    assert (reading.method, reading.status) == (Method.SAMPLED, Status.DEGRADED)
    assert "backward" in reading.note


@every_source
@settings(max_examples=10)
@given(
    before=st.integers(min_value=0, max_value=30),
    between=st.integers(min_value=0, max_value=10),
    after=st.integers(min_value=2, max_value=30),
)
def test_a_window_over_a_restart_of_the_meter_keeps_its_energy(
    name: str, before: int, between: int, after: int
) -> None:
    """A counter that outlives the meter has all of it; else the time before it is not covered."""
    clock, periods = ManualClock(64.0), before + between + after
    with opened(name, Load([200] * periods, period_s=PERIOD_S, start_s=64.0), clock) as world:
        first = meter_of(world.source, world, clock)
        first.open("epoch", devices=[world.device_uuid])
        for _ in range(before):
            world.go_on()
            first.sample()
        window = first.opened("epoch")
        for _ in range(between):
            world.go_on()
        second = meter_of(world.source, world, clock)
        assert window is not None
        second.adopt("epoch", window)
        for _ in range(after):
            world.go_on()
            second.sample()
        reading = second.close("epoch")[world.device_uuid]
        outlives = world.has_counter and world.source.counter_persists

    assert energy_j(reading) == pytest.approx(200 * PERIOD_S * periods, abs=0.01)
    covered = 1.0 if outlives else after / periods
    assert reading.coverage == pytest.approx(covered, abs=1 / periods)
    assert reading.status is Status.DEGRADED or reading.coverage >= 0.9


def silent_at_the_end(name: str, periods: int, silent: int) -> Reading:
    """A constant load whose sensor says nothing for the last periods of the window."""
    clock = ManualClock(64.0)
    load = Load([200] * periods, period_s=PERIOD_S, start_s=64.0)
    silent_from_s = 64.0 + PERIOD_S * (periods - silent) + PERIOD_S / 2

    def fault() -> Exception | None:
        return ReadError("silent") if silent and clock.now_s() > silent_from_s else None

    with opened(name, load, clock) as world:
        source = Faulty(world.source, fault)
        meter = meter_of(source, world, clock)
        with meter.window("epoch", devices=[world.device_uuid]) as window:
            for _ in range(periods):
                world.go_on()
                meter.sample()
        return window.readings[world.device_uuid]


@every_source
@settings(max_examples=10)
@given(
    periods=st.integers(min_value=20, max_value=60),
    gaps=st.tuples(st.integers(0, 100), st.integers(0, 100)),
)
def test_coverage_falls_with_gaps(name: str, periods: int, gaps: tuple[int, int]) -> None:
    """The longer a sensor is silent, the less of the window is covered; and never `ok` below 90 %.

    What is told then is the energy until its last word, or that and its last power for the rest.
    """
    short, long = sorted(gap % (periods - 1) for gap in gaps)
    truth_j = 200 * PERIOD_S * periods
    # A process's share is looked at each second period, so its last word may be older.
    older, stale = (1, 2 * STALE) if name.endswith("process") else (0, STALE)

    less, more = (silent_at_the_end(name, periods, gap) for gap in (short, long))

    assert more.coverage <= less.coverage
    assert more.coverage < 1 or long <= stale + 1
    for reading, gap in ((less, short), (more, long)):
        assert reading.coverage == pytest.approx(1 - gap / periods, abs=(stale + 1) / periods)
        assert (reading.status is Status.OK) <= (reading.coverage >= 0.9)
        least_j = (1 - (gap + older) / periods) * truth_j
        assert least_j - 0.01 <= energy_j(reading) <= truth_j + 0.01
        assert reading.note or reading.status is Status.OK


@every_source
@settings(max_examples=10)
@given(gap=st.integers(min_value=0, max_value=12))
def test_a_gap_inside_a_window_costs_a_counter_nothing(name: str, gap: int) -> None:
    """A counter has the energy of a gap, and a power is held over it and says that it was."""
    clock = ManualClock(64.0)
    periods = 20
    load = Load([200] * periods, period_s=PERIOD_S, start_s=64.0)
    gap_s = (64.0 + 4.5 * PERIOD_S, 64.0 + (4.5 + gap) * PERIOD_S)

    def fault() -> Exception | None:
        return ReadError("silent") if gap_s[0] < clock.now_s() < gap_s[1] else None

    with opened(name, load, clock) as world:
        meter = meter_of(Faulty(world.source, fault), world, clock)
        with meter.window("epoch", devices=[world.device_uuid]) as window:
            for _ in range(periods):
                world.go_on()
                meter.sample()
        reading = window.readings[world.device_uuid]

    assert energy_j(reading) == pytest.approx(200 * PERIOD_S * periods, abs=0.002)
    uncovered = 0 if world.has_counter else max(0, gap + 1 - STALE)
    assert reading.coverage == pytest.approx(1 - uncovered / periods)
    assert (reading.status is Status.DEGRADED) == (reading.coverage < 0.9)


@every_source
@settings(max_examples=25)
@given(
    values=watts,
    fails=st.lists(st.sampled_from([None, None, ReadError, DeviceLostError, OSError]), max_size=60),
)
def test_never_negative_and_never_0_for_missing(
    name: str, values: list[int], fails: list[type[Exception] | None]
) -> None:
    """Whatever fails: no exception, no energy out of nothing, and None exactly where it is missing.

    The energy is never more than the highest power of the load for all of the time.
    """
    clock = ManualClock(64.0)
    script: Iterator[type[Exception] | None] = iter(fails)
    answers = 0

    def fault() -> Exception | None:
        nonlocal answers
        failing = next(script, None)
        answers += failing is None
        return None if failing is None else failing("no")

    with opened(name, Load(values, period_s=PERIOD_S, start_s=64.0), clock) as world:
        meter = meter_of(Faulty(world.source, fault), world, clock)
        with meter.window("epoch", devices=[world.device_uuid]) as window:
            for _ in values:
                world.go_on()
                meter.sample()
        reading = window.readings[world.device_uuid]

    assert (reading.energy_j is None) == (reading.status is Status.MISSING)
    assert reading.energy_j is None or reading.energy_j > 0
    assert (reading.energy_j or 0) <= max(values) * PERIOD_S * len(values) + 0.01
    assert 0 <= reading.coverage <= 1
    assert reading.status is Status.OK or reading.note
    assert answers > 0 or reading.status is Status.MISSING


@every_source
@pytest.mark.parametrize("error", [ReadError, DeviceLostError, OSError])
def test_no_epoch_is_copied_from_another(name: str, error: type[Exception]) -> None:
    """An epoch of which nothing was seen is missing, whatever those around it had."""
    clock = ManualClock(64.0)
    values = [100] * 20 + [300] * 20 + [500] * 20
    silent_s = (64.0 + 14.5 * PERIOD_S, 64.0 + 40.5 * PERIOD_S)

    def fault() -> Exception | None:
        return error("silent") if silent_s[0] < clock.now_s() < silent_s[1] else None

    readings = []
    with opened(name, Load(values, period_s=PERIOD_S, start_s=64.0), clock) as world:
        meter = meter_of(Faulty(world.source, fault), world, clock)
        for epoch in range(3):
            with meter.window(epoch, devices=[world.device_uuid]) as window:
                for _ in range(20):
                    world.go_on()
                    meter.sample()
            readings.append(window.readings[world.device_uuid])

    first, second, third = readings
    assert energy_j(first) <= 100 * PERIOD_S * 20 + 0.01
    assert (second.energy_j, second.status) == (None, Status.MISSING)
    assert third.energy_j is None or energy_j(third) > 300 * PERIOD_S * 20
