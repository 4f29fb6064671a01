"""Intervals and probabilities of two setups with repeats: one cheap and good, one dear and poor."""

import functools

import pytest

from analysis.ranking.contenders import contenders
from analysis.ranking.criteria import CRITERIA, RankBy
from analysis.ranking.evidence import Evidence, evidence_of
from analysis.ranking.ranking import rank, selection_of
from study.inference.choice import Aim
from study.record.objective import ACCURACY, Objective
from tests.analysis.study_folder import setup_energy

CHEAP = setup_energy(1, [10.0, 10.2, 9.8], [0.97, 0.95, 0.96])
DEAR = setup_energy(2, [100.0, 104.0, 96.0], [0.60, 0.62, 0.61])
TWIN = setup_energy(3, [101.0, 103.0, 97.0], [0.61, 0.60, 0.62])
UNKNOWN = 9
"""Number of a setup that has no energy."""


@functools.cache
def evidence(objective: Objective = ACCURACY) -> Evidence:
    """What the repeats of three setups tell."""
    found = evidence_of([CHEAP, DEAR, TWIN], Aim(tolerance=0.01), objective)
    assert found is not None
    return found


@pytest.mark.parametrize("word", ["within", "cheapest", "right", "most_accurate"])
def test_a_probability_is_that_of_the_setup_that_was_asked_for(word: str) -> None:
    """Cheap and good for sure, or neither; of a setup without an energy there is none."""
    said = [getattr(evidence(), word)(number) for number in (1, 2, UNKNOWN)]

    assert said == [pytest.approx(1.0, abs=0.01), pytest.approx(0.0, abs=0.01), None]


@pytest.mark.parametrize(("setup", "mean_j"), [(1, 10.0), (2, 100.0)])
def test_a_total_lies_in_its_own_interval(setup: int, mean_j: float) -> None:
    """That of the chosen setup as that of another."""
    found = evidence().total_j(setup)

    assert found is not None
    assert 0.8 * mean_j < found.low < mean_j < found.high < 1.25 * mean_j
    assert evidence().total_j(UNKNOWN) is None


def test_an_accuracy_has_an_interval_within_what_a_share_can_be() -> None:
    """Of the mean of its repeats."""
    good, poor = evidence().accuracy(1), evidence().accuracy(2)

    assert good is not None
    assert poor is not None
    assert 0.5 < poor.low < 0.61 < poor.high < 0.75
    assert 0.9 < good.low < 0.96 < good.high <= 1.0


def test_an_objective_that_is_no_share_may_lie_anywhere() -> None:
    """And where less is better its interval is no other: the lower end comes first."""
    score = Objective("score", "min")
    setups = [setup_energy(n, [9.0, 9.1], [3.0 * n, 3.1 * n]) for n in (1, 2)]

    found = evidence_of(setups, Aim(tolerance=0.01), score)

    assert found is not None
    interval = found.accuracy(1)
    assert interval is not None
    assert 1.0 < interval.low < 3.05 < interval.high


@pytest.mark.parametrize(
    ("one", "other", "apart"), [(1, 2, True), (1, 3, True), (2, 3, False), (1, UNKNOWN, False)]
)
def test_accuracies_differ_for_sure_or_not(one: int, other: int, *, apart: bool) -> None:
    """36 points with repeats within a point; or alike."""
    assert evidence().differ_in_accuracy(one, other) is apart
    assert evidence().differ_in_energy(one, other) is apart


def test_two_setups_that_are_all_there_is_are_compared() -> None:
    """As two of several are."""
    found = evidence_of([CHEAP, DEAR], Aim(tolerance=0.01))

    assert found is not None
    assert found.differ_in_accuracy(1, 2)


def test_picking_widens_the_saving_of_the_chosen_setup_alone() -> None:
    """Setup 2 was not picked for its energy."""
    found = evidence()

    assert found.saving(1, 3, selected_as="against_costliest") != found.saving(1, 3)
    assert found.saving(2, 3, selected_as="against_costliest") == found.saving(2, 3)


def test_the_setups_that_may_be_the_answer_are_named() -> None:
    """Those that are the cheapest with a hundredth at least; without repeats there are none."""
    single = [setup_energy(1, [10.0], [0.9]), setup_energy(2, [11.0], [0.9])]

    with_repeats = contenders(rank([CHEAP, DEAR, TWIN], evidence=evidence()))
    alike = [setup_energy(n, [9.0 + n / 10, 12.0 - n / 10], [0.9, 0.89]) for n in (1, 2)]
    tied = contenders(rank(alike, evidence=evidence_of(alike, Aim(tolerance=0.01))))

    assert [each.setup for each in with_repeats] == [1]
    assert {each.setup for each in tied} == {1, 2}
    assert contenders(rank(single, evidence=evidence_of(single, Aim(tolerance=0.01)))) == []


def test_a_setup_that_the_choice_recommends_is_always_named() -> None:
    """Also where it is the cheapest in no draw."""
    recommended = rank([CHEAP, DEAR, TWIN], evidence=evidence(), answer={2})

    assert [each.setup for each in contenders(recommended)] == [2, 1]


def test_a_reference_was_picked_for_its_accuracy_or_its_energy() -> None:
    """The best is that also where it is the costliest; any other was named beforehand."""
    assert selection_of(CHEAP, CHEAP, CHEAP) == "against_best"
    assert selection_of(DEAR, CHEAP, DEAR) == "against_costliest"
    assert selection_of(TWIN, CHEAP, DEAR) is None
    assert selection_of(TWIN, None, None) is None


def test_what_is_not_known_has_no_number_for_people() -> None:
    """A setup without a time, an energy or a target has none by any criterion."""
    nothing = setup_energy(1, [None], [0.9])

    for by in RankBy:
        shown = CRITERIA[by].shown
        assert CRITERIA[by].cost(nothing) is None
        assert shown is None or shown(nothing) is None
    assert CRITERIA[RankBy.ENERGY_DELAY].cost(CHEAP) is None
