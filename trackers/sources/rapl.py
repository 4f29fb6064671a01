"""CPU and memory energy from RAPL, as Linux gives it under `/sys/class/powercap`.

Intel and AMD alike register zones there (kernel: Documentation/power/powercap):

    intel-rapl:0        package-0       counted; AMD too has it under Intel's name
    intel-rapl:0:0      core            not counted: a part of its package
    intel-rapl:0:1      uncore          not counted: a part of its package
    intel-rapl:0:2      dram            counted: memory is not in the package
    intel-rapl:1        psys            not counted: the platform, packages included
    intel-rapl-mmio:0   package-0       the same counter by another way; only where it is the one way

Counters begin again after `max_energy_range_uj`; here they go on rising, as long as they are asked
more often than that happens (every 20 minutes at 200 W and the usual range of 262 kJ). They also
begin again when a machine has slept, and single values have been absurd (CodeCarbon issue 1309):
what no CPU can have used since the reading before is never added.

The machine's energy is one device. A process asks for `process_device(pid)` and gets its share by
the rule of `trackers.sources.cpu_share`.
"""

import re
import shlex
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, Device, Observation, process_device
from trackers.sources.cpu_share import CpuShares

POWERCAP = Path("/sys/class/powercap")

HIGHEST_ZONE_W = 2000.0
"""No package or memory draws as much; the largest server packages of 2025 are rated 500 W."""

PAUSE_S = 1.0
"""A process may be held up for so long between reading a counter and the clock."""

_ZONE = re.compile(r"intel-rapl(?P<mmio>-mmio)?:(?P<package>\d+)(:(?P<part>\d+))?")
_PROCESS = process_device(0).removesuffix("0")


@final
class RaplSource:
    """The machine's CPU packages and memory, as one device.

    Attributes:
        name: `rapl`.
        note: The zones that are added up, and the rule by which processes share them.
        estimated: False.
        counter_outlives: False; shares of processes are counted here.
    """

    name = "rapl"
    estimated = False
    counter_outlives = False

    def __init__(
        self,
        *,
        root: Path = POWERCAP,
        clock: Clock | None = None,
        hostname: str | None = None,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
        read: Callable[[Path], str] = Path.read_text,
    ) -> None:
        """Find the zones and read each of them once.

        Args:
            root: The powercap folder, or the folder `intel-rapl` in it; in a container wherever it
                is mounted.
            clock: Stamps the observations.
            hostname: Goes into the device's identifier; left out: this machine's.
            tree_seconds: See `CpuShares`.
            busy_seconds: See `CpuShares`.
            read: Reads a file's text.

        Raises:
            SourceUnavailableError: There are no zones, as on virtual machines.
            SourcePermissionError: There are, but this user may not read them.
        """
        self._clock = clock or MonotonicClock()
        self._shares = CpuShares(tree_seconds=tree_seconds, busy_seconds=busy_seconds)
        self._lock = threading.Lock()
        folders = _zones(root, read)
        self._zones = [_Zone(folder, read, self._clock) for folder in folders.values()]
        forbidden = [zone.path for zone in self._zones if not zone.may_be_read()]
        if forbidden:
            files = shlex.join(map(str, forbidden))
            message = (
                f"rapl: cannot read {files}: permission denied. Allow it until the next start of "
                f"the machine: `sudo chmod a+r {files}` (energy can tell other users what a "
                "program computes, CVE-2020-8694; do it on machines you trust)"
            )
            raise SourcePermissionError(message)
        names = ", ".join(folders)
        self.note = f"energy counters of {names}; processes share them by their CPU time"
        self._device = Device(
            uuid=f"cpu:{hostname or socket.gethostname()}", name=names, component=Component.CPU
        )

    def devices(self) -> Sequence[Device]:
        """The machine's CPU."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; there is a counter, which may be asked often, and no power."""
        with self._lock:
            machine_j = sum(zone.energy_j() for zone in self._zones)
            now_s = self._clock.now_s()
        if device_uuid == self._device.uuid:
            return Observation(time_s=now_s, counter_j=machine_j)
        pid = device_uuid.removeprefix(_PROCESS)
        if device_uuid.startswith(_PROCESS) and pid.isdecimal():
            share_j = self._shares.energy_j(int(pid), machine_j)
            return Observation(time_s=now_s, counter_j=share_j)
        message = (
            f"unknown device {device_uuid!r}; rapl measures {self._device.uuid!r} and {_PROCESS}PID"
        )
        raise UnknownDeviceError(message)

    def close(self) -> None:
        """Forget the processes."""
        self._shares.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """What a counter said, in microjoules as it says it, and when."""

    uj: int
    time_s: float


