"""Answers that a search recommends, and leading setups that it trains again."""

from dataclasses import replace

import pytest

from study.record.objective import Objective
from study.record.records import TrialRecord
from study.record.search.answers import answers
from study.record.search.curves import TrialCurve, mean_of
from study.record.search.goal import SearchGoal
from study.record.vocabulary import StopReason, TrialStatus
from study.search.confirming import leaders
from study.search.space.space import Choice
from tests.study.rows import plan
from tests.study.search.test_live_search import record_of

TO_TARGET = SearchGoal.ENERGY_TO_TARGET


def trial(
    setup: int, to_target_j: float | None, *, seed: int = 0, study: str = "own"
) -> TrialRecord:
    """Return a trial that reached the target after `to_target_j`, or was stopped before it (None)."""
    record = record_of(plan(setup, seed), 1.0)
    reason = StopReason.STOPPED if to_target_j is None else StopReason.TARGET
    return replace(
        record,
        study=study,
        status=TrialStatus.FINISHED,
        energy_to_target_j=to_target_j,
        stop_reason=reason,
    )


def curve(to_target_j: float | None, *, stopped: bool = False) -> TrialCurve:
    """Return a curve that reached the target after `to_target_j`, or never (None)."""
    known_j = to_target_j or 9.0
    return TrialCurve(
        target=0.9,
        epochs=2,
        known_j=known_j,
        best_score=0.9 if to_target_j else 0.5,
        to_target_j=to_target_j,
        stopped=stopped,
    )


def test_a_trial_of_an_earlier_study_can_be_the_answer() -> None:
    """It counts like one of the search's own."""
    (answer,) = answers(
        TO_TARGET, [trial(1, 5.0), trial(2, 3.0, study="grid")], target=0.9, confirmed=False
    )

    assert [(t.setup, t.study) for t in answer.trials] == [(2, "grid")]


def test_the_answer_has_the_least_mean_energy() -> None:
    """Setup 1 has the cheapest seed, but the higher mean."""
    trials = [trial(1, 2.0), trial(1, 8.0, seed=1), trial(2, 4.0), trial(2, 4.0, seed=1)]

    (answer,) = answers(TO_TARGET, trials, target=0.9, confirmed=False)

    assert answer.trials[0].setup == 2
    assert answer.curve.to_target_j == 4.0


@pytest.mark.parametrize(("decided", "setup"), [(1, 1), (2, 2), (3, 2), (None, 2)])
def test_the_decision_of_the_search_overrides_the_means(decided: int | None, setup: int) -> None:
    """The exception is a setup without a completed training."""
    trials = [trial(1, 5.0), trial(2, 3.0), trial(3, None)]

    (answer,) = answers(TO_TARGET, trials, target=0.9, confirmed=False, decided=decided)

    assert answer.setup == setup


@pytest.mark.parametrize(("confirmed", "setup"), [(True, 1), (False, 2)])
def test_confirmed_setups_take_precedence_over_single_seeds(setup: int, *, confirmed: bool) -> None:
    """This applies only if leading setups were trained again."""
    trials = [trial(1, 4.0), trial(1, 4.0, seed=1), trial(2, 3.0)]

    (answer,) = answers(TO_TARGET, trials, target=0.9, confirmed=confirmed)

    assert answer.trials[0].setup == setup


def test_a_stopped_trial_is_no_answer() -> None:
    """Its energy is not that of a complete training."""
    assert answers(TO_TARGET, [trial(1, None)], target=0.9, confirmed=False) == ()


def test_without_a_reliable_setup_the_best_seed_is_the_answer() -> None:
    """If no setup reaches the target with every seed, the best single seed is recommended."""
    missed = replace(trial(1, None, seed=1), stop_reason=StopReason.PATIENCE)

    (answer,) = answers(TO_TARGET, [trial(1, 5.0), missed], target=0.9, confirmed=True)

    assert [t.seed for t in answer.trials] == [0]


def test_the_leaders_are_the_best_three_in_order() -> None:
    """A setup that was stopped or missed the target is not among them."""
    curves: dict[Choice, list[TrialCurve]] = {
        ("a",): [curve(4.0)],
        ("b",): [curve(2.0)],
        ("c",): [curve(9.0)],
        ("d",): [curve(3.0)],
        ("e",): [curve(None)],
        ("f",): [curve(None, stopped=True)],
    }

    assert leaders(TO_TARGET, curves) == (("b",), ("d",), ("a",))


def test_a_setup_stopped_at_a_good_pace_is_a_leader() -> None:
    """0.85 for 2 J extrapolates to 0.9 for 2.1 J; 0.1 for 2 J only for 18 J. The answer is still first."""
    near = TrialCurve(target=0.9, epochs=2, known_j=2.0, best_score=0.85, stopped=True)
    slow = TrialCurve(target=0.9, epochs=2, known_j=2.0, best_score=0.1, stopped=True)
    curves: dict[Choice, list[TrialCurve]] = {
        ("a",): [curve(2.5)],
        ("b",): [curve(4.0)],
        ("near",): [near],
        ("slow",): [slow],
    }

    assert leaders(TO_TARGET, curves) == (("a",), ("near",), ("b",))


def test_a_stopped_seed_counts_with_its_least_possible_energy() -> None:
    """Leaving out a bad seed would flatter the setup."""
    stopped = TrialCurve(target=0.9, epochs=2, known_j=4.0, best_score=0.9, stopped=True)

    mean = mean_of([stopped, curve(2.0), curve(4.0)])

    assert mean is not None
    assert mean.to_target_j == 4.0


def test_all_setups_on_the_front_are_leaders() -> None:
    """A setup that is dominated is not."""
    curves: dict[Choice, list[TrialCurve]] = {
        ("cheap",): [TrialCurve(epochs=1, known_j=1.0, best_score=0.5)],
        ("good",): [TrialCurve(epochs=1, known_j=5.0, best_score=0.9)],
        ("bad",): [TrialCurve(epochs=1, known_j=6.0, best_score=0.4)],
    }

    assert set(leaders(SearchGoal.ACCURACY_ENERGY, curves)) == {("cheap",), ("good",)}


def test_a_search_without_curves_has_no_leaders() -> None:
    """This is a search in which no trial has ended."""
    assert leaders(TO_TARGET, {}) == ()


def test_a_seed_that_misses_the_target_makes_the_setup_miss_it() -> None:
    """Otherwise its mean would be that of its lucky seeds."""
    mean = mean_of([curve(4.0), curve(None)])

    assert mean is not None
    assert mean.to_target_j is None
    assert mean_of([curve(None, stopped=True)]) is None


def test_a_failed_or_running_trial_is_no_answer() -> None:
    """However cheap it was, its energy is not that of a training."""
    cheap = [
        replace(trial(number, 1.0), status=status)
        for number, status in ((1, TrialStatus.FAILED), (2, TrialStatus.RUNNING))
    ]

    (answer,) = answers(TO_TARGET, [*cheap, trial(3, 5.0)], target=0.9, confirmed=False)

    assert answer.setup == 3


@pytest.mark.parametrize("confirmed", [False, True])
def test_an_answer_has_the_searchs_target_and_objective(*, confirmed: bool) -> None:
    """With an objective to minimise, the lowest score is the best."""
    loss = Objective(name="loss", mode="min")
    scored = [replace(trial(n, 1.0), best_val_score=score) for n, score in ((1, 0.2), (2, 0.7))]

    (answer,) = answers(
        SearchGoal.ACCURACY, scored, target=0.3, confirmed=confirmed, objective=loss
    )

    assert answer.setup == 1
    assert (answer.curve.target, answer.curve.objective) == (0.3, loss)
