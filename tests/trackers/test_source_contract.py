"""What every power source must do. A new source comes here with its world (`tests/trackers/worlds.py`)."""

import itertools
import os
import plistlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, final

import pynvml
import pytest

from tests.fake_nvml import UUIDS
from tests.trackers.sysfs import hwmon
from tests.trackers.vendors import AmdSmi, AppleChip
from tests.trackers.worlds import WORLDS, Load
from tests.trackers.worlds import opened as world_opened
from trackers.clock import Clock, ManualClock, MonotonicClock
from trackers.errors import UnknownDeviceError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Observation, Status, process_device
from trackers.source import PowerSource
from trackers.sources.amdsmi import AmdSmiSource
from trackers.sources.apple.ioreport import IoReportSource
from trackers.sources.apple.powermetrics import PowermetricsSource
from trackers.sources.cpu_estimate import CpuEstimateSource
from trackers.sources.detect import SOURCES
from trackers.sources.hwmon import HwmonSource
from trackers.sources.ipmi import IpmiSource
from trackers.sources.nvml.source import NvmlSource
from trackers.sources.rapl import RaplSource
from trackers.sources.recorded import RecordedSource
from trackers.sources.web.settings import HttpSettings
from trackers.sources.web.source import HttpSource

OBSERVATIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source in a small world of its own.

    Attributes:
        source: The source.
        targets: What it is asked for, besides its devices.
        go_on: Lets some energy be used.
        by_samples: Whether its observations are samples of a tool that may be older than the call.
        clock: Its clock.
    """

    source: PowerSource
    clock: Clock = field(default_factory=MonotonicClock)
    targets: tuple[str, ...] = ()
    go_on: Callable[[], None] = field(default=lambda: None)
    by_samples: bool = False

    def asked(self) -> tuple[str, ...]:
        """Everything that it can be asked for."""
        return (*(device.uuid for device in self.source.devices()), *self.targets)


def a_function(_: Path) -> Opened:
    """A recording that is a function."""
    return Opened(source=RecordedSource(lambda time_s: 100 + time_s))


def a_csv(folder: Path) -> Opened:
    """A recording that is a file."""
    path = folder / "run.csv"
    path.write_text("time_s,power_w\n0,100\n0.001,200\n0.002,300\n")
    return Opened(source=RecordedSource.from_csv(path))


def an_estimate(_: Path) -> Opened:
    """The estimate of this machine, and of this process on it."""
    return Opened(source=CpuEstimateSource(), targets=(process_device(os.getpid()),), go_on=burn)


def rapl(folder: Path) -> Opened:
    """A powercap tree with one package, whose counter wraps on the way."""
    package = folder / "intel-rapl:0"
    package.mkdir()
    (package / "name").write_text("package-0\n")
    (package / "max_energy_range_uj").write_text("1000000\n")
    counter = package / "energy_uj"
    values_uj = (n * 70_000 % 1_000_000 for n in itertools.count(1))

    def go_on() -> None:
        # At once, as the kernel gives it: whoever reads must not find an empty file.
        written = folder / "written"
        written.write_text(f"{next(values_uj)}\n")
        written.replace(counter)
        burn()

    go_on()
    source = RaplSource(root=folder)
    return Opened(source=source, targets=(process_device(os.getpid()),), go_on=go_on)


def powermetrics(_: Path) -> Opened:
    """A powermetrics whose samples come when the test says so."""
    tape = Tape()
    tape.feed()
    # An interval so long that no pause of this machine makes a sample stale.
    source = PowermetricsSource(start=lambda _: tape, interval_ms=60_000)

    def go_on() -> None:
        tape.feed()
        tape.wait()
        burn()

    return Opened(
        source=source,
        targets=(process_device(os.getpid()),),
        go_on=go_on,
        by_samples=True,
    )


def nvml(_: Path) -> Opened:
    """Two boards behind a stand-in for `pynvml`."""
    return Opened(source=NvmlSource(nvml=cast("Any", TwoBoards())))


def kernel_sensors(folder: Path) -> Opened:
    """An AMD board, an Intel board with a counter, and Grace's CPU."""
    hwmon(folder / "hwmon", 0, "amdgpu", power1_average=90_000_000)
    hwmon(
        folder / "hwmon",
        1,
        "power_meter",
        device="ACPI000D:00",
        power1_average=50_000_000,
        power1_oem_info="Grace Power Socket 0",
    )
    intel = hwmon(folder / "hwmon", 2, "xe", device="0000:83:00.0", energy1_input=1)
    values_uj = itertools.count(100_000, 100_000)

    def go_on() -> None:
        written = folder / "written"
        written.write_text(f"{next(values_uj)}\n")
        written.replace(intel / "energy1_input")
        burn()

    source = HwmonSource(root=folder / "hwmon")
    return Opened(source=source, targets=(process_device(os.getpid()),), go_on=go_on)


