"""The text of a replayed search: in watt-hours, with the labels of its table."""

from collections.abc import Iterator, Sequence

from study.record.search_goal import SearchGoal, best_of
from study.search.replay.simulation import ReplayedSearch
from study.search.replay.table import ReplayTable
from study.search.stopping.budget import Budget
from study.search.text import NO_ANSWER, curve_text, headline, listed, spent_text, wh_text


def replayed_lines(
    table: ReplayTable, search: ReplayedSearch, goal: SearchGoal, budget: Budget
) -> Iterator[str]:
    """Lines on the front or answer, the energy against budget and grid, and what was not run."""
    curves = [trial.curve for trial in search.trials]
    count = "1 trial" if len(curves) == 1 else f"{len(curves)} trials"
    yield f"replayed on {table.name}: {count} in {search.duration_s:.1f} s simulated"
    best = best_of(goal, curves)
    if not best:
        yield f"The search has no answer: {NO_ANSWER[goal]}."
    for index in best:
        named = table.space.named(search.trials[index].choice)
        text = ", ".join(f"{name} {value}" for name, value in named.items())
        yield f"  {headline(goal)}: {text}: {curve_text(curves[index])}{labels(table)}"
    yield (
        f"energy {spent_text(search.spent_j, budget)}; the grid takes "
        f"{wh_text(table.grid_j)}{labels(table)}"
    )
    yield f"stopped early: {sum(each.stopped for each in curves)} (lower bounds)"
    names = listed([_choice(choice) for choice in search.not_run])
    yield f"not run: {len(search.not_run)} of {len(table.recordings)} setups{names}"
    if search.snapped or search.refused:
        yield (
            f"proposals that are not in the table: {search.snapped} were given its nearest setup, "
            f"{search.refused} were refused because none is near"
        )
    if table.left_out:
        yield f"left out: {table.left_out} trainings that a search had stopped (lower bounds)"


def labels(table: ReplayTable) -> str:
    """Labels to be shown with every energy of a table."""
    found = [
        *(["estimated"] if table.estimated else []),
        *(["synthetic"] if table.synthetic else []),
    ]
    return f" ({', '.join(found)})" if found else ""


def _choice(choice: Sequence[object]) -> str:
    return " x ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in choice)
