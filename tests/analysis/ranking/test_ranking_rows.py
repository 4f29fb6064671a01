"""Rows of a ranking: savings, ties, front and same trainings, computed by hand."""

from dataclasses import replace
from typing import cast

import pytest

from analysis.energy.spread import Spread
from analysis.ranking.criteria import RankBy
from analysis.ranking.evidence import Evidence, evidence_of
from analysis.ranking.ranking import ChoiceRule, RankedSetup, Ranking, rank, saving
from study.inference.choice import Aim
from study.record.objective import ACCURACY, Objective
from tests.analysis.study_folder import setup_energy

GOOD = setup_energy(1, [100.0], [0.90])
FRUGAL = setup_energy(2, [40.0], [0.895])
WASTEFUL = setup_energy(3, [200.0], [0.50])
LOSS = Objective("loss", "min")


def by_number(ranking: Ranking) -> dict[int, RankedSetup]:
    """The rows of a ranking by the number of their setup."""
    return {row.setup.setup: row for row in ranking.rows}


def order(ranking: Ranking) -> list[int]:
    """Numbers of the setups in the order of the ranking."""
    return [row.setup.setup for row in ranking.rows]


def test_each_setup_is_compared_with_the_best_the_costliest_and_the_baseline() -> None:
    """Savings are shares of the reference's energy, negative where a setup needs more."""
    ranking = rank([GOOD, FRUGAL, WASTEFUL], baseline=2)
    rows = by_number(ranking)

    assert (ranking.best, ranking.worst, ranking.baseline) == (GOOD, WASTEFUL, FRUGAL)
    against_best = [rows[n].saving_against_best for n in (1, 2, 3)]
    against_worst = [rows[n].saving_against_worst for n in (1, 2, 3)]
    against_baseline = [rows[n].saving_against_baseline for n in (1, 2, 3)]
    assert against_best == pytest.approx([0.0, 0.6, -1.0])
    assert against_worst == pytest.approx([0.5, 0.8, 0.0])
    assert against_baseline == pytest.approx([-1.5, 0.0, -4.0])


def test_without_a_baseline_there_is_no_saving_against_one() -> None:
    """A baseline that does not exist counts as none."""
    for baseline in (None, 9):
        ranking = rank([GOOD, FRUGAL], baseline=baseline)
        assert ranking.baseline is None
        assert {row.saving_against_baseline for row in ranking.rows} == {None}


@pytest.mark.parametrize(
    ("energy_j", "reference_j", "share"),
    [(1.0, 4.0, 0.75), (None, 4.0, None), (1.0, None, None), (1.0, 0.0, None), (0.0, 4.0, 1.0)],
)
def test_a_saving_needs_two_energies(
    energy_j: float | None, reference_j: float | None, share: float | None
) -> None:
    """A saving against 0 J is undefined too."""
    setup, reference = setup_energy(1, [energy_j], [0.9]), setup_energy(2, [reference_j], [0.9])

    assert saving(setup, reference) == share
    assert saving(setup, None) is None


def test_the_best_of_equals_is_the_cheapest_and_then_the_first() -> None:
    """A setup without an energy comes after all that have one."""
    equals = [setup_energy(n, [e], [0.9]) for n, e in ((4, None), (3, 7.0), (2, 5.0), (1, 5.0))]

    assert rank(equals).best is equals[3]
    assert rank(equals[:2]).best is equals[1]
    assert rank([]).best is None


def test_a_setup_at_chance_comes_after_all_that_have_learnt_something() -> None:
    """However cheap or accurate it is, it is not on the front either."""
    setups = [GOOD, setup_energy(2, [1.0], [0.95]), WASTEFUL, setup_energy(4, [2.0], [0.5])]

    ranking = rank(setups, at_chance={2, 4})

    assert order(ranking) == [1, 3, 2, 4]
    assert [row.at_chance for row in ranking.rows] == [False, False, True, True]
    assert [row.on_front for row in ranking.rows] == [True, False, False, False]


def test_where_all_are_at_chance_they_are_ranked_as_usual() -> None:
    """Otherwise no setup would come first."""
    ranking = rank([GOOD, FRUGAL, WASTEFUL], at_chance={1, 2, 3})

    assert order(ranking) == [2, 1, 3]
    assert [row.on_front for row in ranking.rows] == [True, True, False]


