"""What a search says at its end: in watt-hours, with its labels."""

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table

from benchmarks.search.compare import NEAR, Comparison, quartiles
from study.record.answers import Answer, answers
from study.record.curves import TrialCurve
from study.record.manifest import SetupFacts
from study.record.records import J_PER_MWH, J_PER_WH, EnergyMethod, TrialRecord
from study.record.search_goal import SearchGoal, best_of
from study.search.live_search import LiveSearch
from study.search.options import SearchOptions
from study.search.replay.simulation import ReplayedSearch
from study.search.replay.table import ReplayTable
from study.search.stopping.budget import Budget

SHARES = (0.1, 0.25)
"""Shares of the grid's energy at which regret is shown."""


def comparison_table(comparison: Comparison) -> Table:
    """One line for each way of searching, the most frugal first."""
    table = comparison.table
    count = len({each.seed for each in comparison.outcomes})
    found = Table(
        "way of searching",
        f"energy to within {NEAR:.0%}",
        *(f"regret at {share:.0%}" for share in SHARES),
        "true regret",
        "whole search",
        box=box.SIMPLE_HEAD,
        title=(
            f"{table.name}: {len(table.recordings)} setups, grid {_wh(table.grid_j)}"
            f"{_labels(table)}, target {comparison.target:g}, best setup "
            f"{_mwh(comparison.best_j)} to it; {count} searches each"
        ),
        caption=(
            "all in %, median and quartiles; energies of the grid's; regret: dearer than what the "
            "grid finds in the same recordings; true regret: of the last answer, by the medians "
            "over all recorded seeds"
        ),
    )
    ways = list(dict.fromkeys(each.way for each in comparison.outcomes))
    for way in sorted(ways, key=lambda each: comparison.share_to_near(each)[1]):
        outcomes = comparison.of(way)
        whole = quartiles([each.spent_j / table.grid_j for each in outcomes])
        found.add_row(
            way,
            _interval(comparison.share_to_near(way)),
            *(
                _interval(quartiles([o.regret_at(share * table.grid_j) for o in outcomes]))
                for share in SHARES
            ),
            _interval(quartiles([each.last_true_regret for each in outcomes])),
            _interval(whole),
        )
    return found


def replayed_lines(
    table: ReplayTable, search: ReplayedSearch, goal: SearchGoal, budget: Budget
) -> Iterator[str]:
    """A replayed search: front or answer, energy against budget and grid, what was not run."""
    curves = [trial.curve for trial in search.trials]
    yield f"replayed on {table.name}: {len(curves)} trials in {search.duration_s:.1f} s simulated"
    best = best_of(goal, curves)
    if not best:
        yield "no trial gives an answer: none ended that reached what the search is after."
    for index in best:
        named = table.space.named(search.trials[index].choice)
        text = ", ".join(f"{name} {value}" for name, value in named.items())
        yield f"  {_headline(goal)}: {text}: {_curve_text(curves[index])}{_labels(table)}"
    yield f"energy {_spent(search.spent_j, budget)}; the grid takes {_wh(table.grid_j)}{_labels(table)}"
    yield f"stopped early {sum(each.stopped for each in curves)} (lower bounds)"
    names = _listed([_choice(choice) for choice in search.not_run])
    yield f"not run: {len(search.not_run)} of {len(table.recordings)} setups{names}"
    if search.snapped or search.refused:
        yield (
            f"beside the table: {search.snapped} proposals were given its nearest setup, "
            f"{search.refused} were refused because it has none there"
        )
    if table.left_out:
        yield f"left out: {table.left_out} trainings that a search had stopped (lower bounds)"