@final
class _Zone:
    """One energy counter, made to rise for ever."""

    def __init__(self, folder: Path, read: Callable[[Path], str], clock: Clock) -> None:
        self.path = folder / "energy_uj"
        self._range_path = folder / "max_energy_range_uj"
        self._read = read
        self._clock = clock
        self._last: _Value | None = None
        self._refused: _Value | None = None
        self._total_uj = 0

    def may_be_read(self) -> bool:
        try:
            self.energy_j()
        except ReadError as error:
            if isinstance(error.__cause__, PermissionError):
                return False
            message = f"rapl: {error}; see `python -m trackers` for other sources"
            raise SourceUnavailableError(message) from error
        return True

    def energy_j(self) -> float:
        """Energy since an arbitrary start.

        Raises:
            ReadError: The file could not be read this time.
            DeviceLostError: The file is gone.
        """
        now = _Value(uj=self._number(self.path), time_s=self._clock.now_s())
        # Until there is a second value, the first is where this counter begins.
        step_uj = now.uj if self._last is None else self._step_uj(self._last, now)
        if step_uj is None and self._refused is not None:
            # The value before was no single fault: the counter has jumped, and goes on from there.
            step_uj = self._step_uj(self._refused, now)
        if step_uj is None:
            self._refused = now
            message = f"{self.path} jumped to {now.uj} uJ, which no CPU can have used meanwhile"
            raise ReadError(message)
        self._total_uj += step_uj
        self._last, self._refused = now, None
        return self._total_uj / 1e6

    def _step_uj(self, last: "_Value", now: "_Value") -> int | None:
        """Energy between two values; None where no CPU can have used it."""
        if now.uj >= last.uj:
            ways = [now.uj - last.uj]
        else:
            # It went past its range, or it began again because the machine had slept.
            range_uj = self._number(self._range_path)
            ways = [max(0, range_uj - last.uj) + now.uj, now.uj]
        most_uj = HIGHEST_ZONE_W * (now.time_s - last.time_s + PAUSE_S) * 1e6
        return next((step_uj for step_uj in ways if step_uj <= most_uj), None)

    def _number(self, path: Path) -> int:
        try:
            return int(self._read(path))
        except FileNotFoundError as error:
            message = f"{path} is gone"
            raise DeviceLostError(message) from error
        except (OSError, ValueError) as error:
            message = f"{path} cannot be read: {error}"
            raise ReadError(message) from error


def _zones(root: Path, read: Callable[[Path], str]) -> dict[str, Path]:
    """The zones to add up, by name: packages and memory, each counted once.

    Raises:
        SourceUnavailableError: There are none.
    """
    folders = _folders(root)
    found: dict[str, Path] = {}
    is_named = False
    matches = [match for name in folders if (match := _ZONE.fullmatch(name))]
    # MMIO last: it is left out where the same zone is there already.
    for match in sorted(matches, key=lambda match: (bool(match["mmio"]), match[0])):
        package = match[0].rpartition(":")[0] if match["part"] else match[0]
        try:
            top = read(folders[package] / "name").strip()
            part = read(folders[match[0]] / "name").strip()
        except (OSError, KeyError):
            continue  # a zone that does not say what it is cannot be counted
        is_named = True
        if top.startswith("package") and part in {top, "dram"}:
            found.setdefault(top if part == top else f"{top} {part}", folders[match[0]])
    if matches and not is_named:
        message = (
            f"rapl: the zones in {root} are hidden, as Docker hides them. Start the container with "
            "`--security-opt systempaths=unconfined`, or measure outside of it"
        )
        raise SourceUnavailableError(message)
    if not found:
        message = (
            f"rapl: {root} has no package zone; virtual machines have none. `sudo modprobe "
            "intel_rapl_msr` loads the driver on real hardware, AMD included"
        )
        raise SourceUnavailableError(message)
    return found


def _folders(root: Path) -> dict[str, Path]:
    """Folders by name; zones lie beside each other in the class folder, within each other behind it.

    Raises:
        SourceUnavailableError: There is no such root.
    """
    try:
        beside = list(root.iterdir())
    except OSError as error:
        message = (
            f"rapl: {root} cannot be listed ({error}). It needs Linux on real hardware and "
            "`sudo modprobe intel_rapl_common`; in a container, mount it"
        )
        raise SourceUnavailableError(message) from error
    within = [*root.glob("*/*/*"), *root.glob("*/*")]
    return {folder.name: folder for folder in [*within, *beside]}
