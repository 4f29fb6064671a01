"""Recorders of a study, and the bookings and rows that tests give them."""

from pathlib import Path

from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import (
    Paradigm,
    Stage,
)
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan
from tests.study.rows import STAGE, booked, plan
from trackers.node.ledger import SETUP, TRIAL, BookedPower, BookedWindow, Booking


def recorder(
    results_dir: Path,
    *,
    target_accuracy: float | None = None,
    stages: tuple[Stage, ...] = (Stage.ENCODER_CLASSIFIER,),
) -> Recorder:
    """A recorder of study `s`; a second one on the same folder resumes the study."""
    return Recorder(
        StudyFolder(str(results_dir), "s"),
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        objective=ACCURACY,
        stages=stages,
        target=target_accuracy,
    )


def booking(*windows: BookedWindow, power: tuple[BookedPower, ...] = ()) -> Booking:
    """A booking of the tracker of node-1."""
    return Booking(hostname="node-1", windows=windows, power=power)


def windows_of(
    trial: TrialPlan, trial_j: float | None, setup_j: float | None, *epochs_j: float | None
) -> tuple[BookedWindow, ...]:
    """Windows of an attempt: the whole of it, its set-up and its epochs."""
    numbered = enumerate(epochs_j, start=1)
    return (
        booked(TRIAL, 0, trial_j, of=trial),
        booked(SETUP, 0, setup_j, of=trial),
        *(booked(STAGE, number, energy_j, of=trial) for number, energy_j in numbered),
    )


def came_to(
    *epochs: EpochRecord,
    windows: tuple[BookedWindow, ...] = (),
    error: str | None = None,
    target_accuracy: float | None = None,
) -> TrialRecord:
    """Record of a trial with these rows and windows, computed by a recorder."""
    kept = recorder(Path("never-written"), target_accuracy=target_accuracy)
    kept.expect([plan()])
    for row in epochs:
        kept.add(row)
    kept.add_booking(booking(*windows))
    if error is not None:
        kept.add_error(plan().trial_id, error)
    (trial,) = kept.trials()
    return trial