def live_lines(
    search: LiveSearch,
    trials: Sequence[TrialRecord],
    options: SearchOptions,
    *,
    setups: Sequence[SetupFacts],
    study: str,
) -> Iterator[str]:
    """A search that trained: the same.

    Args:
        search: The search.
        trials: Its own, and those of earlier studies.
        options: Of the command.
        setups: All setups of the space; none where it has ranges.
        study: Name of the search's own study.
    """
    goal = SearchGoal(options.goal)
    own = [trial for trial in trials if trial.study == study]
    estimated = any(trial.energy_method is EnergyMethod.ESTIMATED for trial in trials)
    label = " estimated" if estimated else ""
    found = answers(goal, trials, target=options.target_accuracy, confirmed=options.confirm > 0)
    if not found:
        yield "The search has no answer: no trial of its own end reached what it is after."
    for answer in found:
        yield (
            f"  {_headline(goal)}: {_setup_text(answer, study)}: "
            f"{_curve_text(answer.curve)}{_seeds_text(answer)}{label}"
        )
    if goal is SearchGoal.ENERGY_TO_TARGET and not found and trials:
        top = max(each.best_val_score or 0.0 for each in trials)
        yield f"--target-accuracy {options.target_accuracy:g}: the best of all trials has {top:.3f}."
    yield f"search used {_spent(search.bill_j(own), search.budget)}{label}"
    if setups:
        tried = {trial.setup for trial in trials}
        left = [each for each in setups if each.setup not in tried]
        numbers = _listed([str(each.setup) for each in left])
        yield f"not run: {len(left)} of {len(setups)} setups{numbers}"
    else:
        yield f"tried: {len({trial.setup for trial in own})} setups of a space that has no end"
    yield from dict.fromkeys(search.said)


def _setup_text(answer: Answer, study: str) -> str:
    trial = answer.trials[0]
    own = [each for each in answer.trials if each.study == study]
    others = sorted({each.study for each in answer.trials if each.study != study})
    of = f" ({'also' if own else 'not trained here,'} of the earlier study {', '.join(others)})"
    return (
        f"setup {trial.setup}, batch size {trial.batch_size}, learning rate {trial.learning_rate:g}{_more(trial)}"
        f"{of if others else ''}"
    )


def _seeds_text(answer: Answer) -> str:
    count = len(answer.trials)
    return f" (mean of {count} seeds)" if count > 1 else ""


def _headline(goal: SearchGoal) -> str:
    return "front" if goal is SearchGoal.ACCURACY_ENERGY else "recommended"


def _curve_text(curve: TrialCurve) -> str:
    accuracy = "no accuracy" if curve.best_accuracy is None else f"{curve.best_accuracy:.3f}"
    if curve.to_target_j is not None:
        return f"accuracy {accuracy}, {_mwh(curve.to_target_j)} to the target"
    energy = "energy not known" if curve.energy_j is None else _mwh(curve.energy_j)
    return f"accuracy {accuracy}, {energy}"


def _spent(spent_j: float, budget: Budget) -> str:
    if budget.limit_j == math.inf:
        return f"{_wh(spent_j)} (no budget)"
    return f"{_wh(spent_j)} of {_wh(budget.limit_j)} ({spent_j / budget.limit_j:.0%} of the budget)"


def _more(trial: TrialRecord) -> str:
    return "" if trial.parameters is None else f", {trial.parameters}"


def _labels(table: ReplayTable) -> str:
    found = [
        *(["estimated"] if table.estimated else []),
        *(["synthetic"] if table.synthetic else []),
    ]
    return f" ({', '.join(found)})" if found else ""


def _choice(choice: Sequence[object]) -> str:
    return " x ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in choice)


def _listed(names: Sequence[str], *, most: int = 8) -> str:
    if not names:
        return ""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f": {', '.join(names[:most])}{rest}"


def _interval(found: tuple[float, float, float]) -> str:
    low, median, high = (_percent(each) for each in found)
    return f"{median} [{low}, {high}]"


def _percent(share: float) -> str:
    return "never" if share == math.inf else f"{100 * share:.1f}"


def _wh(joules: float) -> str:
    return f"{joules / J_PER_WH:.4g} Wh"


def _mwh(joules: float) -> str:
    return f"{joules / J_PER_MWH:.4g} mWh"
