"""The answer of a search: the best setup, or the Pareto front, by the means over the seeds of each setup.

The terminal and the report both use this module, so that they name the same setup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from study.record.objective import ACCURACY, Objective
from study.record.records import TrialRecord
from study.record.search.curves import TrialCurve, curve_of_trial, mean_of
from study.record.search.goal import SearchGoal, best_of
from study.record.vocabulary import TrialStatus

CONFIRMED = 2
"""Number of seeds from which on a setup counts as confirmed, that is, trained again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A setup that a search recommends.

    Attributes:
        trials: Its trials that were not stopped early, from this study or earlier ones.
        curve: Mean curve of its trials; see `mean_of` for the effect of stopped ones.
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
    """Return the best setup, or the Pareto front from the worst score to the best; empty without any.

    Args:
        goal: Goal of the search.
        trials: Trials of the search and of earlier studies.
        target: Target value of the objective; None for no target.
        confirmed: Whether the leading setups were trained again; the answer is then chosen among those,
            because the best of many single seeds is often just a lucky one.
        objective: Validation metric that decides.
        decided: Number of the setup that the search itself has chosen (`Manifest.answer`), from more
            than the means: paused trainings and the spread of the seeds. None where it has chosen none.
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
    """Return the mean of each setup over its seeds, in the order of the setups' numbers.

    Only finished trials count. Setups all of whose trainings were stopped early are omitted.
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
    """Return the best single seeds, for use where no setup has a mean value."""
    single = [
        Answer(
            trials=(trial,),
            curve=curve_of_trial(trial, target=each.curve.target, objective=each.curve.objective),
        )
        for each in chosen
        for trial in each.trials
    ]
    return tuple(single[i] for i in best_of(goal, [each.curve for each in single]))
