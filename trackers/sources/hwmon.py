"""Power source for the sensors under Linux's `/sys/class/hwmon`: AMD and Intel GPUs, server meters, Jetson.

The file `name` in each folder there names its driver (kernel: Documentation/hwmon; amdgpu_pm.c):

    amdgpu        power1_average, else power1_input, uW; power1_cap is the limit. On an APU it
                  includes the CPU.
    i915, xe      energy1_input, the card; on xe, where that is missing, energy2_input, the package;
                  uJ, a counter. `i915_gtN` are parts of it and are skipped.
    power_meter   ACPI: power1_average, uW, a mean over power1_average_interval, ms. NVIDIA Grace names
                  in power1_oem_info what each meter measures: `Grace Power Socket N` is a CPU with its
                  memory, `CPU Power` is part of it, `Module Power` includes the GPU too and is not
                  counted. A meter without such a label is the node's.
    ina3221       Jetson: inN_input (mV) x currN_input (mA) for each rail that inN_label names. The
                  input rail contains the others.

A board is identified by its PCI address, which torch reports too (UUIDs and `unique_id` do not agree in
all versions of ROCm: rocm-systems issues 2269, 3614).
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, Device, Observation
from trackers.sources.cpu.cpu_share import PowerIntegral, ProcessShares
from trackers.sources.rising_counter import RisingCounter, class_folder, kernel_text, number

_PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")

Read = Callable[[Path], str]


def pci_device(address: str) -> str:
    """Return the identifier of the board at a PCI address such as `0000:03:00.0`."""
    return f"pci:{address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sensor:
    """Sensor of one device: a function that reads its power in microwatts, or an energy counter."""

    device: Device
    power: Callable[[], float] | None = None
    counter: RisingCounter | None = None
    used: PowerIntegral = field(default_factory=PowerIntegral)


@final
class HwmonSource:
    """All sensors of GPUs, CPUs and the node that the kernel's drivers provide.

    Attributes:
        name: `hwmon`.
        note: The drivers that were found, and the sensors that cannot be read.
        estimated: False.
        counter_persists: False, because shares of processes are counted in this process.
    """

    name = "hwmon"
    estimated = False
    counter_persists = False

    def __init__(
        self,
        *,
        root: Path | None = None,
        clock: Clock | None = None,
        hostname: str | None = None,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
        read: Read = kernel_text,
    ) -> None:
        """Find the sensors and read each of them once.

        Args:
            root: Folder of the class `hwmon`; that of this machine (`class_folder`) when left out.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.
            hostname: Host name in the identifiers of CPU and node; this machine's when left out.
            tree_seconds: See `CpuShares`.
            busy_seconds: See `CpuShares`.
            read: Reads a file's text.

        Raises:
            SourceUnavailableError: There is no such sensor, or none can be read.
        """
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        host = hostname or socket.gethostname()
        drivers, refused = [], []
        self._sensors: dict[str, _Sensor] = {}
        folders = root or class_folder("hwmon")
        for folder in sorted(folders.glob("hwmon*"), key=lambda each: (len(each.name), each.name)):
            driver = _text(folder / "name", read)
            for sensor in _sensors(driver, folder, host, read, self._clock):
                try:
                    self._ask(sensor)
                except ReadError as error:
                    refused.append(f"{sensor.device.name} is not measured: {error}")
                    continue
                self._sensors[sensor.device.uuid] = sensor
                drivers.append(driver)
        if not self._sensors:
            reasons = (
                "; ".join(refused) or f"{folders} has no sensor of amdgpu, i915, xe, ACPI, INA3221"
            )
            message = f"hwmon: {reasons}. It needs Linux on real hardware and the board's driver"
            raise SourceUnavailableError(message)
        self._devices = tuple(sensor.device for sensor in self._sensors.values())
        self._shares = ProcessShares(
            self._devices, tree_seconds=tree_seconds, busy_seconds=busy_seconds
        )
        found = ", ".join(dict.fromkeys(drivers))
        self.note = "; ".join([f"sensors of the kernel's drivers: {found}", *refused])

    def devices(self) -> Sequence[Device]:
        """Return the boards, CPUs and nodes whose sensors can be read."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; a counter where the driver has one, else a power."""
        sensor = self._sensors.get(device_uuid)
        if sensor is not None:
            return self._ask(sensor)
        asked = self._shares.of(device_uuid)
        if asked is None:
            message = (
                f"unknown device {device_uuid!r}; hwmon measures {', '.join(self._sensors)}, and "
                "shares of processes in CPUs"
            )
            raise UnknownDeviceError(message)
        share_j, time_s = 0.0, 0.0
        for uuid in asked.devices:
            seen = self._ask(self._sensors[uuid])
            used_j = self._sensors[uuid].used.energy_j(seen)
            share_j += self._shares.energy_j(asked.pid, uuid, used_j)
            time_s = seen.time_s
        return Observation(time_s=time_s, counter_j=share_j)

    def close(self) -> None:
        """Forget the processes."""
        self._shares.clear()

    def _ask(self, sensor: _Sensor) -> Observation:
        with self._lock:
            if sensor.counter is not None:
                return Observation(counter_j=sensor.counter.energy_j(), time_s=self._clock.now_s())
            power_w = 0.0 if sensor.power is None else sensor.power() / 1e6
            if power_w <= 0:
                message = f"{sensor.device.name} reports {power_w:g} W, which no device that answers draws"
                raise ReadError(message)
            return Observation(power_w=power_w, time_s=self._clock.now_s())


