"""Curves of trials, and the mean curve of a setup."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.objective import Objective
from study.record.search.curves import TrialCurve, curve_of_trial, mean_of
from study.record.vocabulary import FAILURES, StopReason
from tests.study.rows import plan
from tests.study.search.test_live_search import record_of

EPOCHS = st.lists(
    st.tuples(st.none() | st.floats(0, 1), st.none() | st.floats(0, 1e9), st.floats(0, 1e6)),
    max_size=8,
)


def ended(energy_j: float, time_s: float, score: float | None, **changes: object) -> TrialCurve:
    """Return the curve of a trial of four epochs with a target of 0.8."""
    given_values = {"epochs": 4, "known_j": energy_j, "time_s": time_s, "best_score": score}
    return replace(TrialCurve(target=0.8), **{**given_values, **changes})  # type: ignore[arg-type]


@given(EPOCHS)
def test_a_curve_is_the_sum_of_its_epochs(
    epochs: list[tuple[float | None, float | None, float]],
) -> None:
    """Time and energy add up; with an epoch without energy, the total is unknown."""
    curve = TrialCurve(target=0.8)
    for score, energy_j, time_s in epochs:
        curve.add(score=score, energy_j=energy_j, time_s=time_s)

    known = [energy_j for _, energy_j, _ in epochs if energy_j is not None]
    assert curve.epochs == len(epochs)
    assert curve.missing == len(epochs) - len(known)
    assert curve.known_j == pytest.approx(sum(known))
    assert curve.time_s == pytest.approx(sum(time_s for *_, time_s in epochs))
    assert (curve.energy_j is None) == (curve.missing > 0 or not epochs)


def test_the_energy_to_target_ends_with_the_first_epoch_that_reaches_it() -> None:
    """Later epochs, better or worse, do not change it."""
    curve = TrialCurve(target=0.8)
    for score in (0.5, 0.8, 0.9, 0.7):
        curve.add(score=score, energy_j=2.0, time_s=1.0)

    assert curve.to_target_j == 4.0


@pytest.mark.parametrize("reason", [None, *StopReason])
def test_a_curve_is_restored_from_a_recorded_trial(reason: StopReason | None) -> None:
    """A trial that was stopped or has not ended gives a curve that is marked as stopped."""
    record = replace(
        record_of(plan(), 7.0),
        epochs=3,
        energy_j=7.0,
        time_s=30.0,
        best_val_score=0.9,
        energy_to_target_j=5.0,
        stop_reason=reason,
    )

    curve = curve_of_trial(record, target=0.8)

    assert curve == ended(
        7.0,
        30.0,
        0.9,
        epochs=3,
        to_target_j=5.0,
        stopped=reason in {StopReason.STOPPED, None},
        failed=reason in FAILURES,
    )


def test_a_recorded_trial_with_a_missing_epoch_has_no_energy() -> None:
    """The missing energy is not estimated."""
    record = replace(record_of(plan(), 7.0), energy_j=None, missing_epochs=2)

    curve = curve_of_trial(record, target=0.8)

    assert (curve.energy_j, curve.known_j, curve.missing) == (None, 0.0, 2)


def test_a_setups_curve_is_the_mean_of_its_seeds() -> None:
    """Energy, time, epochs and score are averaged; epochs without energy are summed."""
    mean = mean_of([ended(2.0, 10.0, 0.6), ended(4.0, 30.0, 0.8, epochs=6, missing=1)])

    assert mean == ended(3.0, 20.0, 0.7, epochs=5, missing=1)


def test_a_setup_with_an_unscored_seed_has_no_score() -> None:
    """Otherwise its score and its energy would be means of different trainings."""
    mean = mean_of([ended(2.0, 10.0, 0.6), ended(4.0, 30.0, None)])

    assert mean is not None
    assert mean.best_score is None


@pytest.mark.parametrize("failed", [True, False])
def test_a_setup_fails_if_one_of_its_seeds_fails(*, failed: bool) -> None:
    """Leaving out a bad seed would flatter the setup."""
    mean = mean_of([ended(2.0, 10.0, 0.6), ended(4.0, 30.0, 0.7, failed=failed)])

    assert mean is not None
    assert mean.failed is failed


def test_a_stopped_training_needs_at_least_one_more_epoch() -> None:
    """It approaches its target no faster than before: 0.2 of 0.8 for 8 J makes 32 J."""
    far = ended(8.0, 10.0, 0.2, stopped=True)
    near = ended(8.0, 10.0, 0.8, stopped=True)
    whole = ended(8.0, 10.0, 0.2)
    loss = ended(8.0, 10.0, 0.2, stopped=True, objective=Objective("loss", "min"))

    assert [each.least_to_target_j for each in (far, near, whole, loss)] == [32.0, 10.0, None, 10.0]
    assert [each.pace_j for each in (far, near, whole, loss)] == [32.0, 8.0, None, None]
