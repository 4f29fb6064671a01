"""Rule of what a trial has used in all: its energy on the bill of a study. Standard library only.

Everything counts: the epochs that count, set-up, what lies between epochs, tests of the best weights,
and what lost attempts used. What is not known counts as nothing, so that the sum is a lower bound:
budgets and bills go by what is known to be used, and say where something is missing. By that they
differ from `TrialRecord.energy_j`, by which setups are compared: it is None as soon as an epoch has
no energy, since a total that leaves one out would look like a saving.
"""

from collections.abc import Iterable

from study.record.attempts import counted
from study.record.records import EpochRecord, TrialRecord

BESIDE_EPOCHS = ("setup_energy_j", "between_energy_j", "test_energy_j")
"""Columns of what the last attempt of a trial used beside its epochs."""
LOST = "wasted_energy_j"
"""Column of what its other attempts used beside the epochs that count."""


def used_j(trial: TrialRecord, epochs: Iterable[EpochRecord]) -> float:
    """Return all that is known of what a trial has used, in joules: a lower bound.

    Args:
        trial: Its record.
        epochs: Its epochs, of all attempts.
    """
    lost_j: float = getattr(trial, LOST)
    return epochs_j(trial, epochs) + beside_j(trial) + lost_j


def epochs_j(trial: TrialRecord, epochs: Iterable[EpochRecord]) -> float:
    """Return what is known of the epochs that count, in joules; see `used_j`."""
    if trial.energy_j is not None:
        return trial.energy_j
    rows = {(row.attempt, row.stage, row.epoch): row.epoch_energy_j for row in epochs}
    return sum(rows[place] or 0.0 for place in counted(rows))


def beside_j(trial: TrialRecord) -> float:
    """Return what is known of a trial's last attempt beside its epochs, in joules."""
    return sum(getattr(trial, part) or 0.0 for part in BESIDE_EPOCHS)
