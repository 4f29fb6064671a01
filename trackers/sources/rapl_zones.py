"""RAPL zones under a powercap folder: those to count, and those that mirror another zone's counter."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from trackers.clock import Clock
from trackers.errors import SourceUnavailableError
from trackers.sample import Component
from trackers.sources.rising_counter import RisingCounter

MIRRORED_J = 0.5
"""Two counters that differ by less than this are the same one: dies of a package have been seen to show the
counter of their whole socket (CodeCarbon issues 1274, 1379). Independent counters agree that closely by chance
in one of 60,000 cases, in the usual range of 65 kJ, once they have counted something."""

COUNTED_J = 100.0
"""Below this energy two counters may agree because the machine has just been started."""

_ZONE = re.compile(r"intel-rapl(?P<mmio>-mmio)?:(?P<package>\d+)(:(?P<part>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A RAPL zone that is counted.

    Attributes:
        name: Name such as `package-1` or `package-1 dram`.
        component: CPU or memory.
        counter: Its energy counter.
    """

    name: str
    component: Component
    counter: RisingCounter


def zones(root: Path, *, read: Callable[[Path], str], clock: Clock) -> list[Zone]:
    """Return the zones of packages and memory, without reading their counters.

    Raises:
        SourceUnavailableError: There are no such zones.
    """
    return [
        Zone(
            name=name,
            component=Component.MEMORY if name.endswith(" dram") else Component.CPU,
            counter=RisingCounter(
                folder / "energy_uj",
                range_path=folder / "max_energy_range_uj",
                read=read,
                clock=clock,
            ),
        )
        for name, folder in _zone_folders(root, read).items()
    ]


def _zone_folders(root: Path, read: Callable[[Path], str]) -> dict[str, Path]:
    """Folders of the zones to count, by name: packages and memory.

    Raises:
        SourceUnavailableError: There are no such zones.
    """
    folders = _folders(root)
    found: dict[str, Path] = {}
    is_named = False
    matches = [match for name in folders if (match := _ZONE.fullmatch(name))]
    # MMIO last, so that it is used only where the zone is not found otherwise.
    for match in sorted(matches, key=lambda match: (bool(match["mmio"]), match[0])):
        package = match[0].rpartition(":")[0] if match["part"] else match[0]
        try:
            top = read(folders[package] / "name").strip()
            part = read(folders[match[0]] / "name").strip()
        except (OSError, KeyError):
            continue  # a zone without a readable name cannot be counted
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
    """Folders of all zones by name: side by side in the class folder, or nested in the device's folder.

    Raises:
        SourceUnavailableError: The root cannot be listed.
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
    """Return the zones that mirror another zone's counter, each with the name of the other one.

    Args:
        zones: Zones whose counters have been read a moment ago, in this order.
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
    one_j, other_j = one.counter.last_j or 0, other.counter.last_j or 0
    return (
        one.component is other.component
        and min(one_j, other_j) > COUNTED_J
        and abs(one_j - other_j) < MIRRORED_J
    )
