"""Criteria by which setups are ranked, and the energy to a target."""

import dataclasses
from pathlib import Path

import pytest

from analysis.energy.failures import ToTarget
from analysis.energy.spread import Spread
from analysis.findings import Findings, analyse
from analysis.ranking.criteria import CRITERIA, RankBy
from analysis.ranking.ranking import rank
from analysis.read.load import load
from analysis.tables.setups import ranking_info
from study.record.files import J_PER_WH
from tests.analysis.study_folder import Trial, constant, epochs_of, grid, setup_energy, write_study

FAST = dataclasses.replace(setup_energy(1, [2 * J_PER_WH], [0.9]), time_s=Spread.of([3600.0]))
SLOW = dataclasses.replace(
    setup_energy(2, [1 * J_PER_WH], [0.895]),
    time_s=Spread.of([3 * 3600.0]),
    to_target=ToTarget(attempts=1, reached=1, energy_j=Spread.of([J_PER_WH])),
)
POOR = dataclasses.replace(setup_energy(3, [0.5 * J_PER_WH], [0.6]), time_s=Spread.of([3600.0]))


@pytest.mark.parametrize(
    ("by", "order", "shown"),
    [
        (RankBy.ENERGY, [2, 1, 3], None),
        (RankBy.ACCURACY_PER_WH, [3, 2, 1], 120.0),
        (RankBy.ENERGY_DELAY, [1, 2, 3], 2.0),
        (RankBy.ENERGY_TO_TARGET, [2, 1, 3], 1.0),
    ],
)
def test_each_criterion_has_its_own_order(
    by: RankBy, order: list[int], shown: float | None
) -> None:
    """2, 1 and 0.5 Wh; 1, 3 and 1 h; 90, 89.5 and 60 %: 45, 89.5 and 120 points per Wh; 2, 3 and 0.5 Wh x h.

    By energy and by energy x time, setups that are accurate enough come first.
    """
    ranking = rank([FAST, SLOW, POOR], by=by)
    show = CRITERIA[by].shown

    assert [row.setup.setup for row in ranking.rows] == order
    assert ranking.first is not None
    assert (show(ranking.first.setup) if show else None) == shown


def test_setup_that_used_no_energy_has_no_place_by_accuracy_per_wh() -> None:
    """0 J, as after subtracting idle power, would make any accuracy infinitely efficient."""
    nothing = setup_energy(4, [0.0], [0.3])

    ranking = rank([FAST, nothing], by=RankBy.ACCURACY_PER_WH)

    assert [(row.setup.setup, row.place) for row in ranking.rows] == [(1, 1), (4, None)]


def test_a_setup_that_missed_the_target_has_no_place() -> None:
    """A setup of which no training reached the target is listed but not ranked."""
    ranking = rank([FAST, SLOW, POOR], by=RankBy.ENERGY_TO_TARGET)

    assert [row.place for row in ranking.rows] == [1, None, None]


def findings_by_target(tmp_path: Path, energies: dict[int, list[tuple[float, float]]]) -> Findings:
    """Findings of one-epoch trainings, given as energy and accuracy, ranked by energy to a target of 0.8."""
    trials = [
        constant(setup, joules, accuracy, seed=seed)
        for setup, several in energies.items()
        for seed, (joules, accuracy) in enumerate(several)
    ]
    folder = write_study(tmp_path / "a", grid([64], [0.1, 0.01, 0.001]), trials)
    return analyse(load(folder), by=RankBy.ENERGY_TO_TARGET, target=0.8)


@pytest.mark.parametrize(
    ("energy_j", "accuracy", "expected"),
    [
        (60.0, 0.7, "no setup reached the target. `--target` takes another value of accuracy."),
        (None, 0.9, "of no setup that reached the target is the energy up to it known."),
    ],
)
def test_missing_recommendation_by_target_is_explained(
    tmp_path: Path, energy_j: float | None, accuracy: float, expected: str
) -> None:
    """Either no setup reached the target, or the energy up to it is not known."""
    missed = epochs_of([10.0], [0.1])
    trials = [
        Trial(setup=1, seed=0, attempts=[epochs_of([energy_j, 1.0], [accuracy, 0.5])]),
        Trial(setup=2, seed=0, attempts=[missed]),
    ]
    folder = write_study(tmp_path / "a", grid([64], [0.1, 0.01]), trials)

    found = analyse(load(folder), by=RankBy.ENERGY_TO_TARGET, target=0.8)

    assert found.recommendation.text == f"No recommendation: {expected}"


