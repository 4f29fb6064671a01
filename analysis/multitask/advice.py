"""Advice on whether to train tasks together, in sentences."""

from collections.abc import Iterator, Mapping

from analysis.energy.score_changes import ScoreChange
from analysis.forms.savings_text import change_text, is_no_difference, no_difference_text
from analysis.forms.scores import ScoreForm
from analysis.multitask.together import MultitaskInfo
from analysis.quantities import count_text, enumeration

TWO = 2


def multitask_advice(info: MultitaskInfo, score: ScoreForm) -> Iterator[str]:
    """Yield whether tasks take less energy together, and how that changes the objective of each task.

    Args:
        info: Results of the multitask study.
        score: Name and format of the objective.
    """
    saving = info.over_setups
    if saving is None or saving.share is None:
        yield "Whether tasks train cheaper together is not known: energies are missing."
        return
    yield (
        f"Training {all_tasks(info)} together {change_text(saving, 'one by one')}, over "
        f"{count_text(saving.energy_j.count, 'setup')}{_by_task(info.changes, score)}."
    )


def all_tasks(info: MultitaskInfo) -> str:
    """Name the tasks together: `both tasks`, `all 3 tasks`."""
    return "both tasks" if len(info.names) == TWO else f"all {len(info.names)} tasks"


def _by_task(changes: Mapping[str, ScoreChange], score: ScoreForm) -> str:
    """State the change of the objective task by task, since a mean over unlike tasks means nothing."""
    if not changes:
        return ""
    if all(is_no_difference(change, score) for change in changes.values()):
        return f", at the same {score.values} within {no_difference_text(score)}"
    said = enumeration(
        f"{score.change_text(each.shortfall)} in {task}" for task, each in changes.items()
    )
    if score.counts_points:
        return f"; {score.name} changes by {said} on average"
    return f"; {score.name} is {said} on average"
