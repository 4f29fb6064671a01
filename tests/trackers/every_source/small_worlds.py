"""Each source on a small simulated machine of its own, with a real clock."""

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, final

import pynvml

from tests.fake_nvml import UUIDS
from tests.trackers.sources.apple.tape import Tape, plist
from tests.trackers.sources.sysfs import hwmon
from tests.trackers.sources.vendors import AmdSmi, AppleChip
from trackers.clock import Clock, MonotonicClock
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open source of power, for the tests of the contract.

    Attributes:
        source: The source.
        targets: What can be observed besides its devices, such as a process.
        advance: Lets some energy be used.
        by_samples: Whether its observations come from a tool's samples, which may be older than the call.
        clock: Its clock.
    """

    source: PowerSource
    clock: Clock = field(default_factory=MonotonicClock)
    targets: tuple[str, ...] = ()
    advance: Callable[[], None] = field(default=lambda: None)
    by_samples: bool = False

    def observable(self) -> tuple[str, ...]:
        """Identifiers of everything that can be observed."""
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
    """The estimate of this machine's CPUs and of this process."""
    return Opened(source=CpuEstimateSource(), targets=(process_device(os.getpid()),), advance=burn)


def rapl(folder: Path) -> Opened:
    """A powercap tree with one package, whose counter wraps during the test."""
    package = folder / "intel-rapl:0"
    package.mkdir()
    (package / "name").write_text("package-0\n")
    (package / "max_energy_range_uj").write_text("1000000\n")
    counter = package / "energy_uj"
    values_uj = (n * 70_000 % 1_000_000 for n in itertools.count(1))

    def advance() -> None:
        # Replaced atomically, as by the kernel: no reader may find an empty file.
        written = folder / "written"
        written.write_text(f"{next(values_uj)}\n")
        written.replace(counter)
        burn()

    advance()
    source = RaplSource(root=folder)
    return Opened(source=source, targets=(process_device(os.getpid()),), advance=advance)


def powermetrics(_: Path) -> Opened:
    """A powermetrics that writes a sample whenever the test advances."""
    sample = plist(processor={"gpu_power": 5000.0, "cpu_power": 2000.0})
    tape = Tape(sample)
    # The interval is so long that no pause of this machine makes a sample stale.
    source = PowermetricsSource(start=lambda _: tape, interval_ms=60_000)

    def advance() -> None:
        tape.feed(sample)
        burn()

    return Opened(
        source=source,
        targets=(process_device(os.getpid()),),
        advance=advance,
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

    def advance() -> None:
        written = folder / "written"
        written.write_text(f"{next(values_uj)}\n")
        written.replace(intel / "energy1_input")
        burn()

    source = HwmonSource(root=folder / "hwmon")
    return Opened(source=source, targets=(process_device(os.getpid()),), advance=advance)


def ipmi(_: Path) -> Opened:
    """A management controller that always reports the same power."""
    answer = "Instantaneous power reading: 220 Watts\nPower reading state is: activated"
    return Opened(source=IpmiSource(ask=lambda: answer, in_background=False))


def http(_: Path) -> Opened:
    """A smart plug with a counter, which is requested at each observation."""
    settings = HttpSettings(url="http://plug", name="plug", power="w", energy="j", energy_unit="J")
    source = HttpSource(
        settings,
        environment={},
        in_background=False,
        answer=lambda: {"w": 100.0, "j": 100 * time.monotonic()},
    )
    return Opened(source=source)


def ioreport(_: Path) -> Opened:
    """The counters of an Apple chip, each part of which draws 10 W."""
    source = IoReportSource(monitor=lambda: AppleChip(lambda: 10 * time.monotonic()))
    return Opened(source=source, targets=(process_device(os.getpid()),), advance=burn)


def amdsmi(_: Path) -> Opened:
    """Two boards behind a stand-in for `amdsmi`."""
    smi = AmdSmi(power_w=lambda: 100.0, energy_j=lambda: 100 * time.monotonic(), boards=2)
    return Opened(source=AmdSmiSource(module=lambda: smi))


SOURCES_UNDER_TEST = {
    "a recorded function": a_function,
    "a recorded file": a_csv,
    "an estimate": an_estimate,
    "rapl on a real clock": rapl,
    "powermetrics on a real clock": powermetrics,
    "two boards": nvml,
    "kernel sensors": kernel_sensors,
    "a management controller": ipmi,
    "a plug": http,
    "an Apple chip": ioreport,
    "two AMD boards": amdsmi,
}


def burn() -> None:
    """Use a little CPU time."""
    until_s = time.process_time() + 0.005
    while time.process_time() < until_s:
        pass


@final
class TwoBoards:
    """The part of `pynvml` that two boards of 100 W need; all else is not supported."""

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
        """Take constants and errors from pynvml; refuse all other functions."""
        if not name.startswith("nvml"):
            return getattr(pynvml, name)

        def unsupported(*_: object) -> None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

        return unsupported
