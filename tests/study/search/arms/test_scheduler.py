"""Choice of the training to continue, on given learning curves."""

import math
from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
from study.search.arms.scheduler import Scheduler
from study.search.arms.training import State, Training
from study.search.space.space import Axis, Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision

Curves = Mapping[int, Sequence[Sequence[float]]]
"""Scores of each epoch, by batch size and then by seed."""

TARGET = 0.8


def search(
    curves: Curves, *, policy: Policy | None = None, joules: Mapping[int, float] | None = None
) -> Scheduler:
    """Run a search, one training at a time; an epoch needs 1 J, or the energy in `joules`."""
    axis = Axis(name="batch_size", values=tuple(sorted(curves)))
    arms: list[Choice] = [(size,) for size in axis.values]
    budget = Budget()
    scheduler = Scheduler(
        arms=arms,
        order=ArmOrder([axis], arms, seed=0),
        budget=budget,
        target=TARGET,
        policy=policy,
    )
    while (training := scheduler.next()) is not None:
        _run(training, scheduler, budget, curves, joules or {})
    return scheduler


def _run(
    training: Training,
    scheduler: Scheduler,
    budget: Budget,
    curves: Curves,
    joules: Mapping[int, float],
) -> None:
    size = int(training.arm[0])
    scores = curves[size][training.seed % len(curves[size])]
    while True:
        cost_j = joules.get(size, 1.0)
        budget.epoch("one", cost_j)
        training.add({(): cost_j}, scores[len(training.gains)])
        decision = scheduler.after_epoch(training)
        if decision is StopDecision.TARGET or len(training.gains) == len(scores):
            training.state = State.ENDED
            return
        if decision is not None:
            training.state = State.PAUSED
            return


def test_a_late_setup_is_found_among_many_that_only_begin_well() -> None:
    """The others are trained to their end at a plateau, and the late one, paused before, is resumed."""
    plateau = [0.4, 0.6, 0.7, *[0.75] * 17]
    late = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85]

    found = search({8: [plateau], 16: [plateau], 32: [plateau], 64: [late], 128: [plateau]})

    assert found.answer() == ((64,), 10.0)


def test_a_plateau_at_the_start_does_not_end_the_best_setup() -> None:
    """It needs five epochs, the first three at chance; the others need nine."""
    steady = [0.1 * n for n in range(1, 10)]
    best = [0.1, 0.1, 0.1, 0.5, 0.85]

    found = search({8: [steady], 16: [best], 32: [steady]})

    assert found.answer() == ((16,), 5.0)


def test_a_promising_training_is_not_paused_for_a_new_one() -> None:
    """The first arm is trained to the target without a pause."""
    found = search({8: [[0.1] * 9], 16: [[0.5, 0.7, 0.78, 0.85]], 32: [[0.1] * 9]})

    [first] = found.trainings[16,]
    assert first.number == 0
    assert first.reached


def test_without_pausing_stopped_trainings_are_not_resumed() -> None:
    """This ablation is part of the comparison that the benchmark prints."""
    late = [0.01, 0.01, 0.01, 0.5, 0.9]

    curves = {8: [late], 16: [late], 32: [late]}

    assert search(curves).answer() is not None
    assert search(curves, policy=Policy(pausing=False)).answer() is None


def test_no_more_arms_are_begun_than_allowed() -> None:
    """The arms that were begun are resumed."""
    late = [0.01, 0.01, 0.01, 0.5, 0.9]

    found = search({8: [late], 16: [late], 32: [late]}, policy=Policy(most_arms=2))

    assert sum(bool(many) for many in found.trainings.values()) == 2
    assert found.answer() is not None


def test_repeats_end_when_the_answer_stays_sure_enough() -> None:
    """One setup is ten times cheaper: four repeats suffice, and leave half of the doubt that is allowed."""
    fast, slow = [0.4, 0.8], [*[0.04 * n for n in range(1, 20)], 0.81]

    found = search({8: [fast], 16: [slow], 32: [slow]}, policy=Policy(sure=0.9))

    sure = found.answer_probabilities()
    assert sure is not None
    assert sure.right is not None
    assert sure.right >= 0.95
    assert len(found.repeats) == 4


def test_repeats_correct_a_lucky_seed() -> None:
    """The first seed of one setup was twice as fast as its others."""
    lucky = [[0.4, 0.8], *[[0.2, 0.3, 0.4, 0.6, 0.7, 0.8]] * 9]
    steady = [[0.3, 0.6, 0.8]] * 10
    curves = {8: lucky, 16: steady, 32: [[0.1] * 9]}

    assert search(curves).answer() == ((8,), 2.0)
    found = search(curves, policy=Policy(sure=math.inf, most_repeats=12)).answer()
    assert found is not None
    assert found[0] == (16,)


def test_a_search_ends_without_an_answer_if_no_setup_reaches_the_target() -> None:
    """It does not go on forever."""
    found = search({8: [[0.1, 0.2]], 16: [[0.2, 0.3]]}, policy=Policy(sure=0.9))

    assert found.answer() is None
    assert found.answer_probabilities() is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(0, 0.9), min_size=1, max_size=12),
        min_size=1,
        max_size=6,
    )
)
def test_there_is_an_answer_whenever_a_setup_reaches_the_target(curves: list[list[float]]) -> None:
    """This holds for any curves."""
    found = search({8 * 2**n: [scores] for n, scores in enumerate(curves)})

    reaches = any(max(scores) >= TARGET for scores in curves)
    assert (found.answer() is not None) == reaches
