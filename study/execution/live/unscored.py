"""Early warning of a study whose objective has no values, while it can still be stopped."""

import math
from collections import Counter
from typing import final

from study.record.objective import Objective
from study.record.records import EpochRecord
from study.record.vocabulary import FAILURES, Stage

ENOUGH = 3
"""Number of epochs without a value after which a trial gives rise to the warning."""


@final
class UnscoredWatch:
    """Waits for the first value of the objective, and warns once if a trial has none."""

    def __init__(self, objective: Objective, *, is_settled: bool = False) -> None:
        """Watch for values of `objective`, unless an earlier command of the study has done so."""
        self._name = objective.name
        self._epochs: Counter[str] = Counter()
        self._is_settled = is_settled

    def after(self, record: EpochRecord) -> str | None:
        """Take note of an epoch, and return a warning, once, if its trial has had no value so far.

        Args:
            record: Row of the epoch. Epochs of an encoder's own training, which is judged by its loss, and
                epochs in which a training failed are ignored.

        Returns:
            The warning after `ENOUGH` epochs of a trial, or at its end; otherwise None.
        """
        if self._is_settled or record.stage == Stage.ENCODER or record.stop_reason in FAILURES:
            return None
        if record.val_score is not None and not math.isnan(record.val_score):
            self._is_settled = True
            return None
        self._epochs[record.trial_id] += 1
        epochs = self._epochs[record.trial_id]
        if epochs < ENOUGH and record.stop_reason is None:
            return None
        self._is_settled = True
        seen = "its only epoch" if epochs == 1 else f"any of its {epochs} epochs so far"
        return (
            f"warning: {record.trial_id} has no value of {self._name} (NaN?) in {seen}, and "
            f"setups are told apart by {self._name} alone. Look at the scenario's metrics; Ctrl-C ends the study."
        )
