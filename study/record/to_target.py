"""Rule of the energy to a target: that of the epochs up to the first that reached it. Standard library only."""

from collections.abc import Iterable
from typing import NamedTuple

from study.record.objective import Objective


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