def ipmi(_: Path) -> Opened:
    """A management controller that always says the same."""
    said = "Instantaneous power reading: 220 Watts\nPower reading state is: activated"
    return Opened(source=IpmiSource(ask=lambda: said, in_background=False))


def http(_: Path) -> Opened:
    """A plug with a counter that is asked each time."""
    settings = HttpSettings(url="http://plug", name="plug", power="w", energy="j", energy_unit="J")
    source = HttpSource(
        settings,
        environment={},
        in_background=False,
        answer=lambda: {"w": 100.0, "j": 100 * time.monotonic()},
    )
    return Opened(source=source)


def ioreport(_: Path) -> Opened:
    """The counters of an Apple chip that draws 10 W in all parts."""
    source = IoReportSource(monitor=lambda: AppleChip(lambda: 10 * time.monotonic()))
    return Opened(source=source, targets=(process_device(os.getpid()),), go_on=burn)


def amdsmi(_: Path) -> Opened:
    """Two boards behind a stand-in for `amdsmi`."""
    smi = AmdSmi(power_w=lambda: 100.0, energy_j=lambda: 100 * time.monotonic(), boards=2)
    return Opened(source=AmdSmiSource(module=lambda: smi))


SOURCES_UNDER_TEST = {
    "a recorded function": a_function,
    "a recorded file": a_csv,
    "an estimate": an_estimate,
    "rapl as it is": rapl,
    "powermetrics as it is": powermetrics,
    "two boards": nvml,
    "kernel sensors": kernel_sensors,
    "a management controller": ipmi,
    "a plug": http,
}


def burn() -> None:
    """Use a little CPU time."""
    until_s = time.process_time() + 0.005
    while time.process_time() < until_s:
        pass


@final
class Tape:
    """A powermetrics that writes a sample of 100 ms when it is fed."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._chunks: queue.Queue[bytes | None] = queue.Queue()

    def __iter__(self) -> Iterator[bytes]:
        """The samples; coming for the next one says that one was worked through."""
        while (chunk := self._chunks.get()) is not None:
            yield chunk
            self._chunks.task_done()

    def feed(self) -> None:
        """Write one sample."""
        power = {"gpu_power": 5000.0, "cpu_power": 2000.0}
        sample = {"elapsed_ns": 100_000_000, "hw_model": "Mac14,7", "processor": power}
        self._chunks.put(plistlib.dumps(sample))

    def wait(self) -> None:
        """Wait until what was written was worked through."""
        self._chunks.join()

    def complaint(self) -> str:
        """Nothing."""
        return ""

    def close(self) -> None:
        """Let it end."""
        self._chunks.put(None)


@final
class TwoBoards:
    """As much of `pynvml` as two boards need that count 100 W; the rest is not supported."""

    nvmlInit = nvmlShutdown = staticmethod(lambda: None)  # noqa: N815 - pynvml's names
    nvmlDeviceGetCount = staticmethod(lambda: 2)  # noqa: N815
    nvmlDeviceGetHandleByIndex = staticmethod(lambda index: index)  # noqa: N815
    nvmlDeviceGetUUID = staticmethod(lambda handle: UUIDS[handle])  # noqa: N815
    nvmlDeviceGetName = staticmethod(lambda _: "NVIDIA Emulated")  # noqa: N815
    nvmlDeviceGetPowerUsage = staticmethod(lambda _: 100_000)  # noqa: N815
    nvmlDeviceGetPciInfo = staticmethod(  # noqa: N815
        lambda handle: SimpleNamespace(domain=0, bus=handle, device=0)
    )
    nvmlDeviceGetTotalEnergyConsumption = staticmethod(  # noqa: N815
        lambda _: round(time.monotonic() * 100_000)
    )

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - pynvml has no types
        """Constants and errors are pynvml's."""
        if not name.startswith("nvml"):
            return getattr(pynvml, name)

        def unsupported(*_: object) -> None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

        return unsupported


@contextmanager
def in_its_world(name: str) -> Iterator[Opened]:
    """A source whose load is known and whose clock a test turns."""
    clock = ManualClock(start_s=1000.0)
    load = Load([50 + n % 50 for n in range(1000)], period_s=0.125, start_s=clock.now_s())
    with world_opened(name, load, clock) as world:
        yield Opened(
            source=world.source,
            targets=(world.device_uuid,),
            go_on=world.go_on,
            by_samples=True,
            clock=clock,
        )


@contextmanager
def opened_by(name: str, folder: Path) -> Iterator[Opened]:
    """A source of this file or one in its world, closed at the end."""
    if name in WORLDS:
        with in_its_world(name) as one:
            yield one
        return
    one = SOURCES_UNDER_TEST[name](folder)
    yield one
    one.source.close()


ALL = (*SOURCES_UNDER_TEST, *WORLDS)


