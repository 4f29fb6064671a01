"""Rules of a trial's energy: all that it has used, and what it took to a target. Standard library only.

On the bill of a study everything counts: the epochs that count, set-up, what lies between epochs, tests
of the best weights, and what lost attempts used. What is not known counts as nothing there, so that the sum is
a lower bound: budgets and bills go by what is known to be used, and say where something is missing. By
that it differs from `TrialRecord.energy_j`, by which setups are compared, and from the energy to a
target: those are None as soon as an epoch has no energy, since a total that leaves one out would
look like a saving.
"""

from collections.abc import Iterable
from typing import NamedTuple

from study.record.attempts import counted
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord

BESIDE_EPOCHS = ("setup_energy_j", "between_energy_j", "test_energy_j")
"""Columns of what the last attempt of a trial used beside its epochs."""
LOST = "wasted_energy_j"
"""Column of what its other attempts used beside the epochs that count."""


class TrainedEpoch(NamedTuple):
    """An epoch that counts (`study.record.attempts`).

    Attributes:
        stage: The training within the trial.
        epoch: From 1 within the stage.
        score: The objective; None where it is not known.
        energy_j: Energy of the epoch; None likewise.
    """

    stage: str
    epoch: int
    score: float | None
    energy_j: float | None


def used_j(trial: TrialRecord, epochs: Iterable[EpochRecord]) -> float:
    """Return all that is known of what a trial has used, in joules: a lower bound.

    Args:
        trial: Its record.
        epochs: Its epochs, of all attempts.
    """
    return epochs_j(trial, epochs) + overhead_j(trial) + lost_j(trial)


def epochs_j(trial: TrialRecord, epochs: Iterable[EpochRecord]) -> float:
    """Return what is known of the epochs that count, in joules; see `used_j`."""
    if trial.energy_j is not None:
        return trial.energy_j
    rows = {(row.attempt, row.stage, row.epoch): row.epoch_energy_j for row in epochs}
    return sum(rows[place] or 0.0 for place in counted(rows))


def overhead_j(trial: TrialRecord) -> float:
    """Return what is known of a trial's last attempt beside its epochs, in joules."""
    return sum(getattr(trial, part) or 0.0 for part in BESIDE_EPOCHS)


def lost_j(trial: TrialRecord) -> float:
    """Return what is known of a trial's lost attempts beside the epochs that count, in joules."""
    return getattr(trial, LOST) or 0.0


def energy_to_target(
    epochs: Iterable[TrainedEpoch], objective: Objective, target: float | None
) -> tuple[bool, float | None]:
    """Return whether a trial reached the target, and the energy up to the first epoch that did.

    A stage comes whole before the next, by its first epoch here, so that a frozen classifier's
    price has all of the encoder's training in it.

    Args:
        epochs: Of one trial; those of a stage in any order.
        objective: Validation metric that decides.
        target: Value of it; None for no target.

    Returns:
        The energy is None where none reached it, or where an epoch up to there has none.
    """
    epochs = list(epochs)
    stages = {stage: place for place, stage in enumerate(dict.fromkeys(e.stage for e in epochs))}
    so_far_j: float | None = 0.0
    for each in sorted(epochs, key=lambda each: (stages[each.stage], each.epoch)):
        if so_far_j is not None:
            so_far_j = None if each.energy_j is None else so_far_j + each.energy_j
        if objective.reaches(each.score, target):
            return True, so_far_j
    return False, None
