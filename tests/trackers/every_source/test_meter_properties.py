"""Properties of a meter on every real source, for any load.

The true energy is known in closed form, and the tests advance the clock. Loads change only where a source
can follow exactly, so that even a source of power alone is exact.
"""

import gc
import itertools
import math
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trackers.every_source.loads import HIGHEST_W, Load
from tests.trackers.every_source.metered_worlds import (
    PERIOD_S,
    energy_j,
    every_source,
    meter_of,
    watts,
)
from tests.trackers.every_source.worlds import WORLDS, followed, opened
from trackers.clock import ManualClock
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Reading, Status
from trackers.sources.detect import SOURCES


def epochs(
    name: str, values: Sequence[int], lengths: Sequence[int], *, start_s: float = 64.0
) -> tuple[list[Reading], Reading]:
    """Readings of consecutive windows of given lengths in periods, and of the window around all of them."""
    clock = ManualClock(start_s)
    load = followed(name, values, period_s=PERIOD_S, start_s=start_s)
    with opened(name, load, clock) as world:
        meter, readings = meter_of(world.source, world, clock), []
        meter.open("trial", devices=[world.device_uuid])
        for number, length in enumerate(lengths):
            with meter.window(number, devices=[world.device_uuid]) as window:
                for _ in range(length):
                    world.advance()
                    meter.sample()
            readings.append(window.readings[world.device_uuid])
        return readings, meter.close("trial")[world.device_uuid]


def is_ok_for_its_length(reading: Reading) -> bool:
    """Return whether a reading is ok, or degraded only because its window is short."""
    return reading.status is Status.OK or reading.note.startswith("uncertain by")


def split(values: Sequence[int], cuts: Sequence[int]) -> list[int]:
    """Lengths of the pieces of a load that is cut at the given places."""
    places = sorted({0, len(values), *(cut % len(values) for cut in cuts)})
    return [b - a for a, b in itertools.pairwise(places)]


def test_every_source_has_a_world() -> None:
    """Every source in the table of sources is tested here."""
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
    """The energy is P x t, fully covered and labelled with the method of the source."""
    (reading,), _ = epochs(name, [power_w] * periods, [periods])

    assert energy_j(reading) == pytest.approx(power_w * periods * PERIOD_S, abs=0.002)
    assert reading.coverage == 1.0
    assert is_ok_for_its_length(reading), reading.note
    assert (reading.method is Method.ESTIMATED) == name.startswith("estimate")


@every_source
@settings(max_examples=15)
@given(values=watts, cuts=st.lists(st.integers(min_value=0), max_size=6))
def test_consecutive_windows_are_exact_and_add_up(
    name: str, values: list[int], cuts: list[int]
) -> None:
    """Each epoch has the energy of the load during it, and the sum is the energy of the trial."""
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
    """A counter stays exact; without one, the error is bounded by how much the load changes.

    Changes are seen up to half a period early or late, and at each edge power may be a period old.
    The samples of powermetrics are means over the time before them, so that only the time since the last
    one is unknown.
    """
    clock = ManualClock(64.0)
    load = Load(values, period_s=PERIOD_S, start_s=64.0)
    with opened(name, load, clock) as world:
        meter = meter_of(world.source, world, clock)
        clock.advance(parts[0] / 16 * PERIOD_S)
        start_s = clock.now_s()
        with meter.window("epoch", devices=[world.device_uuid]) as window:
            for _ in range(len(values) - 2):
                world.advance()
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
def test_uptime_changes_nothing(name: str, values: list[int], shift: int) -> None:
    """A machine that has been up for weeks measures the same as one that has just started."""
    (here,), _ = epochs(name, values, [len(values)], start_s=0.0)

    (there,), _ = epochs(name, values, [len(values)], start_s=shift / 8 + 0.125)

    assert energy_j(there) == pytest.approx(energy_j(here), abs=0.002)
    assert (there.coverage, there.status, there.power_samples) == (
        here.coverage,
        here.status,
        here.power_samples,
    )


@pytest.mark.slow
@every_source
def test_nothing_drifts_or_grows_over_10_hours(name: str) -> None:
    """Over 10 hours of epochs, every reading stays exact and the memory in use stays the same."""
    period_s, windows, per_window = 150.0, 40, 6
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
                    world.advance()
                    meter.sample()
            meter.take_log()
            reading = window.readings[world.device_uuid]
            truth_j = load.energy_j(clock.now_s()) - before_j
            worst = max(worst, abs(energy_j(reading) / truth_j - 1))
            if number in {8, windows - 1}:
                gc.collect()
                held_bytes.append(tracemalloc.get_traced_memory()[0])
            if number == 0:
                gc.freeze()  # objects of the other tests need not be searched
                tracemalloc.start()
        trial = meter.close("trial")[world.device_uuid]
    tracemalloc.stop()
    gc.unfreeze()

    assert worst < 1e-6
    whole_j = load.energy_j(clock.now_s()) - load.energy_j(64.0)
    assert energy_j(trial) == pytest.approx(whole_j, rel=1e-6)
    assert trial.status is Status.OK, trial.note
    assert held_bytes[1] - held_bytes[0] < 40_000
