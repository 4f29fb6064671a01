"""The energy counters of RAPL under a powercap folder: which there are, and each made to rise for ever."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from trackers.clock import Clock
from trackers.errors import DeviceLostError, ReadError, SourceUnavailableError
from trackers.sample import Component

HIGHEST_ZONE_W = 2000.0
"""No package or memory draws as much; the largest server packages of 2025 are rated 500 W."""

PAUSE_S = 1.0
"""A process may be held up for so long between reading a counter and the clock."""

MIRRORED_J = 0.5
"""Two counters nearer to each other than this are one: dies of a package have shown the counter of
their socket, each of them all of it (CodeCarbon issues 1274, 1379). Two that are not agree by chance
once in 60,000 times, in the usual range of 65 kJ, once they have counted something."""

COUNTED_J = 100.0
"""Below that two counters may agree because the machine has just been started."""

_ZONE = re.compile(r"intel-rapl(?P<mmio>-mmio)?:(?P<package>\d+)(:(?P<part>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """What a counter said, in microjoules as it says it, and when."""

    uj: int
    time_s: float


@final
class Zone:
    """One energy counter, made to rise for ever.

    Attributes:
        name: `package-1`, or `package-1 dram`.
        component: CPU or memory.
        path: The counter's file.
    """

    def __init__(
        self, name: str, folder: Path, *, read: Callable[[Path], str], clock: Clock
    ) -> None:
        """Take the zone in a folder; nothing is read yet."""
        self.name = name
        self.component = Component.MEMORY if name.endswith(" dram") else Component.CPU
        self.path = folder / "energy_uj"
        self._range_path = folder / "max_energy_range_uj"
        self._read = read
        self._clock = clock
        self._last: _Value | None = None
        self._refused: _Value | None = None
        self._total_uj = 0

    @property
    def last_uj(self) -> int | None:
        """What the counter's file said last."""
        return None if self._last is None else self._last.uj

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


def zone_folders(root: Path, read: Callable[[Path], str]) -> dict[str, Path]:
    """The zones to count, by name: packages and memory.

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


def mirrored(zones: Iterable[Zone]) -> dict[str, str]:
    """Zones that show the counter of another one, each with the name of that.

    Args:
        zones: Each has been read a moment ago, in this order.
    """
    originals: list[Zone] = []
    mirrors: dict[str, str] = {}
    for zone in zones:
        twin = next((each for each in originals if _is_same_counter(each, zone)), None)
        if twin is None:
            originals.append(zone)
        else:
            mirrors[zone.name] = twin.name
    return mirrors


def _is_same_counter(one: Zone, other: Zone) -> bool:
    one_j, other_j = (one.last_uj or 0) / 1e6, (other.last_uj or 0) / 1e6
    return (
        one.component is other.component
        and min(one_j, other_j) > COUNTED_J
        and abs(one_j - other_j) < MIRRORED_J
    )
