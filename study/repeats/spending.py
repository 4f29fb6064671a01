"""Energy that a study has used, against its energy budget. Does not import Ray.

Everything counts: epochs, set-up, pauses between epochs, tests, lost attempts, and what earlier commands used.
A trial may begin if the budget suffices for one more epoch of it and of each running trial, each as costly as
the most costly so far. Once the budget is used up, each running trial ends after its current epoch.
"""

import math
from typing import final

from study.record.files import unit_of
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import used_j
from study.record.vocabulary import EnergyMethod, StopReason
from study.store.recorder import Recorder


@final
class Spending:
    """Bill of a running study; implements `study.execution.trial_source.StopRule`.

    Attributes:
        limit_j: Energy budget in joules; infinite if there is none.
        stopped: Identifiers of trials that were stopped because the budget was used up.
    """

    def __init__(self, limit_j: float, recorder: Recorder) -> None:
        """Begin with the energy that `recorder` has from earlier commands."""
        self.limit_j = limit_j
        self.stopped: set[str] = set()
        self._recorder = recorder
        self._used_j = {each.trial_id: self._of(each) for each in recorder.trials()}
        self._open: set[str] = set()
        self._running: set[str] = set()
        self._dearest_j = 0.0

    @property
    def spent_j(self) -> float:
        """Energy used so far, in joules, as far as it is booked."""
        for trial_id in tuple(self._open):
            trial = self._recorder.trial(trial_id)
            if trial is not None:
                self._used_j[trial_id] = self._of(trial)
            if trial_id not in self._running:
                self._open.discard(trial_id)
        return sum(self._used_j.values())

    @property
    def has_room(self) -> bool:
        """Return whether another trial may begin."""
        if math.isinf(self.limit_j):
            return True
        spent_j = self.spent_j
        coming_j = self._dearest_j * (len(self._running) + 1)
        return spent_j < self.limit_j and spent_j + coming_j <= self.limit_j

    def begin(self, trial_id: str) -> None:
        """Take note that a trial begins."""
        self._open.add(trial_id)
        self._running.add(trial_id)

    def is_before_first_epoch(self, trial_id: str) -> bool:
        """Return whether a trial has not recorded an epoch yet."""
        return not self._recorder.epochs_of(trial_id)

    def book_overhead(self) -> None:
        """Do nothing: bookings are read from the recorder whenever the bill is computed."""

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take an epoch before it is recorded; return the reason to stop its trial after it, or None."""
        if math.isinf(self.limit_j) or self._is_known(record):
            return None
        energy_j = record.epoch_energy_j or 0.0
        self._dearest_j = max(self._dearest_j, energy_j)
        # A stage that ends by itself keeps its own reason; a stage after it is stopped after one epoch.
        if record.stop_reason is not None or self.spent_j + energy_j < self.limit_j:
            return None
        self.stopped.add(record.trial_id)
        return StopReason.STOPPED

    def end(self, trial_id: str) -> None:
        """Take note that a trial has ended; its last bookings are included when the bill is next computed."""
        self._running.discard(trial_id)

    @property
    def sentence(self) -> str:
        """Sentence for the user that gives the energy used and the budget."""
        unit = unit_of(self._recorder.first_epoch_j)
        trials = self._recorder.trials()
        is_part = any(each.missing_epochs or each.wasted_energy_j is None for each in trials)
        more = "more than " if is_part else ""
        is_estimate = any(each.energy_method is EnergyMethod.ESTIMATED for each in trials)
        return (
            f"The energy budget of {unit.text(self.limit_j)} has ended the study: "
            f"{more}{unit.text(self.spent_j)}{' estimated' if is_estimate else ''} were used. To continue, give the same command with --resume "
            "and a larger --energy-budget-wh."
        )

    def _is_known(self, record: EpochRecord) -> bool:
        """Return whether the row is a repetition, from an attempt that continues from a checkpoint."""
        place = (record.attempt, record.stage, record.epoch)
        return any(
            (each.attempt, each.stage, each.epoch) == place
            for each in self._recorder.epochs_of(record.trial_id)
        )

    def _of(self, trial: TrialRecord) -> float:
        return used_j(trial, self._recorder.epochs_of(trial.trial_id))
