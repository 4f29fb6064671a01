"""A trial's charge for a window: the energy that ranks, and beside it each component's.

The trackers read every device on a trial's bill. Here the readings become one, by the scope that
ranks; a joule that two devices tell of is counted once (`trackers.bill`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from study.record.vocabulary import EnergyScope
from study.store.parts import summed
from trackers.bill import COMPONENTS, NODE, outermost, total_j
from trackers.sample import Component, Device, Method, Reading, Status

_SURE_FIRST = (Method.COUNTER, Method.SAMPLED, Method.ESTIMATED)
_GOOD_FIRST = (Status.OK, Status.DEGRADED, Status.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPart:
    """Energy and memory of one process of a trial in an epoch.

    Attributes:
        readings: By device; the first is of what it computes on.
        devices: Those devices; none where there is no tracker.
        node: Host that it is on.
        peak_memory_bytes: Most memory so far; None where torch does not tell.
    """

    readings: Mapping[str, Reading]
    devices: tuple[Device, ...] = ()
    node: str = ""
    peak_memory_bytes: int | None = None

    @classmethod
    def missing(cls, *, note: str) -> "ProcessPart":
        """Return the part of a process of which nothing is known."""
        return cls(readings={"": Reading.missing("", note=note)})


def ranking_reading(
    readings: Mapping[str, Reading], devices: Sequence[Device], scope: EnergyScope
) -> Reading:
    """Return the reading of the energy that ranks.

    Args:
        readings: By device; of all devices on a trial's bill, over the same window.
        devices: Those devices; the first is what the trial computes on. None where there is no
            tracker.
        scope: The energy that ranks; of a trial without accelerators that of its components.
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
    return parts[0] if len(parts) == len(chosen) == 1 else _together(main, parts, len(chosen))


def component_j(
    readings: Mapping[str, Reading], devices: Sequence[Device], component: Component
) -> float | None:
    """Return the energy of one component; None where it is not measured, or a part is missing."""
    return total_j(readings, devices, {component})


def ranking_reading_of_all(parts: Sequence[ProcessPart], scope: EnergyScope) -> Reading:
    """Return the energy that ranks of all processes of a trial together; missing where one is.

    Args:
        parts: What each of them used in the same epoch; one or more.
        scope: The energy that ranks.
    """
    return summed(ranking_reading(part.readings, part.devices, scope) for part in parts)


def component_j_of_all(parts: Sequence[ProcessPart], component: Component) -> float | None:
    """Return the energy of one component of all processes; None where it is missing in one."""
    energies_j = [component_j(part.readings, part.devices, component) for part in parts]
    known_j = [each for each in energies_j if each is not None]
    return math.fsum(known_j) if len(known_j) == len(energies_j) else None


def _together(main: Reading, parts: Sequence[Reading], expected: int) -> Reading:
    """The sum of readings as one; missing as soon as one of them is."""
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
        method=max((each.method or Method.ESTIMATED for each in parts), key=_SURE_FIRST.index),
        status=max((each.status for each in parts), key=_GOOD_FIRST.index),
        coverage=min(each.coverage for each in parts),
        uncertainty_common_j=_root_sum(each.uncertainty_common_j for each in parts),
        uncertainty_own_j=_root_sum(each.uncertainty_own_j for each in parts),
        note="; ".join(dict.fromkeys(each.note for each in parts if each.note)),
    )


def _root_sum(widths_j: Iterable[float | None]) -> float | None:
    """Half-width of a sum of energies from sensors of their own; None where one is not known."""
    known = list(widths_j)
    return None if None in known else math.hypot(*(each or 0.0 for each in known))
