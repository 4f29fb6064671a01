"""What a search answers: the best setup, or the front, by the means over a setup's seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.record.curves import TrialCurve, curve_of_trial
from study.record.records import TrialRecord
from study.record.search_goal import SearchGoal, best_of
from study.search.confirming import mean_of

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


def answers(
    goal: SearchGoal,
    trials: Sequence[TrialRecord],
    *,
    target: float | None,
    confirmed: bool,
) -> tuple[Answer, ...]:
    """The best setup, or the front with accuracy rising; none where no trial counts.

    Args:
        goal: What the search is after.
        trials: Of the search and of earlier studies.
        target: Of the search.
        confirmed: Whether leading setups were trained again: then the answer is one of those,
            because the best of many single seeds is more often lucky than good.
    """
    by_setup: dict[int, list[TrialRecord]] = {}
    for trial in trials:
        by_setup.setdefault(trial.setup, []).append(trial)
    found = []
    for many in by_setup.values():
        curves = [curve_of_trial(each, target=target) for each in many]
        whole = tuple(t for t, c in zip(many, curves, strict=True) if not c.stopped)
        curve = mean_of(curves)
        if curve is not None:
            found.append(Answer(trials=whole, curve=curve))
    again = [each for each in found if len(each.trials) >= CONFIRMED]
    chosen = again if confirmed and again else found
    best = best_of(goal, [each.curve for each in chosen])
    return tuple(chosen[index] for index in best) or _without_means(goal, chosen, target)


def _without_means(
    goal: SearchGoal, chosen: Sequence[Answer], target: float | None
) -> tuple[Answer, ...]:
    """The best by single seeds, where no setup has a value with every seed."""
    single = [
        Answer(trials=(trial,), curve=curve_of_trial(trial, target=target))
        for each in chosen
        for trial in each.trials
    ]
    return tuple(single[i] for i in best_of(goal, [each.curve for each in single]))
