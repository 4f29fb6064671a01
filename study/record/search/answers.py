"""The answer of a search: the best setup, or the front, by the means over a setup's seeds.

The terminal and the report both ask here, so that they name the same setup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from study.record.objective import ACCURACY, Objective
from study.record.records import TrialRecord
from study.record.search.curves import TrialCurve, curve_of_trial, mean_of
from study.record.search.goal import SearchGoal, best_of
from study.record.vocabulary import TrialStatus

CONFIRMED = 2
"""Seeds from which on a setup counts as trained again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A setup that a search recommends.

    Attributes:
        trials: Those of it that were not stopped, of this study or of earlier ones.
        curve: Their mean; see `mean_of` for what a stopped one does to it.
    """

    trials: tuple[TrialRecord, ...]
    curve: TrialCurve

    @property
    def setup(self) -> int:
        """Number of the setup."""
        return self.trials[0].setup


def answers(
    goal: SearchGoal,
    trials: Iterable[TrialRecord],
    *,
    target: float | None,
    confirmed: bool,
    objective: Objective = ACCURACY,
    decided: int | None = None,
) -> tuple[Answer, ...]:
    """Return the best setup, or the front from the worst score to the best; none where no trial counts.

    Args:
        goal: What the search is after.
        trials: Of the search and of earlier studies.
        target: Of the search.
        confirmed: Whether leading setups were trained again: then the answer is one of those,
            because the best of many single seeds is more often lucky than good.
        objective: Validation metric that decides.
        decided: Number of the setup that the search itself has named (`Manifest.answer`), which knows
            more than means: paused trainings, and how far seeds differ; None where it names none.
    """
    found = setup_means(trials, target=target, objective=objective)
    named = tuple(each for each in found if each.setup == decided)
    if named:
        return named
    again = [each for each in found if len(each.trials) >= CONFIRMED]
    chosen = again if confirmed and again else found
    best = best_of(goal, [each.curve for each in chosen])
    return tuple(chosen[index] for index in best) or _without_means(goal, chosen)


def setup_means(
    trials: Iterable[TrialRecord], *, target: float | None, objective: Objective = ACCURACY
) -> tuple[Answer, ...]:
    """Return the mean of each setup over its seeds, by the setup's number.

    Only trials that have ended count. A setup of which each training was stopped is left out.
    """
    by_setup: dict[int, list[TrialRecord]] = {}
    for trial in trials:
        if trial.status is TrialStatus.FINISHED and trial.epochs:
            by_setup.setdefault(trial.setup, []).append(trial)
    found = []
    for _, many in sorted(by_setup.items()):
        curves = [curve_of_trial(each, target=target, objective=objective) for each in many]
        curve = mean_of(curves)
        if curve is not None:
            whole = tuple(t for t, c in zip(many, curves, strict=True) if not c.stopped)
            found.append(Answer(trials=whole, curve=curve))
    return tuple(found)


def _without_means(goal: SearchGoal, chosen: Sequence[Answer]) -> tuple[Answer, ...]:
    """The best by single seeds, where no setup has a value with every seed."""
    single = [
        Answer(
            trials=(trial,),
            curve=curve_of_trial(trial, target=each.curve.target, objective=each.curve.objective),
        )
        for each in chosen
        for trial in each.trials
    ]
    return tuple(single[i] for i in best_of(goal, [each.curve for each in single]))
