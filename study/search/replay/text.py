"""Summary of a replayed search, in the energy unit of its table and with its labels."""

from collections.abc import Iterator, Sequence

from study.record.files import EnergyUnit, unit_of
from study.record.search.goal import SearchGoal, best_of
from study.record.vocabulary import axis_words, parameters_text, positional
from study.search.arms.training import State
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import PausingOutcome
from study.search.replay.simulation import ReplayedSearch
from study.search.replay.table import ReplayTable
from study.search.stopping.budget import Budget
from study.search.text import (
    NO_ANSWER,
    curve_text,
    headline,
    listed,
    score_text,
    spent_text,
    sure_lines,
)


def unit_in(table: ReplayTable) -> EnergyUnit:
    """Return the unit in which the energies of a table are shown, chosen by its first epoch as in a study."""
    epochs = (each for many in table.recordings.values() for one in many for each in one.epochs)
    return unit_of(next((e.energy_j for e in epochs if e.energy_j is not None), None))


def replayed_lines(
    table: ReplayTable, search: ReplayedSearch, goal: SearchGoal, budget: Budget
) -> Iterator[str]:
    """Yield lines on the answer or front, the energy compared with budget and grid, and setups not run."""
    curves, unit = [trial.curve for trial in search.trials], unit_in(table)
    count = "1 trial" if len(curves) == 1 else f"{len(curves)} trials"
    yield f"replayed on {table.name}: {count} in {search.duration_s:.1f} s simulated"
    best = best_of(goal, curves)
    if not best:
        yield f"The search has no answer: {NO_ANSWER[goal]}."
    for index in best:
        named = table.space.named(search.trials[index].choice)
        text = parameters_text(named)
        yield f"  {headline(goal)}: {text}: {curve_text(curves[index], unit)}{labels(table)}"
    yield (
        f"energy {spent_text(search.spent_j, budget, unit)}; the grid takes "
        f"{unit.text(table.grid_j)}{labels(table)}"
    )
    yield f"stopped early: {sum(each.stopped for each in curves)} (lower bounds)"
    names = listed([_choice(choice) for choice in search.not_run])
    yield f"not run: {len(search.not_run)} of {len(table.recordings)} setups{names}"
    yield from _unknown_lines(table)
    if search.snapped or search.refused:
        yield (
            f"proposals that are not in the table: {search.snapped} were given its nearest setup, "
            f"{search.refused} were refused because none is near"
        )
    if table.left_out:
        yield f"left out: {table.left_out} trainings that a search had stopped (lower bounds)"


def pausing_lines(
    table: ReplayTable, arms: ArmTable, outcome: PausingOutcome, budget: Budget
) -> Iterator[str]:
    """Yield lines on a search that pauses trainings: its answer, the answer's probability, its energy."""
    count, unit = len(outcome.trainings), unit_in(table)
    limits = max(len(each.settings) for each in arms.arms.values())
    shared = (
        f", each with the energies of {limits} settings of {_names(arms)}" if limits > 1 else ""
    )
    yield (
        f"replayed on {table.name}: {count} trainings of {len(arms.arms)} setups{shared} in "
        f"{outcome.duration_s:.1f} s simulated"
    )
    if not outcome.found:
        yield f"The search has no answer: {NO_ANSWER[SearchGoal.ENERGY_TO_TARGET]}."
    for found in outcome.found[-1:]:
        text = parameters_text(dict(zip(arms.names, found.choice, strict=True)))
        yield (
            f"  {headline(SearchGoal.ENERGY_TO_TARGET)}: {text}: {table.objective.name} "
            f"{score_text(found.score, table.objective)}, {unit.text(found.to_target_j)} to the target{labels(table)}"
        )
    if outcome.found:
        right = None if outcome.sure is None else outcome.sure.right
        yield from sure_lines(
            right, repeats=sum(each.repeat_number > 0 for each in outcome.trainings)
        )
    yield (
        f"energy {spent_text(outcome.spent_j, budget, unit)}; the grid takes "
        f"{unit.text(table.grid_j)}{labels(table)}"
    )
    paused = sum(each.state is State.PAUSED for each in outcome.trainings)
    yield f"paused, and not resumed: {paused} (lower bounds)"
    tried = {each.arm for each in outcome.trainings}
    left = [_choice(arm) for arm in arms.arms if arm not in tried]
    yield f"not run: {len(left)} of {len(arms.arms)} setups{listed(left)}"
    yield from _unknown_lines(table)
    if table.left_out:
        yield f"left out: {table.left_out} trainings that a search had stopped (lower bounds)"


def _unknown_lines(table: ReplayTable) -> Iterator[str]:
    """Yield a line on energies that are missing in the table, if there are any."""
    recordings = [one for many in table.recordings.values() for one in many]
    epochs = [each for one in recordings for each in (*one.lost, *one.epochs)]
    found = [
        f"{what} of {unknown} of {len(of)} {names}"
        for what, names, of, unknown in (
            (
                "set-up",
                "trainings",
                recordings,
                sum(each.overhead_j is None for each in recordings),
            ),
            ("energy", "epochs", epochs, sum(each.energy_j is None for each in epochs)),
        )
        if unknown
    ]
    if found:
        yield f"not in the table, and counted as nothing: {', '.join(found)} (lower bounds)"


def _names(arms: ArmTable) -> str:
    return " and ".join(axis_words(axis.name)[0] for axis in arms.cost_only)


def labels(table: ReplayTable) -> str:
    """Return the labels to show with every energy of a table; empty where it needs none."""
    found = [
        *(["estimated"] if table.estimated else []),
        *(["synthetic"] if table.synthetic else []),
    ]
    return f" ({', '.join(found)})" if found else ""


def _choice(choice: Sequence[object]) -> str:
    return " x ".join(positional(each) if isinstance(each, float) else str(each) for each in choice)
