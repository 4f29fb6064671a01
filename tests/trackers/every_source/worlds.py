"""Each real source in a world: a load that is known in advance, on a clock that the test advances."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import psutil

from tests.trackers.every_source.following import Board, ReadEachPeriod
from tests.trackers.every_source.loads import COUNTED_BEFORE_J, HIGHEST_W, Load
from tests.trackers.sources.apple.tape import Tape, plist
from tests.trackers.sources.sysfs import hwmon
from tests.trackers.sources.vendors import AmdSmi, AppleChip
from trackers.clock import ManualClock
from trackers.sample import process_device
from trackers.source import PowerSource
from trackers.sources.amdsmi import AmdSmiSource
from trackers.sources.apple.ioreport import IoReportSource
from trackers.sources.apple.powermetrics import PowermetricsSource
from trackers.sources.cpu.cpu_estimate import CpuEstimateSource
from trackers.sources.hwmon import HwmonSource
from trackers.sources.ipmi import IpmiSource
from trackers.sources.nvml.source import NvmlSource
from trackers.sources.rapl import RaplSource
from trackers.sources.recorded import RecordedSource
from trackers.sources.web.settings import HttpSettings
from trackers.sources.web.source import HttpSource

POWER_ALONE = frozenset(
    {"recorded function", "recorded file", "nvml power", "hwmon power", "ipmi", "http power"}
)
"""Worlds without a counter."""


def followed(name: str, watts: Sequence[int], *, period_s: float, start_s: float) -> Load:
    """A load that a world's source can follow exactly with one sample per period from `start_s` on.

    Where energy is counted, the load changes at the time of a sample. Where there is power alone, it changes
    half-way between two samples, which is where the meter places a change that it sees only by samples.
    """
    early_s = period_s / 2 if name in POWER_ALONE else 0.0
    return Load(watts, period_s=period_s, start_s=start_s - early_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A source, and its device that follows the load.

    Attributes:
        source: The source.
        device_uuid: The device.
        advance: Lets one period pass.
        has_counter: Whether it counts energy, so that nothing between two samples is lost.
    """

    source: PowerSource
    device_uuid: str
    advance: Callable[[], None]
    has_counter: bool


Open = Callable[[Load, ManualClock, Path], Iterator[World]]


def _world(
    source: PowerSource, load: Load, clock: ManualClock, *, has_counter: bool = True
) -> World:
    return World(
        source=source,
        device_uuid=source.devices()[0].uuid,
        advance=lambda: clock.advance(load.period_s),
        has_counter=has_counter,
    )


