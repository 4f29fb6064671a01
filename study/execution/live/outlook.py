"""Forecast of the energy of a study and its trials, renewed while they run (`study.forecast`).

A forecast is computed in another thread of the driver, and takes at most a small share (`SHARE`) of a
processor's time.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import final

from study.forecast.study_forecast import Run, StudyForecast, TrialOverhead, study_forecast
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import lost_j, overhead_j
from study.record.vocabulary import CUTS_EPOCH, StopReason
from study.store.setups import TrialPlan
from study.store.trial_record import counted_rows

SHARE = 0.02
"""Maximum share of a processor's time that forecasts take."""

_ENDS_BY_ITSELF = StopReason.PATIENCE


def _in_a_thread(work: Callable[[], None]) -> None:
    """Run work in a thread; an error there is printed and does not affect the study."""
    threading.Thread(target=work, daemon=True).start()


@final
class Outlook:
    """Keeps the forecast of one study up to date.

    Attributes:
        budget_j: Energy budget of the study, in joules, at which it ends; None without a budget.
    """

    def __init__(
        self,
        *,
        plans: Callable[[], Sequence[TrialPlan]],
        stages: Callable[[TrialPlan], Sequence[str]],
        epochs_of: Callable[[str], Sequence[EpochRecord]],
        objective: Objective,
        max_epochs: int,
        patience: int,
        trial_of: Callable[[str], TrialRecord | None] = lambda _: None,
        validations: Callable[[TrialPlan], int] = lambda _: 1,
        may_grow: Callable[[], bool] = lambda: False,
        budget_j: float | None = None,
        now_s: Callable[[], float] = time.monotonic,
        begin: Callable[[Callable[[], None]], object] = _in_a_thread,
    ) -> None:
        """Set up the forecast of a study.

        Args:
            plans: Returns all trials of the study, as far as they are known.
            stages: Returns the stages that a trial trains.
            epochs_of: Returns the rows of a trial, by its identifier, of all attempts.
            objective: Objective whose best epoch decides early stopping.
            max_epochs: Maximum number of passes over the training samples.
            patience: Passes without a better epoch after which a training ends.
            trial_of: Returns the row of a trial so far, by its identifier; None if nothing is known.
            validations: Returns the number of validations (rows) per pass over the samples, for a trial.
            may_grow: Returns whether trials may follow that are not planned yet.
            budget_j: Energy budget of the study, in joules; None without a budget.
            now_s: Clock, in seconds.
            begin: Runs a computation; by default in a thread.
        """
        self._plans = plans
        self._stages = stages
        self._epochs_of = epochs_of
        self._objective = objective
        self._max_epochs = max_epochs
        self._patience = patience
        self._trial_of = trial_of
        self._validations = validations
        self._may_grow = may_grow
        self.budget_j = budget_j
        self._now_s = now_s
        self._begin = begin
        self._computes = False
        self._latest: StudyForecast | None = None
        self._due_s = now_s()
        self._ended: dict[tuple[str, str], None] = {}
        self._overheads: dict[str, TrialOverhead] = {}
        self._in_new_process: dict[str, bool] = {}
        self._at_once = 1

    @property
    def latest(self) -> StudyForecast | None:
        """The latest forecast; None before the first trials have ended."""
        return self._latest

    @property
    def whole(self) -> StudyForecast | None:
        """The latest forecast if it covers the whole study; None if trials may follow or a budget may end it."""
        return self._latest if self.budget_j is None and not self.may_grow else None

    @property
    def may_grow(self) -> bool:
        """Return whether trials may follow that are not planned yet."""
        return self._may_grow()

    def begin(self, trial_id: str, *, in_new_process: bool) -> None:
        """Take note that a trial begins, in a new process or in one that ran a trial before."""
        self._in_new_process[trial_id] = in_new_process

    def renew(self) -> None:
        """Start to compute a new forecast, if one is due."""
        start_s = self._now_s()
        if self._computes or start_s < self._due_s:
            return
        self._computes = True
        # Collected in the driver's thread, because rows arrive while the forecast is computed.
        runs = self.runs()
        # If all trials have ended and none may follow, there is nothing to forecast.
        if all(run.has_ended for run in runs) and not self.may_grow:
            self._computes = False
            return
        overheads = self.overheads(runs)
        running = {each.trial for each in runs if each.epochs and not each.has_ended}
        self._at_once = max(self._at_once, len(running))
        self._begin(lambda: self._forecast(runs, overheads, start_s))

    def _forecast(
        self, runs: Sequence[Run], overheads: Sequence[TrialOverhead], start_s: float
    ) -> None:
        before = self._latest
        try:
            self._latest = study_forecast(
                runs, max_epochs=self._max_epochs, overheads=overheads, at_once=self._at_once
            )
        finally:
            now_s = self._now_s()
            # The first forecast takes longer, because it loads a library; the next may follow at once.
            is_first = before is None and self._latest is not None
            self._due_s = now_s if is_first else now_s + (now_s - start_s) / SHARE
            self._computes = False

    def runs(self) -> list[Run]:
        """Return all trainings: those that have ended, in the order of their ends, then the others."""
        found = {
            (plan.trial_id, stage): self._run(plan, stage, rows.get(stage, []))
            for plan in self._plans()
            for rows in [self._rows(plan.trial_id)]
            for stage in self._stages(plan)
        }
        for place, run in found.items():
            if run.has_ended:
                self._ended.setdefault(place)
        ended = [found[place] for place in self._ended if place in found]
        return [*ended, *(run for run in found.values() if not run.has_ended)]

    def overheads(self, runs: Sequence[Run]) -> list[TrialOverhead]:
        """Return each trial's energy outside its epochs, in the order in which trials occur in `runs`."""
        of_trial: dict[str, list[Run]] = {}
        for run in runs:
            of_trial.setdefault(run.trial, []).append(run)
        return [self._overhead_of(trial_id, own) for trial_id, own in of_trial.items()]

    def _overhead_of(self, trial_id: str, runs: Sequence[Run]) -> TrialOverhead:
        known = self._overheads.get(trial_id)
        if known is not None:
            return known
        trial = self._trial_of(trial_id) if any(run.time_s for run in runs) else None
        has_ended = all(run.has_ended for run in runs)
        energy_j = _trial_overhead_j(trial) if trial is not None and has_ended else None
        # Whether an ended trial had a new process is unknown if an earlier command ran it; a trial to come
        # is assumed to run in a process that exists already.
        unknown = None if energy_j is not None else False
        found = TrialOverhead(
            chosen=runs[0].chosen,
            energy_j=energy_j,
            in_new_process=self._in_new_process.get(trial_id, unknown),
            lost_j=0.0 if trial is None else lost_j(trial),
        )
        if found.energy_j is not None:  # until then, trackers may have more to book
            self._overheads[trial_id] = found
        return found

    def _rows(self, trial_id: str) -> dict[str, list[EpochRecord]]:
        rows: dict[str, list[EpochRecord]] = {}
        for row in counted_rows(self._epochs_of(trial_id)):
            rows.setdefault(row.stage, []).append(row)
        return rows

    def _run(self, plan: TrialPlan, stage: str, rows: Sequence[EpochRecord]) -> Run:
        energies_j = (row.epoch_energy_j for row in rows if row.epoch_energy_j is not None)
        reason = rows[-1].stop_reason if rows else None
        return Run(
            trial=plan.trial_id,
            stage=stage,
            chosen={
                "batch_size": plan.batch_size,
                "learning_rate": plan.learning_rate,
                **plan.chosen,
            },
            seed=plan.seed,
            epochs=sum(row.stop_reason not in CUTS_EPOCH for row in rows),
            energies_j=tuple(energies_j),
            time_s=sum(row.epoch_time_s for row in rows),
            fewest=self._fewest(rows, self._validations(plan)),
            has_ended=reason is not None,
            is_cut=reason is not None and reason is not _ENDS_BY_ITSELF,
            validations=self._validations(plan),
        )

    def _fewest(self, rows: Sequence[EpochRecord], validations: int) -> int:
        """Return the fewest epochs with which a running training can end by early stopping."""
        scores = [row.val_score for row in rows]
        best = self._objective.best(scores)
        since = scores.index(best) + 1 if best is not None else 0
        fewest = max(len(rows) + 1, since + self._patience * validations)
        return min(fewest, self._max_epochs * validations)


def _trial_overhead_j(trial: TrialRecord) -> float | None:
    """Return the energy of a trial outside its epochs, in joules; None if a part is not known."""
    if trial.setup_energy_j is None or trial.between_energy_j is None:
        return None
    return overhead_j(trial)  # a missing test energy means that nothing was tested
