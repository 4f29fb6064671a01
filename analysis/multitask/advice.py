"""Advice on training tasks together."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from analysis.forms.savings_text import NO_DIFFERENCE_POINTS, change_text
from analysis.multitask.together import MultitaskInfo
from analysis.quantities import counted, listed

TWO = 2


def multitask_advice(info: MultitaskInfo) -> Iterator[str]:
    """Say whether tasks are cheaper together, and what that costs in accuracy."""
    saving = info.over_setups
    if saving is None or saving.share is None:
        yield "Whether tasks train cheaper together is not known: energies are missing."
        return
    heads = {task: [row.given_up[task] for row in info.rows] for task in info.names}
    yield (
        f"Training {all_tasks(info)} together {change_text(saving, 'one by one')}, over "
        f"{counted(saving.energy_j.count, 'setup')}{_points_by_task(heads)}."
    )


def all_tasks(info: MultitaskInfo) -> str:
    """Return what is trained together, in words: `both tasks`, `all 3 tasks`."""
    return "both tasks" if len(info.names) == TWO else f"all {len(info.names)} tasks"


def _points_by_task(given_up: Mapping[str, Sequence[float | None]]) -> str:
    """Gain or loss of each task's accuracy: a mean of unlike accuracies would say nothing."""
    changes = {
        task: -100 * statistics.fmean(known)
        for task, values in given_up.items()
        if (known := [each for each in values if each is not None])
    }
    if not changes:
        return ""
    if all(abs(points) < NO_DIFFERENCE_POINTS for points in changes.values()):
        return ", at the same accuracies within half a point"
    said = listed(f"{points:+.1f} points in {task}" for task, points in changes.items())
    return f"; accuracy changes by {said} on average"
