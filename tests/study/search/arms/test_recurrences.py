"""Runs of a job that is trained again and again, on given learning curves."""

from collections.abc import Mapping, Sequence

import pytest

from study.search.arms.order import ArmOrder
from study.search.arms.recurrences import Recurrences
from study.search.arms.training import State, Training
from study.search.space.space import Axis, Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision

TARGET = 0.8
FAST, SLOW, NEVER = [0.4, 0.8], [0.05 * n for n in range(1, 17)], [0.1, 0.2, 0.2]


def job(sizes: Sequence[int], *, runs: int, budget: Budget | None = None) -> Recurrences:
    """Return a job over batch sizes without earlier trainings."""
    axis = Axis(name="batch_size", values=tuple(sizes))
    arms: list[Choice] = [(size,) for size in sizes]
    return Recurrences(
        arms=arms,
        order=ArmOrder([axis], arms, seed=0),
        budget=budget or Budget(),
        target=TARGET,
        runs=runs,
    )


def train(recurring: Recurrences, curves: Mapping[int, Sequence[float]]) -> list[Training]:
    """Run all trainings of a command; each epoch needs 1 J."""
    found = []
    while (training := recurring.next()) is not None:
        found.append(training)
        run_training(recurring, training, curves)
    return found


def run_training(
    recurring: Recurrences, training: Training, curves: Mapping[int, Sequence[float]]
) -> None:
    """Train until the training ends or is paused."""
    scores = curves[int(training.arm[0])]
    training.state = State.RUNNING
    for score in scores[len(training.gains) :]:
        training.add({(): 1.0}, score)
        decision = recurring.after_epoch(training)
        if decision is not None:
            training.state = State.ENDED if decision is StopDecision.TARGET else State.PAUSED
            return
    training.state = State.ENDED


def test_every_run_ends_with_a_training_that_reaches_the_target() -> None:
    """There are as many as requested, whatever else was tried."""
    curves = {8: SLOW, 16: FAST, 32: SLOW, 64: NEVER}

    trainings = train(job(list(curves), runs=12), curves)

    assert sum(each.reached for each in trainings) == 12
    assert trainings[-1].reached


def test_later_runs_use_the_cheapest_setup() -> None:
    """It needs an eighth of the others' energy."""
    curves = {8: SLOW, 16: SLOW, 32: SLOW, 64: FAST, 128: SLOW}

    trainings = train(job(list(curves), runs=30), curves)

    assert [each.arm for each in trainings[-10:]] == [(64,)] * 10


def test_a_costlier_setup_is_stopped_and_the_run_uses_the_best() -> None:
    """No training of another setup uses more than twice the energy that the best one needs."""
    curves = {8: SLOW, 16: FAST, 32: SLOW}

    trainings = train(job(list(curves), runs=20), curves)

    [first, *later] = [place for place, each in enumerate(trainings) if each.arm == (16,)]
    others = [each for each in trainings[first:] if each.arm != (16,)]
    assert others
    assert later
    assert max(each.used_j for each in others) <= 4.0
    assert all(trainings[trainings.index(each) + 1].arm == (16,) for each in others)


def test_a_setup_that_misses_the_target_is_not_tried_again() -> None:
    """Its training does not count as a run."""
    curves = {8: NEVER, 16: NEVER, 32: FAST}

    trainings = train(job(list(curves), runs=5), curves)

    assert sum(each.arm == (16,) for each in trainings) == 1
    assert sum(each.reached for each in trainings) == 5


def test_a_job_ends_if_no_setup_reaches_the_target() -> None:
    """Each setup is tried once; then there is no proposal and no answer."""
    curves = {8: NEVER, 16: NEVER, 32: NEVER}
    recurring = job(list(curves), runs=3)

    trainings = train(recurring, curves)

    assert len(trainings) == 3
    assert recurring.proposal() is None
    assert recurring.answer() is None


@pytest.mark.parametrize("before", [1, 4, 9])
def test_the_next_command_continues_as_the_same_one_would_have(before: int) -> None:
    """The earlier trainings are its only memory."""
    curves = {8: SLOW, 16: [0.3, 0.6, 0.8], 32: FAST, 64: SLOW}
    whole = train(job(list(curves), runs=10), curves)
    first = train(job(list(curves), runs=before), curves)

    second = job(list(curves), runs=10 - before)
    for training in first:
        known = second.take(training.arm, seed=training.seed, repeat_number=training.repeat_number)
        for score in training.gains:
            known.add({(): 1.0}, score)
        known.state = training.state
    later = train(second, curves)

    assert [each.arm for each in (*first, *later)] == [each.arm for each in whole]


def test_a_resumed_run_counts() -> None:
    """One run is requested, and a killed one is resumed."""
    recurring = job([8, 16], runs=1)
    left = recurring.take((16,), seed=0, repeat_number=1)
    left.add({(): 1.0}, FAST[0])

    run_training(recurring, left, {16: FAST})

    assert recurring.next() is None
    assert recurring.done == 1


def test_the_budget_ends_a_run_with_its_current_epoch() -> None:
    """The run then counts as ended by the budget."""
    budget = Budget(2.5)
    recurring = job([8], runs=1, budget=budget)
    training = recurring.next()
    assert training is not None

    budget.book(2.5)
    training.add({(): 1.0}, 0.1)

    assert recurring.after_epoch(training) is StopDecision.BUDGET