def recorded_function(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """The load as a function."""
    start_s = clock.now_s()
    source = RecordedSource(lambda since_s: load.power_w(start_s + since_s), clock=clock)
    yield _world(source, load, clock, has_counter=False)


def recorded_file(load: Load, clock: ManualClock, folder: Path) -> Iterator[World]:
    """The load as a file with a line for each period and one extra, because a recording repeats at its end."""
    start_s, path = clock.now_s(), folder / "run.csv"
    times_s = [n * load.period_s for n in range(len(load.watts) + 2)]
    lines = [f"{time_s},{load.power_w(start_s + time_s)}\n" for time_s in times_s]
    path.write_text("time_s,power_w\n" + "".join(lines))
    yield _world(RecordedSource.from_csv(path, clock=clock), load, clock, has_counter=False)


def estimate(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """CPUs of 1 W each, which are busy for one second per joule of the load."""

    def cpu_times() -> object:
        busy_s = COUNTED_BEFORE_J + load.energy_j(clock.now_s())
        return SimpleNamespace(user=busy_s, system=0.0, nice=0.0)

    with mock.patch.object(psutil, "cpu_times", cpu_times):
        yield _world(CpuEstimateSource(cpu_watts=psutil.cpu_count(), clock=clock), load, clock)


def estimate_idle(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """The same CPUs, which draw half a watt of the load when idle."""
    idle_w, start_s = 0.5, clock.now_s()

    def cpu_times() -> object:
        now_s = clock.now_s()
        busy_s = COUNTED_BEFORE_J + load.energy_j(now_s) - idle_w * (now_s - start_s)
        return SimpleNamespace(user=busy_s, system=0.0, nice=0.0)

    with mock.patch.object(psutil, "cpu_times", cpu_times):
        source = CpuEstimateSource(
            cpu_watts=(psutil.cpu_count() or 1) + idle_w, cpu_idle_watts=idle_w, clock=clock
        )
        yield _world(source, load, clock)


def rapl(load: Load, clock: ManualClock, folder: Path) -> Iterator[World]:
    """A package whose counter wraps once in 16 periods at the highest load."""
    (folder / "intel-rapl:0").mkdir()
    range_uj = round(16 * HIGHEST_W * load.period_s * 1e6)

    def read(path: Path) -> str:
        if path.name == "name":
            return "package-0\n"
        if path.name == "max_energy_range_uj":
            return f"{range_uj}\n"
        return f"{round(load.energy_j(clock.now_s()) * 1e6) % range_uj}\n"

    source = RaplSource(
        root=folder,
        clock=clock,
        read=read,
        tree_seconds=lambda _: clock.now_s(),
        busy_seconds=clock.now_s,
    )
    yield _world(source, load, clock)


def rapl_process(load: Load, clock: ManualClock, folder: Path) -> Iterator[World]:
    """The only busy process of that machine, which is charged all of its energy."""
    for world in rapl(load, clock, folder):
        yield replace(world, device_uuid=process_device(1))


def powermetrics(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """A powermetrics that writes the mean power since its last sample once per period."""
    tape = Tape(_sample(load.period_s, load.power_w(clock.now_s())))
    interval_ms = round(load.period_s * 1000)
    source = PowermetricsSource(
        start=lambda _: tape,
        interval_ms=interval_ms,
        clock=clock,
        tree_seconds=lambda _: clock.now_s(),
        busy_seconds=clock.now_s,
    )
    tape.wait()
    fed_s = clock.now_s()

    def advance() -> None:
        nonlocal fed_s
        clock.advance(load.period_s)
        since_s, fed_s = fed_s, clock.now_s()
        used_j = load.energy_j(fed_s) - load.energy_j(since_s)
        tape.feed(_sample(fed_s - since_s, used_j / (fed_s - since_s)))

    yield World(
        source=source, device_uuid=source.devices()[0].uuid, advance=advance, has_counter=True
    )
    source.close()


def _sample(duration_s: float, power_w: float) -> bytes:
    """A sample of powermetrics in which GPU and CPU draw the same power."""
    powers_mw = {"gpu_power": power_w * 1000, "cpu_power": power_w * 1000}
    return plist(elapsed_ns=round(duration_s * 1e9), processor=powers_mw)


def powermetrics_process(load: Load, clock: ManualClock, folder: Path) -> Iterator[World]:
    """The only busy process of that machine."""
    for world in powermetrics(load, clock, folder):
        yield replace(world, device_uuid=process_device(1))


def nvml_counter(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """A board with an energy counter."""
    nvml = Board(load, clock, counter_j=lambda now_s: COUNTED_BEFORE_J + load.energy_j(now_s))
    yield _world(NvmlSource(nvml=cast("Any", nvml), clock=clock), load, clock)


def nvml_power(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """An older board, without an energy counter."""
    nvml = Board(load, clock, counter_j=None)
    source = NvmlSource(nvml=cast("Any", nvml), clock=clock)
    yield _world(source, load, clock, has_counter=False)


def hwmon_counter(load: Load, clock: ManualClock, folder: Path) -> Iterator[World]:
    """An Intel board, whose counter is a file."""
    sensor = hwmon(folder / "hwmon", 0, "xe", energy1_input=0)

    def read(path: Path) -> str:
        if path != sensor / "energy1_input":
            return path.read_text()
        return f"{round(load.energy_j(clock.now_s()) * 1e6)}\n"

    yield _world(HwmonSource(root=folder / "hwmon", clock=clock, read=read), load, clock)


def hwmon_power(load: Load, clock: ManualClock, folder: Path) -> Iterator[World]:
    """An AMD board, which reports power alone."""
    sensor = hwmon(folder / "hwmon", 0, "amdgpu", power1_average=1)

    def read(path: Path) -> str:
        if path != sensor / "power1_average":
            return path.read_text()
        return f"{round(load.power_w(clock.now_s()) * 1e6)}\n"

    source = HwmonSource(root=folder / "hwmon", clock=clock, read=read)
    yield _world(source, load, clock, has_counter=False)


def ipmi(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """A management controller that is read in each period."""

    def ask() -> str:
        return f"Instantaneous power reading: {load.power_w(clock.now_s())} Watts"

    source = ReadEachPeriod(IpmiSource(ask=ask, clock=clock, in_background=False))
    yield _world(source, load, clock, has_counter=False)


def http_power(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """A smart plug without a counter."""
    source = HttpSource(
        HttpSettings(url="http://plug", name="plug", power="w"),
        clock=clock,
        environment={},
        in_background=False,
        answer=lambda: {"w": load.power_w(clock.now_s())},
    )
    yield _world(ReadEachPeriod(source), load, clock, has_counter=False)


def http_counter(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """A meter with a counter, which reports no power."""
    source = HttpSource(
        HttpSettings(url="http://meter", name="meter", energy="j", energy_unit="J"),
        clock=clock,
        environment={},
        in_background=False,
        answer=lambda: {"j": load.energy_j(clock.now_s())},
    )
    yield _world(ReadEachPeriod(source), load, clock)


def ioreport(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """An Apple chip, whose counters are read in each period."""
    chip = AppleChip(lambda: load.energy_j(clock.now_s()))
    yield _world(IoReportSource(monitor=lambda: chip, clock=clock), load, clock)


def amdsmi(load: Load, clock: ManualClock, _: Path) -> Iterator[World]:
    """An AMD board with a counter."""
    smi = AmdSmi(
        power_w=lambda: load.power_w(clock.now_s()),
        energy_j=lambda: COUNTED_BEFORE_J + load.energy_j(clock.now_s()),
    )
    yield _world(AmdSmiSource(module=lambda: smi, clock=clock), load, clock)


WORLDS: dict[str, Open] = {
    "recorded function": recorded_function,
    "recorded file": recorded_file,
    "estimate": estimate,
    "estimate with idle power": estimate_idle,
    "rapl": rapl,
    "rapl process": rapl_process,
    "powermetrics": powermetrics,
    "powermetrics process": powermetrics_process,
    "nvml counter": nvml_counter,
    "nvml power": nvml_power,
    "hwmon counter": hwmon_counter,
    "hwmon power": hwmon_power,
    "ipmi": ipmi,
    "http power": http_power,
    "http counter": http_counter,
    "ioreport": ioreport,
    "amdsmi": amdsmi,
}


@contextmanager
def opened(name: str, load: Load, clock: ManualClock) -> Iterator[World]:
    """One of the worlds, at the start of its load."""
    with tempfile.TemporaryDirectory() as folder:
        yield from WORLDS[name](load, clock, Path(folder))
