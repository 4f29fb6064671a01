"""What a ranking says of each setup beside its place, worked by hand."""

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
    """The setups in their order."""
    return [row.setup.setup for row in ranking.rows]


def test_each_setup_is_compared_with_the_best_the_costliest_and_the_users() -> None:
    """As shares of what those use; below 0 where it needs more."""
    ranking = rank([GOOD, FRUGAL, WASTEFUL], baseline=2)
    rows = by_number(ranking)

    assert (ranking.best, ranking.worst, ranking.baseline) == (GOOD, WASTEFUL, FRUGAL)
    against_best = [rows[n].saving_against_best for n in (1, 2, 3)]
    against_worst = [rows[n].saving_against_worst for n in (1, 2, 3)]
    against_baseline = [rows[n].saving_against_baseline for n in (1, 2, 3)]
    assert against_best == pytest.approx([0.0, 0.6, -1.0])
    assert against_worst == pytest.approx([0.5, 0.8, 0.0])
    assert against_baseline == pytest.approx([-1.5, 0.0, -4.0])


def test_without_a_baseline_there_is_nothing_to_compare_with() -> None:
    """Also where the user names a setup that there is not."""
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
    """And of nothing nothing can be saved."""
    setup, reference = setup_energy(1, [energy_j], [0.9]), setup_energy(2, [reference_j], [0.9])

    assert saving(setup, reference) == share
    assert saving(setup, None) is None


def test_the_best_of_equals_is_the_cheapest_and_then_the_first() -> None:
    """What has no energy is dearer than all."""
    equals = [setup_energy(n, [e], [0.9]) for n, e in ((4, None), (3, 7.0), (2, 5.0), (1, 5.0))]

    assert rank(equals).best is equals[3]
    assert rank(equals[:2]).best is equals[1]
    assert rank([]).best is None


def test_a_setup_at_chance_comes_after_all_that_have_learnt_something() -> None:
    """However cheap or accurate it is, and it is not on the front."""
    setups = [GOOD, setup_energy(2, [1.0], [0.95]), WASTEFUL, setup_energy(4, [2.0], [0.5])]

    ranking = rank(setups, at_chance={2, 4})

    assert order(ranking) == [1, 3, 2, 4]
    assert [row.at_chance for row in ranking.rows] == [False, False, True, True]
    assert [row.on_front for row in ranking.rows] == [True, False, False, False]


def test_where_all_are_at_chance_they_are_ranked_as_ever() -> None:
    """Else there would be no order."""
    ranking = rank([GOOD, FRUGAL, WASTEFUL], at_chance={1, 2, 3})

    assert order(ranking) == [2, 1, 3]
    assert [row.on_front for row in ranking.rows] == [True, True, False]


def test_a_setup_without_an_energy_is_not_on_the_front() -> None:
    """Nobody knows what its accuracy costs, nor what its energy buys."""
    setups = [GOOD, setup_energy(2, [None], [0.99]), setup_energy(3, [1.0], [None])]

    assert [n for n, row in by_number(rank(setups)).items() if row.on_front] == [1]


@pytest.mark.parametrize(
    ("objective", "best", "tolerance", "tolerated"),
    [(ACCURACY, 0.9, 0.01, 0.89), (LOSS, 2.0, 0.1, 2.2), (Objective("score"), 50.0, 0.1, 45.0)],
)
def test_what_is_tolerated_is_the_best_less_the_tolerance(
    objective: Objective, best: float, tolerance: float, tolerated: float
) -> None:
    """In points of a share, and as a share of the best of anything else, up or down."""
    ranking = rank([setup_energy(1, [1.0], [best])], tolerance=tolerance, objective=objective)

    assert ranking.tolerated == pytest.approx(tolerated)
    assert rank([setup_energy(1, [1.0], [None])], objective=objective).tolerated is None


def test_less_may_be_better() -> None:
    """A loss within a tenth of the least is good enough; of those the cheapest is first."""
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
def test_what_is_not_accurate_enough_is_recommended_by_its_expected_loss_alone(
    rule: ChoiceRule, by: RankBy, first: int | None
) -> None:
    """By a threshold nothing is, where all that are above it are at chance."""
    setups = [replace(each, time_s=Spread.of([60.0])) for each in (LEARNT, BY_CHANCE)]

    ranking = rank(setups, rule=rule, by=by, at_chance={2})

    assert order(ranking) == [1, 2]
    assert (ranking.first and ranking.first.setup.setup) == first
    assert ranking.by_expected_loss is (first is not None)


