"""The ranking energy of an attempt's windows, from the bookings of trackers."""

from dataclasses import replace

import pytest

from study.record.bookings import WindowRecord
from study.record.vocabulary import EnergyMethod, EnergyScope, EnergyStatus
from study.store.bookings import ranking_j_of


def row(
    component: str | None, energy_j: float | None, *, part_of: str | None = None, attempt: int = 1
) -> WindowRecord:
    """A row of the window over a whole attempt; the device has its component's name."""
    return WindowRecord(
        trial_id="t",
        attempt=attempt,
        stage="trial",
        epoch=0,
        device_uuid=component or "old",
        start_s=0.0,
        duration_s=1.0,
        energy_j=energy_j,
        energy_method=None if energy_j is None else EnergyMethod.COUNTER,
        energy_status=EnergyStatus.MISSING if energy_j is None else EnergyStatus.OK,
        note="",
        component=component,
        part_of=part_of,
    )


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("accelerator", 8.0), ("components", 8.0 + 4.0 + 2.0), ("node", 32.0)],
)
def test_a_window_has_the_energy_of_the_scope_that_ranks(scope: str, expected: float) -> None:
    """A scope sums the energies of its components; rows of another attempt do not count."""
    rows = [row("gpu", 8.0), row("cpu", 4.0), row("memory", 2.0), row("node", 32.0)]

    found = ranking_j_of([*rows, row("gpu", 1.0, attempt=2)], EnergyScope(scope), attempt=1)

    assert found == {("trial", 0): expected}


def test_a_device_within_another_counts_once() -> None:
    """Memory that is measured as part of the CPU is not added to it."""
    rows = [row("cpu", 4.0), row("memory", 1.0, part_of="cpu")]

    assert ranking_j_of(rows, EnergyScope.COMPONENTS, attempt=1) == {("trial", 0): 4.0}


def test_a_missing_part_makes_the_sum_missing() -> None:
    """A partial sum would look like a saving."""
    rows = [row("gpu", 8.0), row("cpu", None)]

    assert ranking_j_of(rows, EnergyScope.COMPONENTS, attempt=1) == {("trial", 0): None}


@pytest.mark.parametrize("scope", EnergyScope)
def test_a_row_of_version_0_1_ranks_in_every_scope(scope: EnergyScope) -> None:
    """Such a row names no component and is the only one of its window."""
    assert ranking_j_of([row(None, 3.0)], scope, attempt=1) == {("trial", 0): 3.0}


@pytest.mark.parametrize(("names", "energy_j"), [(("cpu", "memory"), 8.0), (("node",), 4.0)])
def test_a_trial_without_an_accelerator_is_ranked_by_what_it_has(
    names: tuple[str, ...], energy_j: float
) -> None:
    """The scope `accelerator` falls back to CPU and memory, or to the node."""
    rows = [row(each, 4.0) for each in names]

    assert ranking_j_of(rows, EnergyScope.ACCELERATOR, attempt=1) == {("trial", 0): energy_j}


def test_the_workers_of_a_trial_are_summed() -> None:
    """Workers' shares of the same CPU are added; if one is missing, so is the sum."""
    rows = [replace(row("cpu", 4.0), worker=rank) for rank in (0, 1)]
    lacking = replace(row("cpu", None), worker=2)

    found = ranking_j_of(rows, EnergyScope.ACCELERATOR, attempt=1)

    assert found == {("trial", 0): 8.0}
    assert ranking_j_of([*rows, lacking], EnergyScope.ACCELERATOR, attempt=1) == {
        ("trial", 0): None
    }
