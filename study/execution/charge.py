"""Energy that a trial is charged for a window: the energy that ranks, and that of each component.

The trackers read every device on a trial's bill. Here these readings are combined into one, by the
scope that ranks; energy that two devices both include is counted once (`trackers.bill`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from study.record.vocabulary import EnergyScope
from study.store.parts import summed
from trackers.bill import COMPONENTS, NODE, outermost, total_j
from trackers.sample import Component, Device, Method, Reading, Status

_BEST_METHOD_FIRST = (Method.COUNTER, Method.SAMPLED, Method.ESTIMATED)
_BEST_STATUS_FIRST = (Status.OK, Status.DEGRADED, Status.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPart:
    """Energy and memory that one process of a trial used in an epoch.

    Attributes:
        readings: Readings by device; the first is of the device that the process computes on.
        devices: Those devices; empty if there is no tracker.
        node: Name of the host that the process runs on.
        peak_memory_bytes: Peak memory so far; None if torch does not report it.
    """

    readings: Mapping[str, Reading]
    devices: tuple[Device, ...] = ()
    node: str = ""
    peak_memory_bytes: int | None = None

    @classmethod
    def missing(cls, *, note: str) -> "ProcessPart":
        """Return the part of a process whose energy is not known; `note` says why."""
        return cls(readings={"": Reading.missing("", note=note)})


def ranking_reading(
    readings: Mapping[str, Reading], devices: Sequence[Device], scope: EnergyScope
) -> Reading:
    """Return the reading of the energy that ranks, in one window of one process.

    Args:
        readings: Readings by device, of all devices on the trial's bill, over the same window.
        devices: Those devices; the first is the one that the trial computes on. Empty if there is
            no tracker.
        scope: Scope of the energy that ranks. For a trial without accelerators,
            `EnergyScope.ACCELERATOR` means its components.
    """
    main = next(iter(readings.values()))
    boards = [each.uuid for each in devices if each.component is Component.GPU]
    if not devices or (scope is EnergyScope.ACCELERATOR and boards):
        return main if len(boards) < 2 else summed(readings[uuid] for uuid in boards)  # noqa: PLR2004
    chosen = outermost(devices, NODE if scope is EnergyScope.NODE else COMPONENTS)
    if not chosen and scope is EnergyScope.ACCELERATOR:
        return main
    if not chosen:
        return Reading.missing("", note=f"no device of the scope {scope} is measured")
    parts = [readings[each.uuid] for each in chosen if each.uuid in readings]
    return parts[0] if len(parts) == len(chosen) == 1 else _sum_of_devices(main, parts, len(chosen))


def component_j(
    readings: Mapping[str, Reading], devices: Sequence[Device], component: Component
) -> float | None:
    """Return the energy of one component, in joules; None if it is not measured or a part is missing."""
    return total_j(readings, devices, {component})


def ranking_reading_of_all(parts: Sequence[ProcessPart], scope: EnergyScope) -> Reading:
    """Return the energy that ranks, summed over all processes of a trial; missing if one is missing.

    Args:
        parts: What each process used in the same epoch; at least one.
        scope: Scope of the energy that ranks.
    """
    return summed(ranking_reading(part.readings, part.devices, scope) for part in parts)


def component_j_of_all(parts: Sequence[ProcessPart], component: Component) -> float | None:
    """Return the energy of one component over all processes, in joules; None if one lacks it."""
    energies_j = [component_j(part.readings, part.devices, component) for part in parts]
    known_j = [each for each in energies_j if each is not None]
    return math.fsum(known_j) if len(known_j) == len(energies_j) else None


def _sum_of_devices(main: Reading, parts: Sequence[Reading], expected: int) -> Reading:
    """Return the sum of readings as one reading; missing if any of them is missing."""
    lacking = [each.device_uuid for each in parts if each.energy_j is None]
    if lacking or len(parts) < expected:
        return Reading.missing(
            main.device_uuid,
            note=f"no energy of {', '.join(lacking) or 'a device on the bill'}",
            start_s=main.start_s,
            duration_s=main.duration_s,
        )
    return replace(
        main,
        device_uuid="+".join(each.device_uuid for each in parts),
        energy_j=math.fsum(each.energy_j or 0.0 for each in parts),
        method=max(
            (each.method or Method.ESTIMATED for each in parts), key=_BEST_METHOD_FIRST.index
        ),
        status=max((each.status for each in parts), key=_BEST_STATUS_FIRST.index),
        coverage=min(each.coverage for each in parts),
        uncertainty_common_j=_root_sum(each.uncertainty_common_j for each in parts),
        uncertainty_own_j=_root_sum(each.uncertainty_own_j for each in parts),
        note="; ".join(dict.fromkeys(each.note for each in parts if each.note)),
    )


def _root_sum(widths_j: Iterable[float | None]) -> float | None:
    """Return the uncertainty of a sum over independent sensors (root sum of squares); None if one is unknown."""
    known = list(widths_j)
    return None if None in known else math.hypot(*(each or 0.0 for each in known))
