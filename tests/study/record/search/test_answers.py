"""What a search recommends, and which setups it trains again."""

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
    """A trial that ended at the target after so many joules, or was stopped before."""
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
    """A curve that reached the target after so many joules."""
    known_j = to_target_j or 9.0
    return TrialCurve(
        target=0.9,
        epochs=2,
        known_j=known_j,
        best_score=0.9 if to_target_j else 0.5,
        to_target_j=to_target_j,
        stopped=stopped,
    )


def test_a_known_setup_can_be_the_answer() -> None:
    """An earlier study's trial counts as the search's own does."""
    (answer,) = answers(
        TO_TARGET, [trial(1, 5.0), trial(2, 3.0, study="grid")], target=0.9, confirmed=False
    )

    assert [(t.setup, t.study) for t in answer.trials] == [(2, "grid")]


def test_the_answer_is_the_least_mean() -> None:
    """Setup 1 has the luckiest seed, and the dearer mean."""
    trials = [trial(1, 2.0), trial(1, 8.0, seed=1), trial(2, 4.0), trial(2, 4.0, seed=1)]

    (answer,) = answers(TO_TARGET, trials, target=0.9, confirmed=False)

    assert answer.trials[0].setup == 2
    assert answer.curve.to_target_j == 4.0


@pytest.mark.parametrize(("decided", "setup"), [(1, 1), (2, 2), (3, 2), (None, 2)])
def test_what_the_search_has_decided_goes_before_means(decided: int | None, setup: int) -> None:
    """Unless no training of it came to its end."""
    trials = [trial(1, 5.0), trial(2, 3.0), trial(3, None)]

    (answer,) = answers(TO_TARGET, trials, target=0.9, confirmed=False, decided=decided)

    assert answer.setup == setup


@pytest.mark.parametrize(("confirmed", "setup"), [(True, 1), (False, 2)])
def test_confirmed_setups_come_before_single_seeds(setup: int, *, confirmed: bool) -> None:
    """Only where leading setups were trained again."""
    trials = [trial(1, 4.0), trial(1, 4.0, seed=1), trial(2, 3.0)]

    (answer,) = answers(TO_TARGET, trials, target=0.9, confirmed=confirmed)

    assert answer.trials[0].setup == setup


def test_a_stopped_trial_is_no_answer() -> None:
    """Whatever it has used by then."""
    assert answers(TO_TARGET, [trial(1, None)], target=0.9, confirmed=False) == ()


def test_a_setup_that_misses_the_target_with_a_seed_still_gives_an_answer_alone() -> None:
    """If no setup reaches it with every seed, the best single seed is told."""
    missed = replace(trial(1, None, seed=1), stop_reason=StopReason.PATIENCE)

    (answer,) = answers(TO_TARGET, [trial(1, 5.0), missed], target=0.9, confirmed=True)

    assert [t.seed for t in answer.trials] == [0]


def test_the_leaders_are_the_best_three_in_their_order() -> None:
    """A setup that was stopped, or did not get there, is none."""
    curves: dict[Choice, list[TrialCurve]] = {
        ("a",): [curve(4.0)],
        ("b",): [curve(2.0)],
        ("c",): [curve(9.0)],
        ("d",): [curve(3.0)],
        ("e",): [curve(None)],
        ("f",): [curve(None, stopped=True)],
    }

    assert leaders(TO_TARGET, curves) == (("b",), ("d",), ("a",))


def test_a_setup_that_was_stopped_at_a_good_pace_gets_another_seed() -> None:
    """0.85 for 2 J makes 0.9 for 2.1 J; 0.1 for 2 J makes it for 18 J. The answer comes first."""
    near = TrialCurve(target=0.9, epochs=2, known_j=2.0, best_score=0.85, stopped=True)
    slow = TrialCurve(target=0.9, epochs=2, known_j=2.0, best_score=0.1, stopped=True)
    curves: dict[Choice, list[TrialCurve]] = {
        ("a",): [curve(2.5)],
        ("b",): [curve(4.0)],
        ("near",): [near],
        ("slow",): [slow],
    }

    assert leaders(TO_TARGET, curves) == (("a",), ("near",), ("b",))


def test_a_stopped_seed_counts_with_the_least_it_can_have_needed() -> None:
    """To leave a bad seed out would flatter."""
    stopped = TrialCurve(target=0.9, epochs=2, known_j=4.0, best_score=0.9, stopped=True)

    mean = mean_of([stopped, curve(2.0), curve(4.0)])

    assert mean is not None
    assert mean.to_target_j == 4.0


def test_with_a_front_all_of_it_leads() -> None:
    """And nothing behind it."""
    curves: dict[Choice, list[TrialCurve]] = {
        ("cheap",): [TrialCurve(epochs=1, known_j=1.0, best_score=0.5)],
        ("good",): [TrialCurve(epochs=1, known_j=5.0, best_score=0.9)],
        ("bad",): [TrialCurve(epochs=1, known_j=6.0, best_score=0.4)],
    }

    assert set(leaders(SearchGoal.ACCURACY_ENERGY, curves)) == {("cheap",), ("good",)}


def test_no_course_has_no_leader() -> None:
    """A search in which nothing ended."""
    assert leaders(TO_TARGET, {}) == ()


def test_a_seed_that_misses_the_target_makes_the_setup_miss_it() -> None:
    """Its mean would else be that of the lucky ones."""
    mean = mean_of([curve(4.0), curve(None)])

    assert mean is not None
    assert mean.to_target_j is None
    assert mean_of([curve(None, stopped=True)]) is None


def test_a_trial_that_has_failed_or_runs_is_no_answer() -> None:
    """However cheap it was: what it takes to fail is not the energy of a training."""
    cheap = [
        replace(trial(number, 1.0), status=status)
        for number, status in ((1, TrialStatus.FAILED), (2, TrialStatus.RUNNING))
    ]

    (answer,) = answers(TO_TARGET, [*cheap, trial(3, 5.0)], target=0.9, confirmed=False)

    assert answer.setup == 3


@pytest.mark.parametrize("confirmed", [False, True])
def test_an_answer_knows_target_and_objective(*, confirmed: bool) -> None:
    """Less is better where the objective says so, and what is shown is of the search's own target."""
    loss = Objective(name="loss", mode="min")
    scored = [replace(trial(n, 1.0), best_val_score=score) for n, score in ((1, 0.2), (2, 0.7))]

    (answer,) = answers(
        SearchGoal.ACCURACY, scored, target=0.3, confirmed=confirmed, objective=loss
    )

    assert answer.setup == 1
    assert (answer.curve.target, answer.curve.objective) == (0.3, loss)
