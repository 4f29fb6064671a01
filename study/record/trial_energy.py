"""Rules for the energy of a trial: the total it has used, and the energy to a target. Standard library only.

The bill of a study includes everything: the epochs that count, set-up, the time between epochs, tests of
the best weights, and lost attempts. Unknown parts add nothing to it, so the total is a lower bound:
budgets and bills use what is known to be consumed, and report where something is missing. In this they
differ from `TrialRecord.energy_j`, by which setups are compared, and from the energy to a target. Those
are None as soon as one epoch has no energy, because a total that omits an epoch would look like a saving.
"""

from collections.abc import Iterable
from typing import NamedTuple

from study.record.attempts import counted
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord

BESIDE_EPOCHS = ("setup_energy_j", "between_energy_j", "test_energy_j")
"""Columns with the energy of a trial's last attempt outside its epochs."""
LOST = "wasted_energy_j"
"""Column with the energy of its earlier attempts outside the epochs that count."""


class TrainedEpoch(NamedTuple):
    """An epoch that counts (`study.record.attempts`).

    Attributes:
        stage: The training within the trial.
        epoch: Number of the epoch within the stage, from 1.
        score: Value of the objective; None if unknown.
        energy_j: Energy of the epoch; None if unknown.
    """

    stage: str
    epoch: int
    score: float | None
    energy_j: float | None


def used_j(trial: TrialRecord, epochs: Iterable[EpochRecord]) -> float:
    """Return the known total energy of a trial, in joules; a lower bound where parts are unknown.

    Args:
        trial: Record of the trial.
        epochs: Epochs of the trial, of all attempts.
    """
    return epochs_j(trial, epochs) + overhead_j(trial) + lost_j(trial)


def epochs_j(trial: TrialRecord, epochs: Iterable[EpochRecord]) -> float:
    """Return the known energy of the epochs that count, in joules; arguments as in `used_j`."""
    if trial.energy_j is not None:
        return trial.energy_j
    rows = {(row.attempt, row.stage, row.epoch): row.epoch_energy_j for row in epochs}
    return sum(rows[place] or 0.0 for place in counted(rows))


def overhead_j(trial: TrialRecord) -> float:
    """Return the known energy of a trial's last attempt outside its epochs, in joules."""
    return sum(getattr(trial, part) or 0.0 for part in BESIDE_EPOCHS)


def lost_j(trial: TrialRecord) -> float:
    """Return the known energy of a trial's earlier attempts outside the epochs that count, in joules."""
    return getattr(trial, LOST) or 0.0


def energy_to_target(
    epochs: Iterable[TrainedEpoch], objective: Objective, target: float | None
) -> tuple[bool, float | None]:
    """Return whether a trial reached the target, and the energy up to the first epoch that did.

    Stages are taken one after the other, in the order of their first appearance in `epochs`, so that
    the energy of a classifier on a frozen encoder includes the whole training of that encoder.

    Args:
        epochs: Epochs of one trial; those of a stage may come in any order.
        objective: Validation metric that decides.
        target: Target value of the objective; None for no target.

    Returns:
        Whether an epoch reached the target, and the energy in joules up to and including the first that
        did; the energy is None where none did, or where an epoch up to there has no energy.
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