@pytest.fixture(params=ALL)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Each source in turn."""
    with opened_by(request.param, tmp_path) as one:
        yield one


def test_the_suite_knows_every_source(tmp_path: Path) -> None:
    """No source of the table goes untested."""
    names = set()
    for number, name in enumerate(ALL):
        folder = tmp_path / str(number)
        folder.mkdir()
        with opened_by(name, folder) as one:
            names.add(one.source.name)

    assert names == {*(candidate.name for candidate in SOURCES), "recorded", "http"}


def test_it_is_a_power_source(opened: Opened) -> None:
    """It has what the protocol asks for, and says in a sentence how it measures."""
    assert isinstance(opened.source, PowerSource)
    assert opened.source.name.isidentifier()
    assert len(opened.source.note) > 10
    assert opened.source.estimated is (opened.source.name == "estimate")
    assert opened.source.counter_outlives in {True, False}


def test_devices_have_identifiers_of_their_own(opened: Opened) -> None:
    """Unique, the same at each call, and never an index."""
    devices = opened.source.devices()
    uuids = [device.uuid for device in devices]

    assert devices
    assert len(set(uuids)) == len(uuids)
    assert not any(uuid.isdecimal() for uuid in uuids)
    assert all(len(uuid) > 4 and device.name for uuid, device in zip(uuids, devices, strict=True))
    assert [device.uuid for device in opened.source.devices()] == uuids


@pytest.mark.parametrize("counter", [True, False])
def test_an_observation_tells_power_or_energy(opened: Opened, *, counter: bool) -> None:
    """One of the two is always there; what is missing raises instead."""
    for uuid in opened.asked():
        seen = opened.source.observe(uuid, counter=counter)

        assert seen.power_w is not None or seen.counter_j is not None


def test_counters_never_fall(opened: Opened) -> None:
    """Neither when time passes nor when a counter of the hardware wraps."""
    for uuid in opened.asked():
        counters_j = []
        for _ in range(OBSERVATIONS):
            opened.go_on()
            counters_j.append(opened.source.observe(uuid, counter=True).counter_j)

        told_j = [each for each in counters_j if each is not None]
        assert len(told_j) in {0, OBSERVATIONS}
        assert told_j == sorted(told_j)
        assert not told_j or told_j[-1] > told_j[0]


def test_times_are_of_the_call_and_rise(opened: Opened) -> None:
    """An observation is stamped between its call's start and end, on the machine's clock."""
    for uuid in opened.asked():
        last_s = 0.0
        for _ in range(OBSERVATIONS):
            opened.go_on()
            before_s = opened.clock.now_s()
            seen_s = opened.source.observe(uuid, counter=True).time_s
            after_s = opened.clock.now_s()

            assert last_s <= seen_s <= after_s
            assert opened.by_samples or seen_s >= before_s
            last_s = seen_s


@pytest.mark.parametrize("uuid", ["GPU-00000000-0000-0000-0000-000000000000", "0", "", "process:"])
def test_an_unknown_device_is_refused(opened: Opened, uuid: str) -> None:
    """The message says what was got and what there is."""
    with pytest.raises(UnknownDeviceError) as refusal:
        opened.source.observe(uuid, counter=False)

    assert repr(uuid) in str(refusal.value)
    assert opened.source.devices()[0].uuid in str(refusal.value)


def test_many_may_ask_at_once(opened: Opened) -> None:
    """A meter's thread and the edges of windows meet; each of them sees times and counters rise."""
    uuid = opened.source.devices()[0].uuid
    seen: list[list[Observation]] = [[], [], []]

    def ask(mine: list[Observation]) -> None:
        mine.extend(opened.source.observe(uuid, counter=True) for _ in range(OBSERVATIONS))

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    opened.go_on()
    for thread in threads:
        thread.join()

    for mine in seen:
        counters_j = [each.counter_j or 0.0 for each in mine]
        assert len(mine) == OBSERVATIONS
        assert counters_j == sorted(counters_j)
        assert [each.time_s for each in mine] == sorted(each.time_s for each in mine)


def test_closing_twice_is_fine(opened: Opened) -> None:
    """A meter and its owner may both close it."""
    opened.source.close()
    opened.source.close()


def test_a_meter_measures_with_it(opened: Opened) -> None:
    """Every source gives readings with its own label, none of them 0 and none an exception."""
    meter = EnergyMeter(opened.source, sampling_hz=100, clock=opened.clock)
    uuids = opened.asked()
    with meter.window("epoch", devices=uuids) as window:
        for _ in range(OBSERVATIONS):
            opened.go_on()
            meter.sample()
            time.sleep(0.006)
    meter.stop()

    for uuid in uuids:
        reading = window.readings[uuid]
        assert reading.status is not Status.MISSING, (uuid, reading.note)
        assert reading.energy_j is not None
        assert reading.energy_j > 0
        assert (reading.method is Method.ESTIMATED) == opened.source.estimated
        assert (reading.uncertainty_j is None) == opened.source.estimated
