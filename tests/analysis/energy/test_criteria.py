"""By what setups are ranked, what ties, and what the front leaves out."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from analysis.energy.criteria import CRITERIA, RankBy
from analysis.energy.noise import energy_noise_j, tied
from analysis.energy.ranking import rank, saving_interval
from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy, energy_to_target
from analysis.findings import analyse
from analysis.read.load import load
from analysis.tables.setups import ranking_info
from study.record.records import J_PER_WH
from tests.analysis.study_folder import Trial, epochs_of, grid, setup_energy, write_study

FAST = dataclasses.replace(
    setup_energy(1, [2 * J_PER_WH], [0.9]), time_s=Spread.of([3600.0]), to_target_j=None
)
SLOW = dataclasses.replace(
    setup_energy(2, [1 * J_PER_WH], [0.895]),
    time_s=Spread.of([3 * 3600.0]),
    to_target_j=Spread.of([J_PER_WH]),
)
POOR = dataclasses.replace(
    setup_energy(3, [0.5 * J_PER_WH], [0.6]), time_s=Spread.of([3600.0]), to_target_j=None
)


@pytest.mark.parametrize(
    ("by", "order", "shown"),
    [
        (RankBy.ENERGY, [2, 1, 3], None),
        (RankBy.ACCURACY_PER_WH, [3, 2, 1], 120.0),
        (RankBy.ENERGY_DELAY, [1, 2, 3], 2.0),
        (RankBy.ENERGY_TO_TARGET, [2, 1, 3], 1.0),
    ],
)
def test_each_criterion_has_its_own_first(
    by: RankBy, order: list[int], shown: float | None
) -> None:
    """2, 1 and 0.5 Wh; 1, 3 and 1 h; 90, 89.5 and 60 %: points per Wh 45, 89.5, 120; Wh x h 2, 3, 0.5.

    Least energy and energy x time come first among the accurate; the others among all.
    """
    ranking = rank([FAST, SLOW, POOR], by=by)
    show = CRITERIA[by].shown

    assert [row.setup.setup for row in ranking.rows] == order
    assert ranking.first is not None
    assert (show(ranking.first.setup) if show else None) == shown


def test_where_nothing_was_used_accuracy_per_wh_is_no_number() -> None:
    """0 J, say less idle power, would make any accuracy worth it: such a setup has no place."""
    nothing = setup_energy(4, [0.0], [0.3])

    ranking = rank([FAST, nothing], by=RankBy.ACCURACY_PER_WH)

    assert [(row.setup.setup, row.place) for row in ranking.rows] == [(1, 1), (4, None)]


def test_a_setup_that_missed_the_target_has_no_place() -> None:
    """It is listed, and not ranked."""
    ranking = rank([FAST, SLOW, POOR], by=RankBy.ENERGY_TO_TARGET)

    assert [row.place for row in ranking.rows] == [1, None, None]


def test_the_energy_to_target_ends_with_the_first_epoch_that_reaches_it() -> None:
    """Trial a: 1 + 2 J; b never; c lacks an energy on the way, d after it."""
    rows = [
        ("a", 1, 1.0, 0.5), ("a", 2, 2.0, 0.8), ("a", 3, 4.0, 0.9),
        ("b", 1, 1.0, 0.7),
        ("c", 1, None, 0.5), ("c", 2, 2.0, 0.8),
        ("d", 1, 3.0, 0.8), ("d", 2, None, 0.8),
    ]  # fmt: skip
    epochs = pd.DataFrame(rows, columns=["trial_id", "epoch", "epoch_energy_j", "val_score"])

    found = energy_to_target(epochs, 0.8)

    assert found.dropna().to_dict() == {"a": 3.0, "d": 3.0}
    assert sorted(found.index) == ["a", "c", "d"]


def test_without_a_target_it_is_the_best_accuracy_less_the_tolerance(tmp_path: Path) -> None:
    """Best 0.9, tolerance 0.05: 0.85 is reached after 1 Wh here and after 3 Wh there."""
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


def boards(setup: SetupEnergy, *names: str) -> SetupEnergy:
    """The setup on these boards."""
    return dataclasses.replace(setup, boards=frozenset(names))


def test_other_boards_tie_below_five_percent() -> None:
    """96 of 100 J is no difference between two boards, and one on the same board or from 90 J on."""
    one, close, far = (setup_energy(n, [e], [0.9]) for n, e in ((1, 100.0), (2, 96.0), (3, 90.0)))

    assert tied(boards(one, "a"), boards(close, "b"))
    assert not tied(boards(one, "a"), boards(close, "a"))
    assert not tied(boards(one, "a"), boards(far, "b"))
    assert energy_noise_j(boards(one, "a"), boards(far, "b")) == 5.0


def test_a_difference_below_the_meters_uncertainty_is_a_tie() -> None:
    """3 and 4 J of uncertainty make 5 J: 4 J apart tie, 6 J do not."""
    one, close, far = (
        dataclasses.replace(setup_energy(n, [e], [0.9]), uncertainty_j=u)
        for n, e, u in ((1, 100.0, 3.0), (2, 96.0, 4.0), (3, 94.0, 4.0))
    )

    assert tied(one, close)
    assert not tied(one, far)


def test_a_point_leaves_the_front_only_when_it_is_worse_beyond_the_noise() -> None:
    """11 against 10 J, both at 90 %: within repeats of +-2 J it stays, within +-0.1 J it goes."""
    noisy = [setup_energy(1, [8.0, 12.0], [0.9, 0.9]), setup_energy(2, [9.0, 13.0], [0.9, 0.9])]
    sure = [setup_energy(1, [9.9, 10.1], [0.9, 0.9]), setup_energy(2, [10.9, 11.1], [0.9, 0.9])]

    assert {row.setup.setup for row in rank(noisy).rows if row.on_front} == {1, 2}
    assert {row.setup.setup for row in rank(sure).rows if row.on_front} == {1}


def test_the_saving_against_a_baseline_has_an_interval() -> None:
    """Means 50 of 100 J; of all pairs the least saved is 1 - 60 / 90, the most 1 - 40 / 110."""
    one, base = setup_energy(1, [40.0, 60.0], [0.9]), setup_energy(2, [90.0, 110.0], [0.9])

    ranking = rank([one, base], baseline=2)
    interval = saving_interval(one, ranking.baseline)

    assert ranking.rows[0].saving_against_baseline == 0.5
    assert interval is not None
    assert interval.low == pytest.approx(1 - 60 / 90)
    assert interval.high == pytest.approx(1 - 40 / 110)
    assert saving_interval(one, setup_energy(3, [1.0], [0.9])) is None
