"""What holds for a meter on every real source, whatever the load: each in a world of its own.

The truth is known in closed form, the clock is turned by hand, and loads change with a sample, so
that a source which has only power may be exact too.
"""

import gc
import itertools
import math
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trackers.scripted import BOARD
from tests.trackers.worlds import (
    COUNTED_BEFORE_J,
    HIGHEST_W,
    WORLDS,
    Board,
    Faulty,
    Load,
    World,
    followed,
    opened,
)
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Reading, Status
from trackers.source import PowerSource
from trackers.sources.detect import SOURCES
from trackers.sources.nvml.source import NvmlSource

PERIOD_S = 0.125
"""A power of two, so that sums of it are exact."""

STALE = 3
"""Periods for which a sample speaks."""

watts = st.lists(st.integers(min_value=1, max_value=HIGHEST_W), min_size=1, max_size=24)
"""No 0: a board that answers is powered, and NVML's zeros are taken for faults."""

every_source = pytest.mark.parametrize("name", list(WORLDS))


def meter_of(source: PowerSource, world: World, clock: ManualClock) -> EnergyMeter:
    """A meter that watches the world's device and is sampled by the test, without a thread."""
    meter = EnergyMeter(source, sampling_hz=1 / PERIOD_S, clock=clock)
    meter.watch(world.device_uuid)
    return meter


def energy_j(reading: Reading) -> float:
    """The energy of a reading that has one."""
    assert reading.energy_j is not None, reading.note
    return reading.energy_j


def epochs(
    name: str, values: Sequence[int], lengths: Sequence[int], *, start_s: float = 64.0
) -> tuple[list[Reading], Reading]:
    """Windows in a row, each of so many periods, and the window around all of them."""
    clock = ManualClock(start_s)
    load = followed(name, values, period_s=PERIOD_S, start_s=start_s)
    with opened(name, load, clock) as world:
        meter, readings = meter_of(world.source, world, clock), []
        meter.open("trial", devices=[world.device_uuid])
        for number, length in enumerate(lengths):
            with meter.window(number, devices=[world.device_uuid]) as window:
                for _ in range(length):
                    world.go_on()
                    meter.sample()
            readings.append(window.readings[world.device_uuid])
        return readings, meter.close("trial")[world.device_uuid]


def is_ok_for_its_length(reading: Reading) -> bool:
    """Whether nothing speaks against a reading but that its window is short."""
    return reading.status is Status.OK or reading.note.startswith("known to")


def split(values: Sequence[int], cuts: Sequence[int]) -> list[int]:
    """Lengths of the pieces of a load that is cut at some places."""
    places = sorted({0, len(values), *(cut % len(values) for cut in cuts)})
    return [b - a for a, b in itertools.pairwise(places)]


def test_every_source_has_a_world() -> None:
    """No line of the table of sources goes untested."""
    names = set()
    for name in WORLDS:
        clock = ManualClock(64.0)
        with opened(name, Load([100], period_s=PERIOD_S, start_s=64.0), clock) as world:
            names.add(world.source.name)

    assert {candidate.name for candidate in SOURCES} <= names


@every_source
@settings(max_examples=15)
@given(power_w=st.integers(min_value=1, max_value=HIGHEST_W), periods=st.integers(1, 40))
def test_constant_power_is_power_times_time(name: str, power_w: int, periods: int) -> None:
    """P x t, in full, with the source's own label."""
    (reading,), _ = epochs(name, [power_w] * periods, [periods])

    assert energy_j(reading) == pytest.approx(power_w * periods * PERIOD_S, abs=0.002)
    assert reading.coverage == 1.0
    assert is_ok_for_its_length(reading), reading.note
    assert (reading.method is Method.ESTIMATED) == name.startswith("estimate")


@every_source
@settings(max_examples=15)
@given(values=watts, cuts=st.lists(st.integers(min_value=0), max_size=6))
def test_cut_windows_have_their_own_energy_and_add_up(
    name: str, values: list[int], cuts: list[int]
) -> None:
    """Each epoch has the load's energy of its time, and all together that of the trial."""
    lengths = split(values, cuts)

    parts, whole = epochs(name, values, lengths)

    load = followed(name, values, period_s=PERIOD_S, start_s=0.0)
    ends_s = [sum(lengths[:n]) * PERIOD_S for n in range(len(lengths) + 1)]
    truth_j = [load.energy_j(b) - load.energy_j(a) for a, b in itertools.pairwise(ends_s)]
    assert [energy_j(part) for part in parts] == pytest.approx(truth_j, abs=0.002)
    assert energy_j(whole) == pytest.approx(math.fsum(map(energy_j, parts)), abs=0.01)