def test_a_setup_without_energy_or_accuracy_is_not_on_the_front() -> None:
    """Where one of the two is unknown, a setup can be neither better nor worse than others."""
    setups = [GOOD, setup_energy(2, [None], [0.99]), setup_energy(3, [1.0], [None])]

    assert [n for n, row in by_number(rank(setups)).items() if row.on_front] == [1]


@pytest.mark.parametrize(
    ("objective", "best", "tolerance", "tolerated"),
    [(ACCURACY, 0.9, 0.01, 0.89), (LOSS, 2.0, 0.1, 2.2), (Objective("score"), 50.0, 0.1, 45.0)],
)
def test_tolerated_value_is_the_best_less_the_tolerance(
    objective: Objective, best: float, tolerance: float, tolerated: float
) -> None:
    """The tolerance is in points for a share, and relative to the best for any other objective."""
    ranking = rank([setup_energy(1, [1.0], [best])], tolerance=tolerance, objective=objective)

    assert ranking.tolerated == pytest.approx(tolerated)
    assert rank([setup_energy(1, [1.0], [None])], objective=objective).tolerated is None


def test_lower_values_of_a_minimised_objective_are_better() -> None:
    """Losses within 10 % of the least are good enough, and the cheapest of those comes first."""
    setups = [
        setup_energy(n, [e], [loss])
        for n, e, loss in ((1, 9.0, 2.0), (2, 3.0, 2.15), (3, 1.0, 2.3))
    ]

    ranking = rank(setups, tolerance=0.1, objective=LOSS)

    assert order(ranking) == [2, 1, 3]
    assert [row.accurate_enough for row in ranking.rows] == [True, True, False]


LEARNT = setup_energy(1, [50.0], [0.40])
BY_CHANCE = setup_energy(2, [1.0], [0.52])


@pytest.mark.parametrize(
    ("rule", "by", "first"),
    [
        (ChoiceRule.EXPECTED, RankBy.ENERGY, 1),
        (ChoiceRule.THRESHOLD, RankBy.ENERGY, None),
        (ChoiceRule.EXPECTED, RankBy.ENERGY_DELAY, None),
        (ChoiceRule.THRESHOLD, RankBy.ENERGY_DELAY, None),
    ],
)
def test_inaccurate_setup_is_recommended_only_by_expected_loss(
    rule: ChoiceRule, by: RankBy, first: int | None
) -> None:
    """By a threshold there is no answer, because the only setup above it is at chance."""
    setups = [replace(each, time_s=Spread.of([60.0])) for each in (LEARNT, BY_CHANCE)]

    ranking = rank(setups, rule=rule, by=by, at_chance={2})

    assert order(ranking) == [1, 2]
    assert (ranking.first and ranking.first.setup.setup) == first
    assert ranking.by_expected_loss is (first is not None)


@pytest.mark.parametrize("rule", ChoiceRule)
def test_other_rule_setup_is_the_first_by_the_other_rule(
    rule: ChoiceRule,
) -> None:
    """Setup 1's mean of 5 J exceeds setup 2's 4 J, although its typical energy is 3 J."""
    setups = [
        setup_energy(1, [1.0, 9.0], [0.9, 0.9]),
        setup_energy(2, [4.0, 4.0], [0.9, 0.9]),
        setup_energy(3, [20.0, 21.0], [0.9, 0.91]),
    ]
    evidence = evidence_of(setups, Aim())
    [other] = {*ChoiceRule} - {rule}

    ranking = rank(setups, evidence=evidence, rule=rule)

    assert ranking.first is not None
    assert {ranking.first.setup.setup, ranking.other_rule_setup} == {1, 2}
    assert [ranking.other_rule_setup] == order(rank(setups, evidence=evidence, rule=other))[:1]


