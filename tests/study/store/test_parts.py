"""The energy of a trial as the sum of its parts' energies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.store.parts import (
    named_in_study,
    on_the_bill,
    part_of,
    summed,
    trial_and_part,
    trial_and_rank,
)
from trackers.sample import Method, Reading, Status


def reading(energy_j: float | None, **changes: object) -> Reading:
    """A reading of one second on a board; without an energy, it is missing."""
    if energy_j is None:
        return Reading.missing("GPU-1", note="not seen")
    fields = {
        "device_uuid": "GPU-1",
        "start_s": 5.0,
        "duration_s": 1.0,
        "energy_j": energy_j,
        "method": Method.COUNTER,
        "status": Status.OK,
        "coverage": 1.0,
        "power_samples": 10,
        **changes,
    }
    return Reading(**fields)  # type: ignore[arg-type]


@given(st.text(min_size=1), st.sampled_from(["0", "worker3", "worker3.1"]))
def test_names_of_parts_round_trip(trial_id: str, part: str) -> None:
    """Trial and part are recovered from a part's name, whatever the trial is called."""
    assert trial_and_part(part_of(trial_id, part)) == (trial_id, part)


@given(st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=6))
def test_energies_are_summed(energies_j: list[float]) -> None:
    """The energy of a trial is the sum over its readings."""
    assert summed(map(reading, energies_j)).energy_j == sum(energies_j)


def test_a_sum_with_a_missing_part_is_missing() -> None:
    """A partial sum would be taken for the whole; the note says why it is missing."""
    whole = summed([reading(3.0), reading(None)])

    assert whole.energy_j is None
    assert whole.status is Status.MISSING
    assert whole.note == "not seen"


def test_a_sum_is_as_good_as_its_worst_part() -> None:
    """The sum has the worst method, status and coverage of its parts."""
    whole = summed(
        [
            reading(3.0, method=Method.ESTIMATED),
            reading(4.0, status=Status.DEGRADED, coverage=0.5),
        ]
    )

    assert (whole.method, whole.status, whole.coverage) == (
        Method.ESTIMATED,
        Status.DEGRADED,
        0.5,
    )


def test_own_errors_add_in_quadrature_and_common_ones_linearly() -> None:
    """An error that all readings share does not cancel."""
    parts = [
        reading(9.0, uncertainty_common_j=1.0, uncertainty_own_j=3.0),
        reading(9.0, uncertainty_common_j=1.0, uncertainty_own_j=4.0),
    ]

    whole = summed(parts)

    assert whole.uncertainty_common_j == 2.0
    assert whole.uncertainty_own_j == pytest.approx(5.0)


def test_a_trial_with_workers_is_charged_for_the_workers_only() -> None:
    """The process that waits for the workers is not charged."""
    assert on_the_bill({"0": 100.0, "worker0": 1.0, "worker1": 2.0}) == {
        "worker0": 1.0,
        "worker1": 2.0,
    }
    assert on_the_bill({"0": 100.0}) == {"0": 100.0}


def test_names_of_a_trials_processes_tell_their_rank() -> None:
    """The process of rank 0 has the trial's name; from the others' names trial and rank are recovered."""
    assert named_in_study("setup01-seed0", 0) == "setup01-seed0"
    assert trial_and_rank("setup01-seed0") == ("setup01-seed0", 0)
    assert trial_and_rank(named_in_study("setup01-seed0", 3)) == ("setup01-seed0", 3)