@every_source
@settings(max_examples=15)
@given(
    values=st.lists(st.integers(min_value=1, max_value=HIGHEST_W), min_size=4, max_size=24),
    parts=st.tuples(st.integers(0, 15), st.integers(0, 15)),
)
def test_edges_may_lie_anywhere_between_samples(
    name: str, values: list[int], parts: tuple[int, int]
) -> None:
    """A counter stays exact; what has samples only misses no more than its load's change.

    Changes are seen up to half a period early or late, and at each edge power may be a period old.
    The samples of powermetrics are means of the time before
    them, so that only what has passed since the last one is not known.
    """
    clock = ManualClock(64.0)
    load = Load(values, period_s=PERIOD_S, start_s=64.0)
    with opened(name, load, clock) as world:
        meter = meter_of(world.source, world, clock)
        clock.advance(parts[0] / 16 * PERIOD_S)
        start_s = clock.now_s()
        with meter.window("epoch", devices=[world.device_uuid]) as window:
            for _ in range(len(values) - 2):
                world.go_on()
                meter.sample()
            clock.advance(parts[1] / 16 * PERIOD_S)
        reading = window.readings[world.device_uuid]

    truth_j = load.energy_j(clock.now_s()) - load.energy_j(start_s)
    unknown = 1 if name.startswith("powermetrics") else 0 if world.has_counter else 3
    change_j = unknown * PERIOD_S * (max(values) - min(values))
    assert energy_j(reading) == pytest.approx(truth_j, abs=0.01 + change_j)
    assert reading.duration_s == clock.now_s() - start_s
    assert is_ok_for_its_length(reading), reading.note


@every_source
@settings(max_examples=10)
@given(values=watts, shift=st.integers(min_value=0, max_value=1 << 24))
def test_a_shift_of_time_changes_nothing(name: str, values: list[int], shift: int) -> None:
    """A machine that has been up for half a year measures as one that has just started."""
    (here,), _ = epochs(name, values, [len(values)], start_s=0.0)

    (there,), _ = epochs(name, values, [len(values)], start_s=shift / 8 + 0.125)

    assert energy_j(there) == pytest.approx(energy_j(here), abs=0.002)
    assert (there.coverage, there.status, there.power_samples) == (
        here.coverage,
        here.status,
        here.power_samples,
    )


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
        outlives = world.has_counter and world.source.counter_outlives

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


@pytest.mark.slow
@every_source
def test_nothing_drifts_or_grows_over_10_hours(name: str) -> None:
    """10 hours of epochs: each of the last ones is as exact as the first, and memory stays."""
    period_s, windows, per_window = 60.0, 100, 6
    values = [100 + 37 * n % 601 for n in range(windows * per_window)]
    clock = ManualClock(64.0)
    held_bytes, worst = [], 0.0
    load = followed(name, values, period_s=period_s, start_s=64.0)
    with opened(name, load, clock) as world:
        meter = EnergyMeter(world.source, sampling_hz=1 / period_s, clock=clock)
        meter.watch(world.device_uuid)
        meter.open("trial", devices=[world.device_uuid])
        for number in range(windows):
            before_j = load.energy_j(clock.now_s())
            with meter.window(number, devices=[world.device_uuid]) as window:
                for _ in range(per_window):
                    world.go_on()
                    meter.sample()
            meter.take_log()
            reading = window.readings[world.device_uuid]
            truth_j = load.energy_j(clock.now_s()) - before_j
            worst = max(worst, abs(energy_j(reading) / truth_j - 1))
            if number in {20, windows - 1}:
                gc.collect()
                held_bytes.append(tracemalloc.get_traced_memory()[0])
            if number == 0:
                tracemalloc.start()
        trial = meter.close("trial")[world.device_uuid]
    tracemalloc.stop()

    assert worst < 1e-6
    whole_j = load.energy_j(clock.now_s()) - load.energy_j(64.0)
    assert energy_j(trial) == pytest.approx(whole_j, rel=1e-6)
    assert trial.status is Status.OK, trial.note
    assert held_bytes[1] - held_bytes[0] < 100_000
