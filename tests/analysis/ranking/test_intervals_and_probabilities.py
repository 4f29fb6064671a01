"""Intervals and probabilities of setups with repeats: one cheap and accurate, two costly and inaccurate."""

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
COSTLY = setup_energy(2, [100.0, 104.0, 96.0], [0.60, 0.62, 0.61])
TWIN = setup_energy(3, [101.0, 103.0, 97.0], [0.61, 0.60, 0.62])
UNKNOWN = 9
"""Number of a setup that has no energy."""


@functools.cache
def evidence(objective: Objective = ACCURACY) -> Evidence:
    """Evidence from the repeats of the three setups."""
    found = evidence_of([CHEAP, COSTLY, TWIN], Aim(tolerance=0.01), objective)
    assert found is not None
    return found


@pytest.mark.parametrize("method", ["within", "cheapest", "right", "most_accurate"])
def test_each_setup_has_its_own_probability(method: str) -> None:
    """It is near 1 for the cheap setup, near 0 for a costly one, and None without an energy."""
    probabilities = [getattr(evidence(), method)(number) for number in (1, 2, UNKNOWN)]

    assert probabilities == [pytest.approx(1.0, abs=0.01), pytest.approx(0.0, abs=0.01), None]


@pytest.mark.parametrize(("setup", "mean_j"), [(1, 10.0), (2, 100.0)])
def test_a_total_lies_in_its_own_interval(setup: int, mean_j: float) -> None:
    """This holds for the chosen setup and for another."""
    found = evidence().total_j(setup)

    assert found is not None
    assert 0.8 * mean_j < found.low < mean_j < found.high < 1.25 * mean_j
    assert evidence().total_j(UNKNOWN) is None


def test_interval_of_an_accuracy_is_at_most_one() -> None:
    """It contains the mean of the repeats."""
    good, poor = evidence().accuracy(1), evidence().accuracy(2)

    assert good is not None
    assert poor is not None
    assert 0.5 < poor.low < 0.61 < poor.high < 0.75
    assert 0.9 < good.low < 0.96 < good.high <= 1.0


def test_interval_of_an_objective_that_is_no_share_may_exceed_one() -> None:
    """The lower end comes first even where less is better."""
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
def test_setups_differ_only_beyond_the_noise(one: int, other: int, *, apart: bool) -> None:
    """35 points apart with repeats within a point, setups differ; alike or unknown, they do not."""
    assert evidence().differ_in_accuracy(one, other) is apart
    assert evidence().differ_in_energy(one, other) is apart


def test_two_setups_alone_can_be_compared() -> None:
    """The comparison needs no third setup."""
    found = evidence_of([CHEAP, COSTLY], Aim(tolerance=0.01))

    assert found is not None
    assert found.differ_in_accuracy(1, 2)


def test_selection_affects_only_savings_of_the_chosen_setup() -> None:
    """Setup 2 was not selected for its energy."""
    found = evidence()

    assert found.saving(1, 3, selected_as="against_costliest") != found.saving(1, 3)
    assert found.saving(2, 3, selected_as="against_costliest") == found.saving(2, 3)


def test_contenders_are_the_setups_that_may_be_the_answer() -> None:
    """They are the cheapest with a probability of at least 1 %; without repeats there are none."""
    single = [setup_energy(1, [10.0], [0.9]), setup_energy(2, [11.0], [0.9])]

    with_repeats = contenders(rank([CHEAP, COSTLY, TWIN], evidence=evidence()))
    alike = [setup_energy(n, [9.0 + n / 10, 12.0 - n / 10], [0.9, 0.89]) for n in (1, 2)]
    tied = contenders(rank(alike, evidence=evidence_of(alike, Aim(tolerance=0.01))))

    assert [each.setup for each in with_repeats] == [1]
    assert {each.setup for each in tied} == {1, 2}
    assert contenders(rank(single, evidence=evidence_of(single, Aim(tolerance=0.01)))) == []


def test_the_recommended_setup_is_always_a_contender() -> None:
    """This holds even if it is the cheapest in no draw."""
    recommended = rank([CHEAP, COSTLY, TWIN], evidence=evidence(), answer={2})

    assert [each.setup for each in contenders(recommended)] == [2, 1]


def test_reference_was_selected_for_its_accuracy_or_its_energy() -> None:
    """A reference that is both counts as the most accurate; any other was not selected."""
    assert selection_of(CHEAP, CHEAP, CHEAP) == "against_best"
    assert selection_of(COSTLY, CHEAP, COSTLY) == "against_costliest"
    assert selection_of(TWIN, CHEAP, COSTLY) is None
    assert selection_of(TWIN, None, None) is None


def test_missing_quantities_have_no_cost_and_no_shown_number() -> None:
    """A setup without time, energy and target has none by any criterion."""
    nothing = setup_energy(1, [None], [0.9])

    for by in RankBy:
        shown = CRITERIA[by].shown
        assert CRITERIA[by].cost(nothing) is None
        assert shown is None or shown(nothing) is None
    assert CRITERIA[RankBy.ENERGY_DELAY].cost(CHEAP) is None
