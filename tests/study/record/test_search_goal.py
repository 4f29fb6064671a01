"""Trials as numbers for Optuna, and which of them is best."""

import math

from hypothesis import given
from hypothesis import strategies as st

from study.record.curves import TrialCurve
from study.record.objective import Objective
from study.record.search_goal import SearchGoal, best_of, values_of


def curve(*epochs: tuple[float | None, float | None], stopped: bool = False) -> TrialCurve:
    """A trial to a target of 0.8, from accuracies and joules."""
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
    """Optuna would keep a trial whose value is not a number running for ever."""
    for goal in SearchGoal:
        values = values_of(goal, curve((accuracy, energy_j), stopped=stopped), max_epochs=10)

        assert values is None or all(math.isfinite(value) for value in values)


def test_a_trial_that_misses_the_target_is_worse_than_its_whole_training() -> None:
    """So that a sampler never prefers what was stopped early."""
    reached = values_of(SearchGoal.ENERGY_TO_TARGET, curve((0.9, 5.0)), max_epochs=10)
    missed = values_of(SearchGoal.ENERGY_TO_TARGET, curve((0.7, 1.0), stopped=True), max_epochs=10)

    assert reached is not None
    assert missed is not None
    assert missed > reached


def test_a_stopped_trial_is_never_on_the_front() -> None:
    """It is a lower bound of what its setup costs."""
    cheap = curve((0.9, 1.0), stopped=True)
    whole = curve((0.8, 5.0))

    assert best_of(SearchGoal.ACCURACY_ENERGY, [cheap, whole]) == (1,)
    assert values_of(SearchGoal.ACCURACY_ENERGY, cheap, max_epochs=10) is None


def test_the_front_leaves_out_what_is_beaten() -> None:
    """No other is both more accurate and cheaper."""
    curves = [curve((0.9, 5.0)), curve((0.7, 6.0)), curve((0.6, 1.0))]

    assert best_of(SearchGoal.ACCURACY_ENERGY, curves) == (2, 0)


def test_a_missing_energy_is_not_counted_as_nothing() -> None:
    """An epoch without a reading leaves the trial without energy and energy to target."""
    gap = curve((0.5, None), (0.9, 1.0))

    assert gap.energy_j is None
    assert gap.to_target_j is None
    assert best_of(SearchGoal.ENERGY_TO_TARGET, [gap]) == ()


def test_a_share_that_is_not_known_is_the_worst_there_is() -> None:
    """Of an error rate that is 1, and not 0, which no training reaches."""
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