def test_energy_to_target_includes_trainings_that_missed_it(
    tmp_path: Path,
) -> None:
    """60 J and a miss of 80 J make 140 J per training that reaches it; the table says how many did."""
    found = findings_by_target(
        tmp_path,
        {
            1: [(60.0, 0.9), (80.0, 0.7)],
            2: [(100.0, 0.9), (102.0, 0.85)],
            3: [(10.0, 0.7), (10.0, 0.7)],
        },
    )

    table = ranking_info(found)
    place = {column.key: index for index, column in enumerate(table.columns)}
    cells = {row[place["setup"]].text: row for row in table.rows}
    low, mean, high = (
        {number: row[place[f"energy_to_target{which}_wh"]].value for number, row in cells.items()}
        for which in ("_low", "", "_high")
    )
    assert [row.setup.setup for row in found.ranking.rows] == [2, 1, 3]
    assert [row.place for row in found.ranking.rows] == [1, 2, None]
    assert mean == {"1": pytest.approx(140 / 3600), "2": pytest.approx(101 / 3600), "3": None}
    for number in "12":
        ends = [low[number], mean[number], high[number]]
        assert ends == sorted(each for each in ends if isinstance(each, float))
    assert (low["3"], high["3"]) == (None, None)
    assert {number: row[place["reached_target"]].text for number, row in cells.items()} == {
        "1": "1 of 2",
        "2": "2 of 2",
        "3": "0 of 2",
    }
    assert "from, to: 95 % interval of the energy to the target" in table.legend
    assert "(95 % interval" in found.recommendation.text.partition("It reaches the target with")[2]


def test_the_recommendation_says_how_many_trainings_missed_the_target(tmp_path: Path) -> None:
    """It also says that their energy is included."""
    found = findings_by_target(
        tmp_path, {1: [(30.0, 0.9), (33.0, 0.9), (33.0, 0.7)], 2: [(100.0, 0.9)]}
    )

    assert (
        "the least of all setups; 2 of its 3 trainings reached it, and what the other used is in that."
        in found.recommendation.text
    )


def test_interval_to_target_equals_that_of_trainings_that_end_there(
    tmp_path: Path,
) -> None:
    """One-epoch trainings end where they reach the target, so both intervals are the same."""
    energies = {1: [(60.0, 0.9), (62.0, 0.9)], 2: [(100.0, 0.9), (102.0, 0.9)]}

    found = findings_by_target(tmp_path, energies).ranking

    assert found.evidence is not None
    total = found.evidence.total_j(2)
    assert total is not None
    assert (found.to_target[2].low, found.to_target[2].high) == (total.low, total.high)


def test_setups_trained_once_have_no_interval_to_the_target(tmp_path: Path) -> None:
    """The table has no columns for one either."""
    found = findings_by_target(tmp_path, {1: [(60.0, 0.9)], 2: [(100.0, 0.9)]})

    assert found.ranking.to_target == {}
    assert "energy_to_target_low_wh" not in [each.key for each in ranking_info(found).columns]


def test_default_target_is_the_best_accuracy_less_the_tolerance(tmp_path: Path) -> None:
    """The best is 0.9 and the tolerance 0.05; setup 1 reaches 0.85 after 1 Wh, setup 2 after 3 Wh."""
    energies = [J_PER_WH] * 3
    trials = [
        Trial(setup=1, seed=0, attempts=[epochs_of(energies, [0.86, 0.7, 0.7])]),
        Trial(setup=2, seed=0, attempts=[epochs_of(energies, [0.1, 0.2, 0.9])]),
    ]
    study = load(write_study(tmp_path / "a", grid([64], [0.1, 0.01]), trials))

    findings = analyse(study, tolerance=0.05, by=RankBy.ENERGY_TO_TARGET)
    info = ranking_info(findings)

    assert info.title == "Least energy to the target accuracy of 85.0 %"
    assert [[row[i].text for i in (0, 1, 4)] for row in info.rows] == [
        ["1", "1", "1.000"],
        ["2", "2", "3.000"],
    ]
