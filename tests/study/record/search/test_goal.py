"""Values of trials for Optuna, and the best trials for a goal."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.objective import Objective
from study.record.search.curves import TrialCurve
from study.record.search.goal import SearchGoal, best_of, most_epochs, values_of


def curve(*epochs: tuple[float | None, float | None], stopped: bool = False) -> TrialCurve:
    """Return the curve of a trial with a target of 0.8, from accuracies and joules."""
    made = TrialCurve(target=0.8)
    for accuracy, energy_j in epochs:
        made.add(score=accuracy, energy_j=energy_j, time_s=1.0)
    made.stopped = stopped
    return made


@given(
    accuracy=st.none() | st.floats(0, 1),
    energy_j=st.none() | st.floats(0, 1e9),
    stopped=st.booleans(),
)
def test_values_are_finite_or_none(
    accuracy: float | None, energy_j: float | None, *, stopped: bool
) -> None:
    """Optuna would leave a trial with a NaN value in the state `running`."""
    for goal in SearchGoal:
        values = values_of(goal, curve((accuracy, energy_j), stopped=stopped), max_epochs=10)

        assert values is None or all(math.isfinite(value) for value in values)


def test_a_trial_that_misses_the_target_is_worse_than_any_that_reaches_it() -> None:
    """So a sampler never prefers a trial that was stopped early."""
    reached = values_of(SearchGoal.ENERGY_TO_TARGET, curve((0.9, 5.0)), max_epochs=10)
    missed = values_of(SearchGoal.ENERGY_TO_TARGET, curve((0.7, 1.0), stopped=True), max_epochs=10)

    assert reached is not None
    assert missed is not None
    assert missed > reached


def test_a_stopped_trial_is_never_on_the_front() -> None:
    """Its energy is only a lower bound of a complete training's."""
    cheap = curve((0.9, 1.0), stopped=True)
    whole = curve((0.8, 5.0))

    assert best_of(SearchGoal.ACCURACY_ENERGY, [cheap, whole]) == (1,)
    assert values_of(SearchGoal.ACCURACY_ENERGY, cheap, max_epochs=10) is None


def test_the_front_leaves_out_dominated_trials() -> None:
    """For each trial on it, no other is both more accurate and cheaper."""
    curves = [curve((0.9, 5.0)), curve((0.7, 6.0)), curve((0.6, 1.0))]

    assert best_of(SearchGoal.ACCURACY_ENERGY, curves) == (2, 0)


def test_a_missing_energy_does_not_count_as_0() -> None:
    """With an epoch without a reading, the trial has no energy and no energy to target."""
    gap = curve((0.5, None), (0.9, 1.0))

    assert gap.energy_j is None
    assert gap.to_target_j is None
    assert best_of(SearchGoal.ENERGY_TO_TARGET, [gap]) == ()


def test_an_unknown_share_counts_as_the_worst_one() -> None:
    """For an error rate that is 1, not 0."""
    error_rate = Objective("error", "min", is_share=True)
    unknown, poor = (TrialCurve(objective=error_rate, target=0.1) for _ in range(2))
    unknown.add(score=None, energy_j=1.0, time_s=1.0)
    poor.add(score=0.9, energy_j=1.0, time_s=1.0)

    gains = [values_of(SearchGoal.ACCURACY, each, max_epochs=10) for each in (unknown, poor)]
    costs = [
        values_of(SearchGoal.ENERGY_TO_TARGET, each, max_epochs=10) for each in (unknown, poor)
    ]

    assert gains == [(-1.0,), (-0.9,)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[0] > costs[1]


@pytest.mark.parametrize(
    ("curves", "front"),
    [
        (((0.8, 5.0), (0.9, 5.0)), (1,)),
        (((0.9, 5.0), (0.9, 6.0)), (0,)),
        (((0.9, 5.0), (0.9, 5.0)), (0, 1)),
    ],
    ids=["better at equal energy", "cheaper at equal score", "equal"],
)
def test_equality_in_one_value_leaves_the_other_to_decide(
    curves: tuple[tuple[float, float], ...], front: tuple[int, ...]
) -> None:
    """A trial is off the front if another is at least as good in both values and better in one."""
    assert best_of(SearchGoal.ACCURACY_ENERGY, [curve(each) for each in curves]) == front


def test_of_two_equal_trials_the_first_is_the_answer() -> None:
    """This holds for both goals with a single answer."""
    twins = [curve((0.9, 5.0)), curve((0.9, 5.0))]

    for goal in (SearchGoal.ACCURACY, SearchGoal.ENERGY_TO_TARGET):
        assert best_of(goal, twins) == (0,)
        assert best_of(goal, []) == ()


def test_a_complete_trial_has_its_score_and_log_energy_as_values() -> None:
    """A factor of ten is the same distance anywhere on the scale."""
    assert values_of(SearchGoal.ACCURACY_ENERGY, curve((0.7, 100.0)), max_epochs=9) == (0.7, 2.0)


@pytest.mark.parametrize(
    ("objective", "target", "score", "beyond"),
    [
        (Objective("accuracy", is_share=True), 0.8, 0.5, 0.3),
        (Objective("accuracy", is_share=True), 0.8, None, 0.8),
        (Objective("error", "min", is_share=True), 0.25, 0.75, 0.5),
        (Objective("loss", "min"), 4.0, 5.0, 0.25),
        (Objective("score"), -2.0, -3.0, 0.5),
        (Objective("score"), 0.0, -3.0, 3.0),
        (Objective("score"), None, -3.0, 0.0),
    ],
)
def test_a_missed_target_costs_ten_trainings_plus_its_distance(
    objective: Objective, target: float | None, score: float | None, beyond: float
) -> None:
    """200 J in 2 of 10 epochs make 1000 J; distances are relative to the target, except for shares."""
    trial = TrialCurve(objective=objective, target=target, stopped=True)
    for _ in range(2):
        trial.add(score=score, energy_j=100.0, time_s=1.0)

    values = values_of(SearchGoal.ENERGY_TO_TARGET, trial, max_epochs=10)

    assert values is not None
    assert list(values) == pytest.approx([3 + 1 + beyond])


def test_an_objective_that_is_no_share_has_no_worst_value() -> None:
    """A trial without a score then has no values."""
    trial = TrialCurve(objective=Objective("loss", "min"), target=1.0)
    trial.add(score=None, energy_j=1.0, time_s=1.0)

    assert [values_of(goal, trial, max_epochs=10) for goal in SearchGoal] == [None] * 3


@pytest.mark.parametrize(
    ("every", "rows"), [(None, 3), (0.25, 12), (0.3, 12), (1, 3), (1.5, 3), (500, 3)]
)
def test_the_longest_training_is_counted_in_validations(every: float | None, rows: int) -> None:
    """With validation every so many steps it is not known in advance, and epochs are counted."""
    assert most_epochs({"max_epochs": 3, "validate_every": every}) == rows
