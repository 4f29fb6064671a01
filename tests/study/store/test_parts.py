"""The energy of a trial from those of its parts."""

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
    """A reading of a second on a board."""
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
def test_a_part_is_found_again(trial_id: str, part: str) -> None:
    """Whatever a trial is called."""
    assert trial_and_part(part_of(trial_id, part)) == (trial_id, part)


@given(st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=6))
def test_energies_are_summed(energies_j: list[float]) -> None:
    """Over boards and workers."""
    assert summed(map(reading, energies_j)).energy_j == sum(energies_j)


def test_a_sum_without_one_of_its_parts_is_missing() -> None:
    """It would be taken for the whole."""
    whole = summed([reading(3.0), reading(None)])

    assert whole.energy_j is None
    assert whole.status is Status.MISSING
    assert whole.note == "not seen"


def test_a_sum_is_as_good_as_its_worst_part() -> None:
    """In method, status and coverage."""
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


def test_own_errors_are_added_in_squares_and_common_ones_plainly() -> None:
    """What all readings share does not cancel."""
    parts = [
        reading(9.0, uncertainty_common_j=1.0, uncertainty_own_j=3.0),
        reading(9.0, uncertainty_common_j=1.0, uncertainty_own_j=4.0),
    ]

    whole = summed(parts)

    assert whole.uncertainty_common_j == 2.0
    assert whole.uncertainty_own_j == pytest.approx(5.0)


def test_where_there_are_workers_they_are_the_bill() -> None:
    """The process that waits for them is not."""
    assert on_the_bill({"0": 100.0, "worker0": 1.0, "worker1": 2.0}) == {
        "worker0": 1.0,
        "worker1": 2.0,
    }
    assert on_the_bill({"0": 100.0}) == {"0": 100.0}


def test_a_process_of_a_study_s_trial_is_known_by_its_rank() -> None:
    """The trial's own has its name, the others one with a mark."""
    assert named_in_study("setup01-seed0", 0) == "setup01-seed0"
    assert trial_and_rank("setup01-seed0") == ("setup01-seed0", 0)
    assert trial_and_rank(named_in_study("setup01-seed0", 3)) == ("setup01-seed0", 3)
