"""Power source for CPU and memory energy from RAPL, which Linux provides under `/sys/class/powercap`.

Zones of both Intel and AMD are registered there (kernel: Documentation/power/powercap):

    intel-rapl:0        package-0       CPU; on AMD too it has Intel's name
    intel-rapl:0:0      core            not counted: part of its package
    intel-rapl:0:1      uncore          not counted: part of its package
    intel-rapl:0:2      dram            memory, which is not part of the package
    intel-rapl:1        psys            not counted: the platform, which includes the packages
    intel-rapl-mmio:0   package-0       the same counter by MMIO; used only where there is no other

Each package and each memory is a device of its own. A zone that mirrors the counter of another one is
left out, and so is one that cannot be read; the note names both. A process is charged its share of a
device, or with `process_device(pid)` of all packages together, by the rule of
`trackers.sources.cpu.cpu_share`.

The kernel's counters wrap around after `max_energy_range_uj`. Here they continue to rise, as long as they
are read more often than they wrap (every 20 minutes at 200 W and the usual range of 262 kJ). They also
restart when a machine has slept, and single values have been absurd (CodeCarbon issue 1309), so an energy
that no CPU can have used since the previous reading is never added.
"""

import shlex
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, Device, Observation
from trackers.sources.cpu.cpu_estimate import cpu_model
from trackers.sources.cpu.cpu_share import ProcessShares
from trackers.sources.rapl_zones import Zone, mirrored, zones
from trackers.sources.rising_counter import class_folder, kernel_text


@final
class RaplSource:
    """The machine's CPU packages and memories, each as a device.

    Attributes:
        name: `rapl`.
        note: The zones that are counted, those that are not and why, and how processes share them.
        estimated: False.
        counter_persists: False, because shares of processes are counted in this process.
    """

    name = "rapl"
    estimated = False
    counter_persists = False

    def __init__(
        self,
        *,
        root: Path | None = None,
        clock: Clock | None = None,
        hostname: str | None = None,
        model: str | None = None,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
        read: Callable[[Path], str] = kernel_text,
    ) -> None:
        """Find the zones and read each of them once.

        Args:
            root: The powercap folder, or the folder `intel-rapl` in it; that of this machine
                (`class_folder`) when left out.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.
            hostname: Host name in the devices' identifiers; this machine's when left out.
            model: Name of the CPU; the one that the operating system reports when left out.
            tree_seconds: See `CpuShares`.
            busy_seconds: See `CpuShares`.
            read: Reads a file's text.

        Raises:
            SourceUnavailableError: There are no zones, as on virtual machines, or none can be read.
            SourcePermissionError: There are zones, but this user has no permission to read them.
        """
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        found = zones(root or class_folder("powercap"), read=read, clock=self._clock)
        refused = _refused(found)
        answering = [zone for zone in found if zone.name not in refused]
        if not answering:
            raise _nothing_to_read(found, refused)
        twins = mirrored(answering)
        host = hostname or socket.gethostname()
        self._zones = {_uuid(zone, host): zone for zone in answering if zone.name not in twins}
        self._devices = tuple(
            Device(
                uuid=uuid,
                name="memory" if zone.component is Component.MEMORY else model or cpu_model(),
                component=zone.component,
            )
            for uuid, zone in self._zones.items()
        )
        self._shares = ProcessShares(
            self._devices, tree_seconds=tree_seconds, busy_seconds=busy_seconds
        )
        counted = ", ".join(zone.name for zone in self._zones.values())
        left_out = [
            *(
                f"{name} shows the counter of {twin} and is not counted"
                for name, twin in twins.items()
            ),
            *(f"{name} is not measured: {reason}" for name, reason in refused.items()),
        ]
        self.note = "; ".join(
            [f"energy counters of {counted}; processes share them by their CPU time", *left_out]
        )

    def devices(self) -> Sequence[Device]:
        """Return the packages and memories that are counted."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; returns a counter, which may be read often, and no power."""
        if device_uuid in self._zones:
            return self._read(device_uuid)
        asked = self._shares.of(device_uuid)
        if asked is None:
            message = (
                f"unknown device {device_uuid!r}; rapl measures {', '.join(self._zones)}, and "
                "shares of processes in them"
            )
            raise UnknownDeviceError(message)
        seen = {uuid: self._read(uuid) for uuid in asked.devices}
        share_j = sum(
            self._shares.energy_j(asked.pid, uuid, each.counter_j or 0.0)
            for uuid, each in seen.items()
        )
        return Observation(time_s=max(each.time_s for each in seen.values()), counter_j=share_j)

    def close(self) -> None:
        """Forget the processes."""
        self._shares.clear()

    def _read(self, device_uuid: str) -> Observation:
        with self._lock:
            counter_j = self._zones[device_uuid].counter.energy_j()
            return Observation(time_s=self._clock.now_s(), counter_j=counter_j)


def _uuid(zone: Zone, host: str) -> str:
    return f"{zone.component}:{host}:{zone.name.removesuffix(' dram')}"


def _refused(found: Sequence[Zone]) -> dict[str, str]:
    """Read each zone once; return the reasons of those that cannot be read, by name."""
    refused = {}
    for zone in found:
        try:
            zone.counter.energy_j()
        except ReadError as error:
            is_forbidden = isinstance(error.__cause__, PermissionError)
            refused[zone.name] = _permission_remedy([zone]) if is_forbidden else str(error)
    return refused


def _permission_remedy(forbidden: Sequence[Zone]) -> str:
    files = shlex.join(str(zone.counter.path) for zone in forbidden)
    return (
        f"cannot read {files}: permission denied. Allow it until the next start of the machine: "
        f"`sudo chmod a+r {files}` (energy can tell other users what a program computes, "
        "CVE-2020-8694; do it on machines you trust)"
    )


def _nothing_to_read(found: Sequence[Zone], refused: dict[str, str]) -> SourceUnavailableError:
    """Return the error for a machine on which no zone can be read."""
    forbidden = [zone for zone in found if "permission denied" in refused[zone.name]]
    if forbidden:
        return SourcePermissionError(f"rapl: {_permission_remedy(forbidden)}")
    reasons = "; ".join(refused.values())
    return SourceUnavailableError(f"rapl: {reasons}; see `python -m trackers` for other sources")
