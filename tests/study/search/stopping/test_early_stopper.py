"""Early stopping of trials."""

from hypothesis import given
from hypothesis import strategies as st

from study.record.search.curves import TrialCurve
from study.record.search.goal import SearchGoal
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper, StopDecision, out_of_reach
from study.search.stopping.halving import Halving, Rungs


def curve_of(*accuracies: float | None, epoch_j: float = 1.0) -> TrialCurve:
    """Return the curve of a trial with a target of 0.8."""
    curve = TrialCurve(target=0.8)
    for accuracy in accuracies:
        curve.add(score=accuracy, energy_j=epoch_j, time_s=1.0)
    return curve


def test_a_trial_whose_next_epoch_would_cost_too_much_is_out_of_reach() -> None:
    """After three epochs of 1 J, a fourth would bring it to the 4 J of the best trial."""
    curve = curve_of(0.6, 0.7, 0.75)

    assert out_of_reach(curve, 4.0)
    assert not out_of_reach(curve, 4.5)


def test_a_trial_that_gains_too_little_per_joule_is_out_of_reach() -> None:
    """A gain of 0.1 for 1 J makes 0.7 for 7 J, which is less than 0.8."""
    curve = curve_of(0.1)

    assert out_of_reach(curve, 7.0)
    assert not out_of_reach(curve, 8.5)


def test_a_trial_without_an_accuracy_is_judged_by_energy_alone() -> None:
    """While its encoder is pretrained, only its energy counts."""
    curve = curve_of(None, None)

    assert not out_of_reach(curve, 4.0)
    assert out_of_reach(curve, 3.0)


@given(
    gains=st.lists(st.floats(0.01, 0.4), min_size=1, max_size=12),
    epoch_j=st.floats(0.1, 10.0),
    spare=st.floats(1.01, 3.0),
)
def test_a_flattening_curve_that_reaches_the_target_is_never_stopped(
    gains: list[float], epoch_j: float, spare: float
) -> None:
    """If each epoch gains at most as much as the one before, the cap loses no good trial."""
    accuracies = [sum(sorted(gains, reverse=True)[: n + 1]) for n in range(len(gains))]
    target = accuracies[-1]
    cap_j = len(gains) * epoch_j * spare
    curve = TrialCurve(target=target)

    stopped = []
    for accuracy in accuracies:
        curve.add(score=accuracy, energy_j=epoch_j, time_s=1.0)
        stopped.append(out_of_reach(curve, cap_j))

    assert not any(stopped)


def test_halving_does_not_judge_a_trial_without_an_accuracy() -> None:
    """It would otherwise be the worst at every rung."""
    stopper = EarlyStopper(
        goal=SearchGoal.ENERGY_TO_TARGET,
        budget=Budget(),
        halving=Halving(rungs=Rungs.ENERGY, first=1.0),
    )
    stopper.after_epoch("good", curve_of(0.5), last_epoch_j=1.0)

    pretraining = stopper.after_epoch("pretraining", curve_of(None), last_epoch_j=1.0)
    slow = stopper.after_epoch("slow", curve_of(0.1), last_epoch_j=1.0)

    assert pretraining is None
    assert slow is StopDecision.HALVED
