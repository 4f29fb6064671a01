"""Energy that a trial is charged for a window, by the scope that ranks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.execution.charge import (
    ProcessPart,
    component_j,
    component_j_of_all,
    ranking_reading,
    ranking_reading_of_all,
)
from study.record.vocabulary import EnergyScope
from trackers.sample import Component, Device, Method, Reading, Status

GPU, CPU, MEMORY, NODE = Component
BILL = tuple(Device(uuid=each.value, name=each.value, component=each) for each in Component)
ENERGIES = st.floats(0, 1e6)


def reading(
    device: Component, energy_j: float | None, *, method: Method = Method.COUNTER
) -> Reading:
    """Reading of one second; a missing one without an energy."""
    if energy_j is None:
        return Reading.missing(device.value, note="not seen")
    return Reading(
        device_uuid=device.value,
        start_s=0.0,
        duration_s=1.0,
        energy_j=energy_j,
        method=method,
        status=Status.OK,
        coverage=1.0,
        uncertainty_common_j=3.0,
        uncertainty_own_j=4.0,
        power_samples=10,
    )


def readings(
    gpu: float | None, cpu: float | None, memory: float | None, node: float | None
) -> dict[str, Reading]:
    """Readings of all components."""
    pairs = zip(Component, (gpu, cpu, memory, node), strict=True)
    return {each.value: reading(each, energy_j) for each, energy_j in pairs}


@given(gpu=ENERGIES, cpu=ENERGIES, memory=ENERGIES, node=ENERGIES)
def test_each_scope_counts_each_joule_once(
    gpu: float, cpu: float, memory: float, node: float
) -> None:
    """A scope is the board alone; board, CPU and memory; or the plug alone, which contains the others."""
    found = {
        scope: ranking_reading(readings(gpu, cpu, memory, node), BILL, scope).energy_j
        for scope in EnergyScope
    }

    assert found[EnergyScope.ACCELERATOR] == gpu
    assert found[EnergyScope.COMPONENTS] == pytest.approx(gpu + cpu + memory)
    assert found[EnergyScope.NODE] == node


@pytest.mark.parametrize(
    ("components", "energy_j"),
    [((Component.CPU, Component.MEMORY), 6.0), ((Component.NODE,), 9.0)],
)
def test_a_trial_without_an_accelerator_is_ranked_by_what_it_has(
    components: tuple[Component, ...], energy_j: float
) -> None:
    """CPU and memory rank together, or the plug if nothing else is measured."""
    devices = [each for each in BILL if each.component in components]
    of_window = {each.uuid: readings(None, 2.0, 4.0, 9.0)[each.uuid] for each in devices}

    found = ranking_reading(of_window, devices, EnergyScope.ACCELERATOR)

    assert found.energy_j == energy_j


def test_a_sum_with_a_missing_part_is_missing() -> None:
    """Its note names the missing part; known parts keep their own values."""
    of_window = readings(1.0, None, 3.0, None)

    found = ranking_reading(of_window, BILL, EnergyScope.COMPONENTS)

    assert (found.energy_j, found.status, found.note) == (None, Status.MISSING, "no energy of cpu")
    assert component_j(of_window, BILL, MEMORY) == 3.0
    assert component_j(of_window, BILL, CPU) is None


def test_a_sum_with_an_estimate_is_an_estimate() -> None:
    """An estimate is never summed without its label; errors of two sensors are independent."""
    of_window = {
        "gpu": reading(GPU, 2.0),
        "cpu": reading(CPU, 1.0, method=Method.ESTIMATED),
    }

    found = ranking_reading(of_window, BILL[:2], EnergyScope.COMPONENTS)

    assert (found.energy_j, found.method) == (3.0, Method.ESTIMATED)
    assert found.uncertainty_common_j == pytest.approx(18**0.5)
    assert found.uncertainty_own_j == pytest.approx(32**0.5)


def test_energy_that_is_not_measured_is_none_and_not_0() -> None:
    """A machine without a metered plug has no energy of the node."""
    of_window = {"gpu": reading(GPU, 2.0)}

    assert ranking_reading(of_window, BILL[:1], EnergyScope.NODE).energy_j is None
    assert component_j(of_window, BILL[:1], NODE) is None


def test_without_a_tracker_the_reading_is_missing_whatever_ranks() -> None:
    """The client's note is kept."""
    of_window = {"": Reading.missing("", note="no tracker")}

    found = {ranking_reading(of_window, (), scope).note for scope in EnergyScope}

    assert found == {"no tracker"}


def test_a_trial_is_charged_what_all_its_processes_used() -> None:
    """The charge is the sum over processes, and missing if one process has no reading."""
    own = ProcessPart(readings=readings(8.0, 4.0, None, None), devices=BILL)
    other = ProcessPart(readings=readings(7.0, 5.0, None, None), devices=BILL)
    unknown = ProcessPart.missing(note="gone")

    assert ranking_reading_of_all([own, other], EnergyScope.ACCELERATOR).energy_j == 15.0
    assert component_j_of_all([own, other], CPU) == 9.0
    assert component_j_of_all([own, other], MEMORY) is None
    assert ranking_reading_of_all([own, unknown], EnergyScope.ACCELERATOR).energy_j is None
    assert component_j_of_all([own, unknown], GPU) is None
