"""Early stopping of a search's trials, decided after each of their epochs.

Where the goal is an energy, three things end a trial early, and each saves joules:

    target   it has reached the target: what it costs to get there is known
    capped   it will not get there for less than the best trial needed; see `out_of_reach`
    halved   it crossed a rung and is not among the better ones there

and a fourth holds for every search: `budget`, when the energy of the whole search is used. A trial
that was ended by anything but `target` is a lower bound of what its setup costs. So long as a trial
has no accuracy (its encoder is being pretrained), it is neither paced nor halved.
"""

from enum import StrEnum
from typing import final

from study.record.search.curves import TrialCurve
from study.record.search.goal import SearchGoal
from study.search.stopping.budget import Budget
from study.search.stopping.halving import Halving


class StopDecision(StrEnum):
    """Reason for ending a trial."""

    TARGET = "target"
    CAPPED = "capped"
    HALVED = "halved"
    BUDGET = "budget"


@final
class EarlyStopper:
    """Ends trials that need not, or may not, go on."""

    def __init__(
        self,
        *,
        goal: SearchGoal,
        budget: Budget,
        halving: Halving | None = None,
        capping: bool = True,
    ) -> None:
        """Stop by `goal`, within `budget`.

        Args:
            goal: What the search is after.
            budget: Booked epoch by epoch.
            halving: Rungs; None for none.
            capping: Whether `target` and `capped` end trials of a search for energy to target.
        """
        self._budget = budget
        self._halving = halving
        self._capping = capping and goal is SearchGoal.ENERGY_TO_TARGET
        self._best_j: float | None = None

    def know(self, to_target_j: float) -> None:
        """Take an earlier trial's energy to target as one that is to be beaten."""
        self._best_j = min(to_target_j, self._best_j or to_target_j)

    def after_epoch(
        self, trial: str, curve: TrialCurve, *, last_epoch_j: float
    ) -> StopDecision | None:
        """Book an epoch that is in `curve` already, and decide; None to go on."""
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
        """The same for a setup that is trained again: how its seeds differ is to be seen.

        So it ends at the target or with the budget only.
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
    """Return whether a trial cannot reach its target with less than `cap_j`, as far as can be told.

    It cannot if it could not even

        with its next epoch, at the mean energy of those so far; or
        by going on to win as much accuracy per joule as it has won so far, counted from 0.

    The second leans on learning curves that flatten: who begins slower than it goes on is stopped
    wrongly. Counting from 0 instead of chance leaves such trials some room.
    """
    if curve.reached or curve.target is None:
        return False
    if curve.known_j + curve.known_j / curve.epochs >= cap_j:
        return True
    share = curve.share_of_target
    return share is not None and share * cap_j < curve.known_j
