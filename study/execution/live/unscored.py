"""A study without a value of its objective: said while it can still be ended, and not at its end alone."""

import math
from collections import Counter
from typing import final

from study.record.objective import Objective
from study.record.records import EpochRecord
from study.record.vocabulary import FAILURES, Stage

ENOUGH = 3
"""Epochs of a trial without a value after which one is no longer waited for."""


@final
class UnscoredWatch:
    """Watches for the first value of the objective."""

    def __init__(self, objective: Objective) -> None:
        """Nothing was seen so far."""
        self._name = objective.name
        self._epochs: Counter[str] = Counter()
        self._is_settled = False

    def after(self, record: EpochRecord) -> str | None:
        """Take an epoch; a sentence, once, where a trial has had no value in its first ones or in all of them.

        Args:
            record: Its row. Of an encoder's own training, which decides by its loss, nothing follows,
                and nothing of an epoch in which a training failed.
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
