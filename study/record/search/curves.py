"""Curve of a trial in a search: score and energy of its epochs so far. Pure arithmetic."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from study.record.objective import ACCURACY, Objective
from study.record.records import TrialRecord
from study.record.vocabulary import FAILURES, StopReason


@final
@dataclass(slots=True, kw_only=True)
class TrialCurve:
    """Progress of a trial of a search, accumulated epoch by epoch.

    Attributes:
        objective: Validation metric that decides.
        target: Value of the objective to reach; None without a target.
        epochs: Number of epochs so far.
        known_j: Energy of these epochs in joules, as far as it is known.
        time_s: Duration of these epochs in seconds.
        missing: Number of epochs without an energy.
        best_score: Best value of the objective so far; None before the first known one.
        to_target_j: Energy up to the first epoch that reached the target; None if none did, or if
            an epoch up to there has no energy.
        stopped: Whether the search stopped it before it ended by itself; its known energy is then a
            lower bound of its cost.
        failed: Whether it failed, for example diverged or ran out of memory; its energy is then not
            that of a training.
    """

    objective: Objective = ACCURACY
    target: float | None = None
    epochs: int = 0
    known_j: float = 0.0
    time_s: float = 0.0
    missing: int = 0
    best_score: float | None = None
    to_target_j: float | None = None
    stopped: bool = False
    failed: bool = False

    @property
    def energy_j(self) -> float | None:
        """Energy of all epochs; None where one has no energy or there are no epochs."""
        return None if self.missing or not self.epochs else self.known_j

    @property
    def reached(self) -> bool:
        """Return whether the target was reached."""
        return self.objective.reaches(self.best_score, self.target)

    @property
    def share_of_target(self) -> float | None:
        """Best score divided by the target.

        None without a score or a target, and where lower is better, since it is then unknown at which
        value a training starts.
        """
        if not self.best_score or not self.target or self.objective.mode == "min":
            return None
        return self.best_score / self.target

    @property
    def pace_j(self) -> float | None:
        """Energy to the target of a stopped trial if it continued at its average pace so far.

        Learning curves flatten, so this is optimistic; see `early_stopper.out_of_reach`. None for
        trials that were not stopped, and where `share_of_target` is None.
        """
        share = self.share_of_target
        return self.known_j / share if self.stopped and share else None

    @property
    def least_to_target_j(self) -> float | None:
        """Lower bound of the energy to the target of a stopped trial; None for other trials.

        It would have needed at least one more epoch, and would have progressed no faster than so far.
        """
        if not self.stopped or not self.epochs or self.target is None:
            return None
        return max(self.known_j * (1 + 1 / self.epochs), self.pace_j or 0.0)

    def add(self, *, score: float | None, energy_j: float | None, time_s: float) -> None:
        """Add one epoch; its score and energy are None where unknown."""
        before = self.reached
        self.epochs += 1
        self.time_s += time_s
        self.missing += energy_j is None
        self.known_j += energy_j or 0.0
        self.best_score = self.objective.best((self.best_score, score))
        if self.reached and not before:
            self.to_target_j = self.energy_j


def curve_of_trial(
    trial: TrialRecord, *, target: float | None, objective: Objective = ACCURACY
) -> TrialCurve:
    """Return the curve of a recorded trial; one that has not ended counts as stopped."""
    return TrialCurve(
        objective=objective,
        target=target,
        epochs=trial.epochs,
        known_j=trial.energy_j or 0.0,
        time_s=trial.time_s,
        missing=trial.missing_epochs,
        best_score=trial.best_val_score,
        to_target_j=trial.energy_to_target_j,
        stopped=trial.stop_reason in {StopReason.STOPPED, None},
        failed=trial.stop_reason in FAILURES,
    )


def mean_of(curves: Sequence[TrialCurve]) -> TrialCurve | None:
    """Return the mean curve of several seeds of a setup; None where all of them were stopped.

    A setup reaches the target only if every seed that was not stopped does. In the energy to the
    target a stopped seed counts with its lower bound, since omitting a bad seed would flatter the
    setup. For the same reason a setup has failed where one of its seeds has.
    """
    whole = [each for each in curves if not each.stopped]
    if not whole:
        return None
    known = [each.best_score for each in whole if each.best_score is not None]
    reached = [each.to_target_j for each in whole if each.to_target_j is not None]
    least = [j for each in curves if (j := each.least_to_target_j) is not None]
    return TrialCurve(
        objective=whole[0].objective,
        target=whole[0].target,
        epochs=round(statistics.fmean(each.epochs for each in whole)),
        known_j=statistics.fmean(each.known_j for each in whole),
        time_s=statistics.fmean(each.time_s for each in whole),
        missing=sum(each.missing for each in whole),
        best_score=statistics.fmean(known) if len(known) == len(whole) else None,
        to_target_j=statistics.fmean([*reached, *least]) if len(reached) == len(whole) else None,
        failed=any(each.failed for each in whole),
    )