@pytest.mark.parametrize("rule", ChoiceRule)
def test_the_setup_of_the_other_rule_is_the_one_that_the_other_rule_puts_first(
    rule: ChoiceRule,
) -> None:
    """By the means that the table shows: 5 J are more than 4, though typically the setup needs 3."""
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


def test_a_repeat_that_used_nothing_is_not_held_against_losses_in_joules() -> None:
    """Less idle power a training may take 0 J: no loss is known of its setup, which comes after all that have one."""
    setups = [
        setup_energy(1, [0.0, 0.0], [0.9, 0.91]),
        setup_energy(2, [10.0, 11.0], [0.9, 0.91]),
        setup_energy(3, [20.0, 21.0], [0.9, 0.91]),
    ]

    assert order(rank(setups, evidence=evidence_of(setups, Aim()))) == [2, 3, 1]


def test_nothing_is_recommended_where_what_is_accurate_enough_has_no_energy() -> None:
    """It has no place."""
    ranking = rank([setup_energy(1, [None], [0.9]), setup_energy(2, [1.0], [0.5])])

    assert order(ranking) == [2, 1]
    assert ranking.first is None


def test_the_answer_of_a_search_comes_first_and_the_others_keep_their_order() -> None:
    """The best placed of several; none where none of them has an energy."""
    setups = [GOOD, FRUGAL, WASTEFUL, setup_energy(4, [None], [0.9])]

    several = rank(setups, answer={1, 3})
    unknown = rank(setups, answer={4})

    assert order(several) == [1, 2, 3, 4]
    assert several.first is several.rows[0]
    assert several.answer == {1, 3}
    assert order(unknown) == [2, 1, 3, 4]
    assert unknown.first is None


def test_same_training_is_the_same_in_all_that_was_set() -> None:
    """Batch size, learning rate and every other parameter; of what is not known none is the same."""
    twin = setup_energy(2, [9.0], [0.9])
    other = replace(setup_energy(3, [9.0], [0.9]), parameters={"depth": 2})
    unknown = [replace(setup_energy(n, [9.0], [0.9]), effective_batch_size=None) for n in (4, 5)]
    larger = setup_energy(6, [9.0], [0.9], batch_size=128)

    rows = by_number(rank([GOOD, twin, other, *unknown, larger]))

    assert {n: row.same_training_as for n, row in rows.items() if row.same_training_as} == {
        1: (2,),
        2: (1,),
    }


class Told:
    """Evidence that has losses, tells all setups apart but one, and remembers what it was asked."""

    posteriors = None

    def __init__(self, expected_loss: dict[int, float]) -> None:
        """Begin with losses."""
        self.expected_loss = expected_loss
        self.selected_as: dict[int, str | None] = {}

    def saving(self, _setup: int, reference: int) -> object | None:
        """An interval of all but setup 5."""
        return None if reference == 5 else ()

    def differ_in_energy(
        self, setup: int, reference: int, *, selected_as: str | None = None
    ) -> bool:
        """Setup 4 alone is like the first."""
        assert setup == 2
        self.selected_as[reference] = selected_as
        return reference != 4


FIVE = [GOOD, FRUGAL, WASTEFUL, setup_energy(4, [41.0], [0.89]), setup_energy(5, [42.0], [0.89])]


def test_a_tie_is_with_the_first_and_knows_what_the_other_was_picked_for() -> None:
    """The most accurate and the costliest were picked by the same repeats."""
    evidence = Told({})

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
def test_expected_losses_order_energies_by_that_rule_alone(
    rule: ChoiceRule, by: RankBy, expected: list[int]
) -> None:
    """The least loss first; by any other the cheapest of those within the tolerance."""
    losses = {1: 0.2, 2: 0.0, 3: 0.1, 4: 0.3, 5: 0.25}

    ranking = rank(FIVE, evidence=cast("Evidence", Told(losses)), rule=rule, by=by)

    assert order(ranking) == expected
