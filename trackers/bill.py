"""Devices that contain others: what may be added up, so that nothing is counted twice.

A node contains every other device of its machine: its own energy is in the plug's already. Within a
source one device may be part of another (`Device.part_of`), as a GPU's rail is of a board's input.
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
    """The devices of one machine whose energies may be added up.

    Args:
        devices: All devices of the machine that are measured.
        components: What to add up.

    Returns:
        Those of the components that no other device of the components contains.
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
    """Energy of the devices of one machine together, each joule once.

    Args:
        readings: By device; of all devices over the same window.
        devices: The machine's devices.
        components: What to add up.

    Returns:
        The sum over `outermost`; None where one of them is missing, or there is none.
    """
    energies_j = [
        readings[each.uuid].energy_j if each.uuid in readings else None
        for each in outermost(devices, components)
    ]
    known_j = [energy_j for energy_j in energies_j if energy_j is not None]
    return math.fsum(known_j) if known_j and len(known_j) == len(energies_j) else None