def test_setup_with_a_repeat_of_zero_joules_comes_last() -> None:
    """Subtracting idle power may leave 0 J: the setup has no expected loss and follows those that have one."""
    setups = [
        setup_energy(1, [0.0, 0.0], [0.9, 0.91]),
        setup_energy(2, [10.0, 11.0], [0.9, 0.91]),
        setup_energy(3, [20.0, 21.0], [0.9, 0.91]),
    ]

    assert order(rank(setups, evidence=evidence_of(setups, Aim()))) == [2, 3, 1]


def test_nothing_is_recommended_if_no_accurate_setup_has_an_energy() -> None:
    """The accurate setup has no place, and the other is not accurate enough."""
    ranking = rank([setup_energy(1, [None], [0.9]), setup_energy(2, [1.0], [0.5])])

    assert order(ranking) == [2, 1]
    assert ranking.first is None


def test_the_answer_of_a_search_comes_first_and_the_others_keep_their_order() -> None:
    """Of several answers the best placed is first; without an energy for any, there is no first."""
    setups = [GOOD, FRUGAL, WASTEFUL, setup_energy(4, [None], [0.9])]

    several = rank(setups, answer={1, 3})
    unknown = rank(setups, answer={4})

    assert order(several) == [1, 2, 3, 4]
    assert several.first is several.rows[0]
    assert several.answer == {1, 3}
    assert order(unknown) == [2, 1, 3, 4]
    assert unknown.first is None


def test_same_training_requires_all_parameters_to_be_equal() -> None:
    """Setups whose effective batch size is unknown are never the same training."""
    twin = setup_energy(2, [9.0], [0.9])
    other = replace(setup_energy(3, [9.0], [0.9]), parameters={"depth": 2})
    unknown = [replace(setup_energy(n, [9.0], [0.9]), effective_batch_size=None) for n in (4, 5)]
    larger = setup_energy(6, [9.0], [0.9], batch_size=128)

    rows = by_number(rank([GOOD, twin, other, *unknown, larger]))

    assert {n: row.same_training_as for n, row in rows.items() if row.same_training_as} == {
        1: (2,),
        2: (1,),
    }


class FakeEvidence:
    """Evidence with given losses that tells all setups apart but one, and records the comparisons."""

    posteriors = None

    def __init__(self, expected_loss: dict[int, float]) -> None:
        """Store the losses."""
        self.expected_loss = expected_loss
        self.selected_as: dict[int, str | None] = {}

    def saving(self, _setup: int, reference: int) -> object | None:
        """Return a placeholder for an interval, but None for setup 5."""
        return None if reference == 5 else ()

    def differ_in_energy(
        self, setup: int, reference: int, *, selected_as: str | None = None
    ) -> bool:
        """Return False for setup 4 only, which so ties with the first."""
        assert setup == 2
        self.selected_as[reference] = selected_as
        return reference != 4


FIVE = [GOOD, FRUGAL, WASTEFUL, setup_energy(4, [41.0], [0.89]), setup_energy(5, [42.0], [0.89])]


def test_comparisons_for_ties_state_what_a_reference_was_selected_for() -> None:
    """The same repeats selected the most accurate and the costliest setup."""
    evidence = FakeEvidence({})

    rows = by_number(rank(FIVE, evidence=cast("Evidence", evidence)))

    assert [n for n in rows if rows[n].ties_with_first] == [4]
    assert evidence.selected_as == {1: "against_best", 3: "against_costliest", 4: None}


@pytest.mark.parametrize(
    ("rule", "by", "expected"),
    [
        (ChoiceRule.EXPECTED, RankBy.ENERGY, [2, 3, 1, 5, 4]),
        (ChoiceRule.THRESHOLD, RankBy.ENERGY, [2, 4, 5, 1, 3]),
        (ChoiceRule.EXPECTED, RankBy.ACCURACY_PER_WH, [2, 4, 5, 1, 3]),
    ],
)
def test_expected_losses_order_setups_by_their_own_rule_only(
    rule: ChoiceRule, by: RankBy, expected: list[int]
) -> None:
    """By energy and expected loss, the least loss comes first; other rules and criteria ignore losses."""
    losses = {1: 0.2, 2: 0.0, 3: 0.1, 4: 0.3, 5: 0.25}

    ranking = rank(FIVE, evidence=cast("Evidence", FakeEvidence(losses)), rule=rule, by=by)

    assert order(ranking) == expected
