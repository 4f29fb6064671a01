"""Tasks of a multitask study: its stages, and the weight of each task in the joint loss.

Imports neither Ray nor torch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from study.errors import OptionError, ScenarioError
from study.record.vocabulary import Stage
from study.scenario import Multitask, Scenario

DEFAULT_ALPHA = 0.5
WEIGHT = "weight_"
"""Prefix of the name of the parameter that holds a task's weight."""

PAIR, FEWEST = 2, 2


def stages_of_tasks(scenario: Scenario) -> tuple[str, ...]:
    """Return the stages of a multitask study: each task alone, and finally all of them together.

    Raises:
        ScenarioError: The scenario is not `Multitask`, has fewer than two tasks or two of one name,
            or a task is unnamed or has the name of a `Stage`.
    """
    if not isinstance(scenario, Multitask):
        raise not_multitask(scenario)
    tasks = tuple(scenario.tasks)
    if len(tasks) < FEWEST or len(set(tasks)) < len(tasks):
        message = (
            f"scenario {scenario.name} has the tasks {', '.join(tasks) or 'none'}; a multitask study "
            "needs two or more, each with a name of its own."
        )
        raise ScenarioError(message)
    own = {*Stage}
    for task in tasks:
        if task in own or not task:
            message = (
                f"scenario {scenario.name} has a task named {task!r}, which is the name of a built-in stage; "
                f"allowed: any word but {', '.join(sorted(own))}."
            )
            raise ScenarioError(message)
    return (*tasks, together(tasks))


def together(tasks: Sequence[str]) -> str:
    """Return the name of the stage in which all tasks are trained with one encoder."""
    return Stage.BOTH if len(tasks) == PAIR else Stage.ALL


def tasks_of(stage: str, tasks: Sequence[str]) -> tuple[str, ...]:
    """Return the tasks that a stage trains."""
    return tuple(tasks) if stage == together(tasks) else (stage,)


def task_weights(tasks: Sequence[str], parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the factor of each task's loss when all tasks are trained together.

    Two tasks have the weights `alpha` and 1 - `alpha` (paper, Figure 2); of more tasks, each has its own
    weight, and all weigh the same if none is given. The weights sum to 1.

    Args:
        tasks: Names of the tasks, in the scenario's order.
        parameters: Parameters of the setup.
    """
    if len(tasks) == PAIR:
        alpha = parameters.get("alpha", DEFAULT_ALPHA)
        return {tasks[0]: alpha, tasks[1]: 1 - alpha}
    given = {task: float(parameters.get(f"{WEIGHT}{task}", 1.0)) for task in tasks}
    total = sum(given.values())
    return {task: weight / total for task, weight in given.items()}


def weighted(
    tasks: Sequence[str], *, alphas: Sequence[float] | None, weights: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the innermost axis of a multitask grid: the parameters that weight the tasks.

    Args:
        tasks: Names of the tasks, in the scenario's order.
        alphas: Weights of the first of two tasks, one setup for each; None if not given.
        weights: `TASK=WEIGHT` for each of three or more tasks; empty if not given.

    Raises:
        OptionError: An option is given that does not apply to this number of tasks, or a weight does
            not name a task, is missing, or is not a finite number above 0.
    """
    if len(tasks) == PAIR:
        if weights:
            message = (
                f"--task-weights is given, and there are two tasks ({', '.join(tasks)}). Give --alpha: "
                f"the weight of {tasks[0]}, of which the rest goes to {tasks[1]}."
            )
            raise OptionError(message)
        return [{"alpha": each} for each in alphas or (DEFAULT_ALPHA,)]
    if alphas is not None:
        message = (
            f"--alpha is given, and there are {len(tasks)} tasks ({', '.join(tasks)}). Give "
            f"--task-weights {' '.join(f'{task}=1' for task in tasks)}."
        )
        raise OptionError(message)
    found = dict(_weight(each, tasks) for each in weights) or dict.fromkeys(tasks, 1.0)
    if set(found) != set(tasks):
        missing = ", ".join(task for task in tasks if task not in found)
        message = f"--task-weights has no weight of {missing}. Give one for each task."
        raise OptionError(message)
    total = sum(found.values())
    return [{f"{WEIGHT}{task}": found[task] / total for task in tasks}]


def not_multitask(scenario: Scenario) -> ScenarioError:
    """Return the error for a scenario that has no tasks."""
    if hasattr(scenario, "task_accuracy"):
        return ScenarioError(
            f"scenario {scenario.name} has task_accuracy, which was renamed to task_score in version 0.2: "
            "it gives the objective of a task, whatever that is."
        )
    return ScenarioError(
        f"scenario {scenario.name} has no tasks. Choose one that has, or give it the member "
        "tasks and the methods task_network, task_loss and task_score; see Multitask in "
        "study.scenario."
    )


def _weight(given: str, tasks: Sequence[str]) -> tuple[str, float]:
    task, _, text = given.partition("=")
    try:
        weight = float(text)
    except ValueError:
        weight = float("nan")
    if task not in tasks or not 0 < weight < float("inf"):
        message = (
            f"--task-weights has {given!r}; allowed: TASK=WEIGHT with a number above 0 and one of "
            f"the tasks {', '.join(tasks)}."
        )
        raise OptionError(message)
    return task, weight
