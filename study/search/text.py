"""Summary at the end of a search: the answer or Pareto front, the energy used, the setups not run."""

import math
from collections.abc import Iterator, Mapping, Sequence

from study.inference.choice import probability_text
from study.record.files import EnergyUnit
from study.record.manifest import SetupFacts
from study.record.objective import Objective
from study.record.records import TrialRecord
from study.record.search.answers import Answer, answers
from study.record.search.curves import TrialCurve
from study.record.search.goal import SearchGoal
from study.record.vocabulary import EnergyMethod, setup_words
from study.search.live_search import LiveSearch
from study.search.options import SearchOptions
from study.search.pausing_search import PausingSearch
from study.search.stopping.budget import Budget

NO_ANSWER: Mapping[SearchGoal, str] = {
    SearchGoal.ENERGY_TO_TARGET: "no trial reached the target",
    SearchGoal.ACCURACY_ENERGY: "no trial that ended by itself has a score and an energy",
    SearchGoal.ACCURACY: "no trial that ended by itself has a score",
}
"""Reason why a search has no answer, by its goal."""


def live_lines(
    search: LiveSearch | PausingSearch,
    trials: Sequence[TrialRecord],
    options: SearchOptions,
    *,
    setups: Sequence[SetupFacts],
    study: str,
    used_j: float,
    unit: EnergyUnit,
) -> Iterator[str]:
    """Yield the lines that summarise a search that trained.

    Args:
        search: The search.
        trials: Its own trials, and those of earlier studies.
        options: Options of the command.
        setups: All setups of the space; empty where it is not listed.
        study: Name of the search's own study.
        used_j: Energy of its own trials, in joules.
        unit: Unit in which energies are shown.
    """
    goal = SearchGoal(options.goal)
    own = [trial for trial in trials if trial.study == study]
    estimated = any(trial.energy_method is EnergyMethod.ESTIMATED for trial in trials)
    label = " estimated" if estimated else ""
    answer = search.answer if isinstance(search, PausingSearch) else None
    found = answers(
        goal,
        trials,
        target=options.target,
        confirmed=options.is_confirmed,
        objective=search.objective,
        decided=None if answer is None else answer.setup,
    )
    if not found:
        yield f"The search has no answer: {NO_ANSWER[goal]}."
    for each in found:
        yield (
            f"  {headline(goal)}: {_setup_text(each, study)}: "
            f"{curve_text(each.curve, unit)}{_seeds_text(each, goal)}{label}"
        )
    if goal is SearchGoal.ENERGY_TO_TARGET and not found and trials:
        top = search.objective.best(each.best_val_score for each in trials)
        has = "no score" if top is None else score_text(top, search.objective)
        yield f"--target {options.target:g}: the best of all trials has {has}."
    if isinstance(search, PausingSearch) and found and options.power_limits:
        limit_w = search.power_limit_w(found[0].setup)
        if limit_w is not None:
            yield f"  its trainings measured power limits, and ended at the cheapest: {limit_w:g} W"
    if answer is not None and found:
        yield from sure_lines(answer.probability, repeats=answer.repeats)
    missing = sum(trial.missing_epochs for trial in own)
    unread = f", and {unread_text(missing)}" if missing else ""
    yield f"search used {spent_text(used_j, search.budget, unit)}{label}{unread}"
    if setups:
        tried = {trial.setup for trial in trials}
        left = [each for each in setups if each.setup not in tried]
        numbers = listed([str(each.setup) for each in left])
        yield f"not run: {len(left)} of {len(setups)} setups{numbers}"
    else:
        yield f"tried: {len({trial.setup for trial in own})} setups of ranges"
    yield from dict.fromkeys(search.notes)


def sure_lines(right: float | None, *, repeats: int) -> Iterator[str]:
    """Yield a line on how probable it is that an answer is right.

    Args:
        right: Probability that the answer needs at most 5 % more energy than the cheapest setup; None if
            unknown.
        repeats: Number of trainings that this rests on, beyond the first of each setup.
    """
    if right is None:
        yield "  each setup was trained once, so no probability is known; --sure 0.9 repeats until one is"
        return
    more = "1 more training" if repeats == 1 else f"{repeats} more trainings"
    by = f" (by {more} of the most informative setups)" if repeats else ""
    yield f"  needs at most 5 % more energy than the cheapest setup with a probability of {probability_text(right)}{by}"


def _setup_text(answer: Answer, study: str) -> str:
    trial = answer.trials[0]
    own = [each for each in answer.trials if each.study == study]
    others = sorted({each.study for each in answer.trials if each.study != study})
    of = f" ({'also' if own else 'not trained here,'} of the earlier study {', '.join(others)})"
    return (
        f"setup {trial.setup}, {setup_words(trial.batch_size, trial.learning_rate, trial.parameters)}"
        f"{of if others else ''}"
    )


def _seeds_text(answer: Answer, goal: SearchGoal) -> str:
    count = len(answer.trials)
    if count == 1:
        return ""
    reached = sum(each.energy_to_target_j is not None for each in answer.trials)
    some = goal is SearchGoal.ENERGY_TO_TARGET and reached < count
    return f" (mean of {count} seeds{f', of which {reached} reached the target' if some else ''})"


def headline(goal: SearchGoal) -> str:
    """Return the heading for an answer of a search."""
    return "front" if goal is SearchGoal.ACCURACY_ENERGY else "recommended"


def curve_text(curve: TrialCurve, unit: EnergyUnit) -> str:
    """Format objective and energy of a trial, or of the mean of several.

    Args:
        curve: Curve of the trial, or the mean curve.
        unit: Unit in which energies are shown.
    """
    name, score = curve.objective.name, "not known"
    if curve.best_score is not None:
        score = score_text(curve.best_score, curve.objective)
    if curve.to_target_j is not None:
        return f"{name} {score}, {unit.text(curve.to_target_j)} to the target"
    energy = "energy not known" if curve.energy_j is None else unit.text(curve.energy_j)
    return f"{name} {score}, {energy}"


def score_text(score: float, objective: Objective) -> str:
    """Value of the objective, a share in percent.

    Args:
        score: The value.
        objective: The metric.
    """
    return f"{score:.1%}".replace("%", " %") if objective.is_share else f"{score:.4g}"


def spent_text(spent_j: float, budget: Budget, unit: EnergyUnit) -> str:
    """Format the energy used in relation to the budget.

    Args:
        spent_j: Energy used, in joules.
        budget: Budget of the search.
        unit: Unit in which energies are shown.
    """
    if budget.limit_j == math.inf:
        return f"{unit.text(spent_j)} (no budget)"
    return f"{unit.text(spent_j)} of {unit.text(budget.limit_j)} ({100 * spent_j / budget.limit_j:.0f} % of the budget)"


def unread_text(epochs: int) -> str:
    """Format the number of epochs without an energy reading."""
    return f"{epochs} epoch{'' if epochs == 1 else 's'} without a reading"


def listed(names: Sequence[str], *, most: int = 8) -> str:
    """Format names as the end of a sentence, after a colon; empty without names.

    Args:
        names: The names.
        most: Number of names that are spelled out; the rest is counted.
    """
    if not names:
        return ""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f": {', '.join(names[:most])}{rest}"
