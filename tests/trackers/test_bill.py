"""Sums of devices' energies, in which no joule is counted twice."""

import pytest

from trackers.bill import ACCELERATOR, COMPONENTS, NODE, outermost, total_j
from trackers.sample import Component, Device, Method, Reading, Status

PLUG = Device(uuid="plug", name="plug", component=Component.NODE)
BOARD = Device(uuid="GPU-1", name="board", component=Component.GPU)
RAIL = Device(uuid="GPU-1:core", name="rail", component=Component.GPU, part_of="GPU-1")
PACKAGE = Device(uuid="cpu:0", name="package-0", component=Component.CPU)
CORE = Device(uuid="cpu:0:core", name="core", component=Component.CPU, part_of="cpu:0")
DRAM = Device(uuid="memory:0", name="dram", component=Component.MEMORY)
MACHINE = (PLUG, BOARD, RAIL, PACKAGE, CORE, DRAM)


def reading(device: Device, energy_j: float | None) -> Reading:
    """A reading of an energy in a second; missing where the energy is None."""
    if energy_j is None:
        return Reading.missing(device.uuid, note="silent")
    return Reading(
        device_uuid=device.uuid,
        start_s=0,
        duration_s=1,
        energy_j=energy_j,
        method=Method.COUNTER,
        status=Status.OK,
        coverage=1,
        power_samples=0,
    )


def readings(**changes: float | None) -> dict[str, Reading]:
    """Readings of all devices of the machine: 500 J at the plug, of which the board used 300 J."""
    energies_j = {PLUG: 500.0, BOARD: 300.0, RAIL: 200.0, PACKAGE: 80.0, CORE: 60.0, DRAM: 20.0}
    return {
        device.uuid: reading(device, changes.get(device.name.replace("-", "_"), energy_j))
        for device, energy_j in energies_j.items()
    }


def test_a_node_contains_its_components() -> None:
    """Where there is a plug, the plug alone is the total."""
    assert outermost(MACHINE) == [PLUG]
    assert total_j(readings(), MACHINE) == 500


def test_components_are_added_without_their_parts() -> None:
    """A rail is part of its board's energy, and a core of its package's."""
    assert outermost(MACHINE, COMPONENTS) == [BOARD, PACKAGE, DRAM]
    assert total_j(readings(), MACHINE, COMPONENTS) == 400


@pytest.mark.parametrize(
    ("scope", "energy_j"), [(ACCELERATOR, 300), (COMPONENTS, 400), (NODE, 500)]
)
def test_each_scope_has_its_own_total(scope: frozenset[Component], energy_j: float) -> None:
    """The three scopes of `--energy-of`."""
    assert total_j(readings(), MACHINE, scope) == energy_j


@pytest.mark.parametrize("missing", ["board", "package_0", "dram"])
def test_a_total_with_a_missing_part_is_unknown(missing: str) -> None:
    """The total is None, and not the sum of the rest."""
    assert total_j(readings(**{missing: None}), MACHINE, COMPONENTS) is None


def test_a_missing_part_of_a_part_changes_nothing() -> None:
    """A reading may be missing if it is not one of those that are added up."""
    assert total_j(readings(core=None, rail=None), MACHINE, COMPONENTS) == 400


def test_a_part_whose_whole_is_of_another_component_is_still_contained() -> None:
    """Containment is followed through devices of other components."""
    module = Device(uuid="module", name="module", component=Component.CPU)
    gpu = Device(uuid="gpu", name="gpu", component=Component.GPU, part_of="module")
    part = Device(uuid="part", name="part", component=Component.CPU, part_of="gpu")

    assert outermost((module, gpu, part), {Component.CPU}) == [module]
    assert outermost((module, gpu, part), {Component.GPU}) == [gpu]


def test_a_device_without_a_reading_is_missing() -> None:
    """A reading that was never made is not 0."""
    assert total_j({}, MACHINE, COMPONENTS) is None
    assert total_j(readings(), (), COMPONENTS) is None
