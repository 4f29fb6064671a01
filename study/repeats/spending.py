"""Energy that a study has used, against its energy budget. Knows nothing of Ray.

Everything counts: epochs, set-up, what lies between epochs, tests, attempts that were lost, and what earlier
commands used. A trial is begun where the budget lasts for one more epoch as dear as the dearest,
beside one of each trial that runs; once it is used, each running trial ends with the epoch it is in.
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
    """The bill of a study that is under way.

    Attributes:
        limit_j: What may be used; infinite where there is no budget.
        stopped: Trials that were ended because it is used.
    """

    def __init__(self, limit_j: float, recorder: Recorder) -> None:
        """Begin with what `recorder` has of earlier commands."""
        self.limit_j = limit_j
        self.stopped: set[str] = set()
        self._recorder = recorder
        self._used_j = {each.trial_id: self._of(each) for each in recorder.trials()}
        self._open: set[str] = set()
        self._running: set[str] = set()
        self._dearest_j = 0.0

    @property
    def spent_j(self) -> float:
        """Energy used so far, as far as it was booked."""
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
        """A trial begins."""
        self._open.add(trial_id)
        self._running.add(trial_id)

    def is_before_first_epoch(self, trial_id: str) -> bool:
        """Return whether a trial has not recorded an epoch yet."""
        return not self._recorder.epochs_of(trial_id)

    def book_overhead(self) -> None:
        """Nothing: what trackers have booked is looked up whenever it is asked for."""

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take an epoch before it is recorded; why its trial is to end with it, or None."""
        if math.isinf(self.limit_j) or self._is_known(record):
            return None
        energy_j = record.epoch_energy_j or 0.0
        self._dearest_j = max(self._dearest_j, energy_j)
        # A stage that has ended by itself has its result; what follows it ends after an epoch.
        if record.stop_reason is not None or self.spent_j + energy_j < self.limit_j:
            return None
        self.stopped.add(record.trial_id)
        return StopReason.STOPPED

    def end(self, trial_id: str) -> None:
        """A trial has ended; what its trackers have still to book is looked at once more."""
        self._running.discard(trial_id)

    @property
    def sentence(self) -> str:
        """State the bill against the budget."""
        unit = unit_of(self._recorder.first_epoch_j)
        trials = self._recorder.trials()
        is_part = any(each.missing_epochs or each.wasted_energy_j is None for each in trials)
        more = "more than " if is_part else ""
        is_estimate = any(each.energy_method is EnergyMethod.ESTIMATED for each in trials)
        return (
            f"The energy budget of {unit.text(self.limit_j)} has ended the study: "
            f"{more}{unit.text(self.spent_j)}{' estimated' if is_estimate else ''} were used. The same command with --resume and a larger "
            "--energy-budget-wh goes on."
        )

    def _is_known(self, record: EpochRecord) -> bool:
        """Return whether it is reported once more, by an attempt that goes on."""
        place = (record.attempt, record.stage, record.epoch)
        return any(
            (each.attempt, each.stage, each.epoch) == place
            for each in self._recorder.epochs_of(record.trial_id)
        )

    def _of(self, trial: TrialRecord) -> float:
        return used_j(trial, self._recorder.epochs_of(trial.trial_id))
