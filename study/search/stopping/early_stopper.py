"""Early stopping of a search's trials, decided after each of their epochs.

For the goal of least energy to a target, three reasons end a trial early to save energy:

    target   it has reached the target, so its energy to the target is known
    capped   it will not reach the target with less energy than the best trial; see `out_of_reach`
    halved   it crossed a rung of successive halving and is not among the better ones there

A fourth applies to every search: `budget`, when the energy of the whole search is used up. The energy of a
trial that ended for any reason but `target` is a lower bound of its setup's cost. As long as a trial has
no score (because its encoder is being pretrained), it is neither judged by its pace nor halved.
"""

from enum import StrEnum
from typing import final

from study.record.search.curves import TrialCurve
from study.record.search.goal import SearchGoal
from study.search.stopping.budget import Budget
from study.search.stopping.halving import Halving


class StopDecision(StrEnum):
    """Reason for which a search ends a trial."""

    TARGET = "target"
    CAPPED = "capped"
    HALVED = "halved"
    BUDGET = "budget"


@final
class EarlyStopper:
    """Decides after each epoch whether a trial is to end early."""

    def __init__(
        self,
        *,
        goal: SearchGoal,
        budget: Budget,
        halving: Halving | None = None,
        capping: bool = True,
    ) -> None:
        """Prepare the stopper.

        Args:
            goal: Goal of the search.
            budget: Energy budget, on which each epoch is booked here.
            halving: Successive halving; None without it.
            capping: Whether `target` and `capped` end trials, in a search for the energy to a target.
        """
        self._budget = budget
        self._halving = halving
        self._capping = capping and goal is SearchGoal.ENERGY_TO_TARGET
        self._best_j: float | None = None

    def know(self, to_target_j: float) -> None:
        """Take into account an energy to the target that later trials have to beat."""
        self._best_j = min(to_target_j, self._best_j or to_target_j)

    def after_epoch(
        self, trial: str, curve: TrialCurve, *, last_epoch_j: float
    ) -> StopDecision | None:
        """Book an epoch and return why its trial is to end; None to continue.

        Args:
            trial: Identifier of the trial.
            curve: Curve of the trial, this epoch included.
            last_epoch_j: Energy of this epoch, in joules.
        """
        self._budget.epoch(trial, last_epoch_j)
        cap_j = self._best_j
        if curve.to_target_j is not None:
            self.know(curve.to_target_j)
            if self._capping:
                return StopDecision.TARGET
        if self._capping and cap_j is not None and out_of_reach(curve, cap_j):
            return StopDecision.CAPPED
        if self._is_halved(curve, last_epoch_j):
            return StopDecision.HALVED
        return StopDecision.BUDGET if self._budget.is_used_up else None

    def after_repeat(
        self, trial: str, curve: TrialCurve, *, last_epoch_j: float
    ) -> StopDecision | None:
        """Book an epoch of a repeated setup and return why its trial is to end; None to continue.

        A repeat ends only at the target or with the budget, so that the spread of the seeds shows.
        Arguments are those of `after_epoch`.
        """
        self._budget.epoch(trial, last_epoch_j)
        if curve.to_target_j is not None and self._capping:
            return StopDecision.TARGET
        return StopDecision.BUDGET if self._budget.is_used_up else None

    def _is_halved(self, curve: TrialCurve, last_epoch_j: float) -> bool:
        if self._halving is None or curve.best_score is None:
            return False
        return not self._halving.goes_on(curve, last_epoch_j=last_epoch_j)


def out_of_reach(curve: TrialCurve, cap_j: float) -> bool:
    """Return whether a trial is predicted not to reach its target with less than `cap_j`.

    This is the case if it would not even do so

        with its next epoch, at the mean energy of its epochs so far; or
        by gaining as much score per joule as it has on average so far, counted from a score of 0.

    The second condition assumes that learning curves flatten; a trial that starts slowly and then speeds
    up is stopped wrongly. Counting from 0 instead of from chance leaves such trials some room.
    """
    if curve.reached or curve.target is None:
        return False
    if curve.known_j + curve.known_j / curve.epochs >= cap_j:
        return True
    share = curve.share_of_target
    return share is not None and share * cap_j < curve.known_j
