"""Stages and task weights of multitask studies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import OptionError, ScenarioError
from study.store.tasks import stages_of_tasks, task_weights, tasks_of, together, weighted
from tests.study.staged import Pairs, Trio
from tests.study.tiny import Tiny

TASKS = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True)


class Alone(Pairs):
    """A scenario with a single task."""

    tasks = ("attributes",)


class Clashing(Pairs):
    """A scenario with a task that has the name of a stage."""

    tasks = ("encoder", "identity")


def test_each_task_is_a_stage_and_all_together_the_last() -> None:
    """The stages of the paper's two tasks keep their names from version 0.1."""
    assert stages_of_tasks(Pairs()) == ("attributes", "identity", "both")
    assert stages_of_tasks(Trio()) == ("where", "which", "near", "all")


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Tiny(), "scenario tiny has no tasks. Choose one that has"),
        (Alone(), "has the tasks attributes; a multitask study needs two or more"),
        (Clashing(), "has a task named 'encoder', which is the name of a built-in stage"),
    ],
)
def test_a_scenario_without_tasks_to_compare_is_refused(scenario: Tiny, message: str) -> None:
    """The message says what the scenario has and what to do."""
    with pytest.raises(ScenarioError, match=message):
        stages_of_tasks(scenario)


@given(tasks=TASKS, data=st.data())
def test_weights_sum_to_one(tasks: list[str], data: st.DataObject) -> None:
    """Any weights given are scaled to sum to 1, so that a learning rate means the same for all of them."""
    positive = st.floats(0.01, 100)
    given_weights = [f"{task}={data.draw(positive)}" for task in tasks]
    of_two_tasks = {"alphas": [data.draw(st.floats(0, 1))], "weights": []}
    chosen = of_two_tasks if len(tasks) == 2 else {"alphas": None, "weights": given_weights}

    (parameters,) = weighted(tasks, **chosen)

    weights = task_weights(tasks, parameters)
    assert set(weights) == set(tasks)
    assert sum(weights.values()) == pytest.approx(1)
    assert tasks_of(together(tasks), tasks) == tuple(tasks)


def test_without_weights_all_tasks_weigh_the_same() -> None:
    """For two tasks that is an alpha of a half, as in the paper."""
    assert task_weights(("a", "b"), {}) == {"a": 0.5, "b": 0.5}
    assert task_weights(("a", "b", "c"), {}) == pytest.approx(dict.fromkeys("abc", 1 / 3))


@pytest.mark.parametrize(
    ("tasks", "alphas", "weights", "message"),
    [
        ("ab", None, ["a=1"], "--task-weights is given, and there are two tasks"),
        ("abc", [0.5], [], "--alpha is given, and there are 3 tasks .* --task-weights a=1 b=1 c=1"),
        ("abc", None, ["a=1", "b=2"], "--task-weights has no weight of c"),
        ("abc", None, ["a=1", "b=2", "d=1"], "--task-weights has 'd=1'; allowed: TASK=WEIGHT"),
        ("abc", None, ["a=0"], "--task-weights has 'a=0'"),
        ("abc", None, ["a"], "--task-weights has 'a'"),
    ],
)
def test_weights_that_do_not_fit_the_tasks_are_refused(
    tasks: str, alphas: list[float] | None, weights: list[str], message: str
) -> None:
    """The message names the option, what is wrong with it and what is allowed."""
    with pytest.raises(OptionError, match=message):
        weighted(tasks, alphas=alphas, weights=weights)
