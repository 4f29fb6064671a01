"""Each source in a small world of its own, as a machine has it."""

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
    sample = plist(processor={"gpu_power": 5000.0, "cpu_power": 2000.0})
    tape = Tape(sample)
    # An interval so long that no pause of this machine makes a sample stale.
    source = PowermetricsSource(start=lambda _: tape, interval_ms=60_000)

    def go_on() -> None:
        tape.feed(sample)
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
