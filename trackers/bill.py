"""Sums over devices that contain one another, in which no energy is counted twice.

A node contains every other device of its machine: their energy is already in what the plug measures.
Within a source one device may be part of another (`Device.part_of`), as a GPU's rail is part of its
board's input.
"""

import math
from collections.abc import Collection, Iterable, Mapping

from trackers.sample import Component, Device, Reading

ACCELERATOR = frozenset({Component.GPU})
COMPONENTS = frozenset({Component.GPU, Component.CPU, Component.MEMORY})
NODE = frozenset({Component.NODE})


def outermost(
    devices: Iterable[Device], components: Collection[Component] = frozenset(Component)
) -> list[Device]:
    """Return the devices of one machine whose energies may be added up.

    Args:
        devices: All devices of the machine that are measured.
        components: Components to add up; devices of other components are ignored.

    Returns:
        The devices of these components that are not contained in another of them.
    """
    chosen = [each for each in devices if each.component in components]
    uuids = {each.uuid for each in chosen}
    parts_of = {each.uuid: each.part_of for each in devices}
    has_node = any(each.component is Component.NODE for each in chosen)

    def is_contained(device: Device) -> bool:
        if has_node and device.component is not Component.NODE:
            return True
        whole = device.part_of
        while whole is not None and whole not in uuids:
            whole = parts_of.get(whole)
        return whole is not None

    return [each for each in chosen if not is_contained(each)]


def total_j(
    readings: Mapping[str, Reading],
    devices: Iterable[Device],
    components: Collection[Component] = frozenset(Component),
) -> float | None:
    """Total energy in joules of one machine's devices, each joule counted once.

    Args:
        readings: Reading of each device by its UUID, all over the same window.
        devices: The machine's devices.
        components: Components to add up; devices of other components are ignored.

    Returns:
        The sum over the `outermost` devices; None when the energy of one of them is missing, or when
        there is no such device.
    """
    energies_j = [
        readings[each.uuid].energy_j if each.uuid in readings else None
        for each in outermost(devices, components)
    ]
    known_j = [energy_j for energy_j in energies_j if energy_j is not None]
    return math.fsum(known_j) if known_j and len(known_j) == len(energies_j) else None