def _sensors(driver: str, folder: Path, host: str, read: Read, clock: Clock) -> Iterator[_Sensor]:
    """Yield the sensors of one hwmon folder."""
    if driver == "amdgpu":
        yield from _amdgpu(folder, read)
    elif driver in {"i915", "xe"}:
        yield from _intel(driver, folder, read, clock)
    elif driver == "power_meter":
        yield from _acpi(folder, host, read)
    elif driver == "ina3221":
        yield from _jetson(folder, host, read)


def _amdgpu(folder: Path, read: Read) -> Iterator[_Sensor]:
    files = (folder / "power1_average", folder / "power1_input")
    path = next((each for each in files if each.exists()), None)
    if path is not None:
        device = _board(folder, "AMD GPU", "power1_cap", read)
        yield _Sensor(device=device, power=lambda: number(path, read))


def _intel(driver: str, folder: Path, read: Read, clock: Clock) -> Iterator[_Sensor]:
    files = (folder / "energy1_input", folder / "energy2_input")
    path = next((each for each in files if each.exists()), None)
    if path is not None:
        yield _Sensor(
            device=_board(folder, f"Intel GPU ({driver})", "power1_max", read),
            counter=RisingCounter(path, range_path=None, read=read, clock=clock),
        )


def _acpi(folder: Path, host: str, read: Read) -> Iterator[_Sensor]:
    path = folder / "power1_average"
    label = _text(folder / "power1_oem_info", read)
    if not path.exists() or label.startswith(("Module Power", "SysIO Power")):
        return
    is_cpu = label.startswith(("Grace Power", "CPU Power"))
    place = label.replace(" ", "-").lower() or f"acpi-{_address(folder)}"
    mean_ms = _limit(folder / "power1_average_interval", read) or 0.0
    socket_number = label.rpartition(" ")[2]
    device = Device(
        uuid=f"{'cpu' if is_cpu else 'node'}:{host}:{place}",
        name=label or "ACPI power meter",
        component=Component.CPU if is_cpu else Component.NODE,
        part_of=f"cpu:{host}:grace-power-socket-{socket_number}"
        if label.startswith("CPU Power")
        else None,
        averaging_period_s=mean_ms / 1000,
    )
    yield _Sensor(device=device, power=lambda: number(path, read))


def _jetson(folder: Path, host: str, read: Read) -> Iterator[_Sensor]:
    rails = {}
    for path in sorted(folder.glob("in*_label")):
        channel = path.name.removeprefix("in").removesuffix("_label")
        label = _text(path, read)
        component = _rail(label)
        if component is not None and (folder / f"curr{channel}_input").exists():
            rails[channel] = (label, component)
    for channel, (label, component) in rails.items():
        millivolts, milliamperes = folder / f"in{channel}_input", folder / f"curr{channel}_input"
        yield _Sensor(
            device=Device(
                uuid=f"{component}:{host}:{label.lower()}",
                name=f"Jetson {label}",
                component=component,
            ),
            # mV x mA are microwatts; the files are bound as defaults, because the loop changes them.
            power=lambda v=millivolts, a=milliamperes: number(v, read) * number(a, read),  # type: ignore[misc]
        )


def _rail(label: str) -> Component | None:
    """Component that a Jetson's rail feeds; None for a rail that is not measured."""
    if label.upper().endswith("_IN"):
        return Component.NODE
    parts = label.upper().split("_")
    if "GPU" in parts:  # a rail that feeds the CPU too, such as VDD_CPU_GPU_CV, counts as the GPU's
        return Component.GPU
    if "CPU" in parts:
        return Component.CPU
    return Component.MEMORY if {"DDR", "VDDRQ"} & set(parts) else None


def _board(folder: Path, name: str, limit: str, read: Read) -> Device:
    limit_uw = _limit(folder / limit, read)
    model = _text(folder / "device" / "product_name", read)
    return Device(
        uuid=pci_device(_address(folder)),
        name=model or f"{name} {_text(folder / 'device' / 'device', read)}".strip(),
        component=Component.GPU,
        power_limit_w=limit_uw / 1e6 if limit_uw else None,
        driver=_text(folder / "name", read),
    )


def _address(folder: Path) -> str:
    """PCI address of the device that a hwmon folder belongs to; where it has none, a name made of both."""
    name = (folder / "device").resolve().name
    return name if _PCI.fullmatch(name) else f"{name}-{folder.name}"


def _text(path: Path, read: Read) -> str:
    """Return a file's text; empty where it cannot be read."""
    try:
        return read(path).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _limit(path: Path, read: Read) -> float | None:
    try:
        return number(path, read)
    except ReadError:
        return None
