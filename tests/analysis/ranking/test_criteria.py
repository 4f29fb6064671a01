"""By what setups are ranked, what ties, and what the front leaves out."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from analysis.energy.spread import Spread
from analysis.energy.totals import energy_to_target
from analysis.findings import analyse
from analysis.ranking.criteria import CRITERIA, RankBy
from analysis.ranking.ranking import rank
from analysis.read.load import load
from analysis.tables.setups import ranking_info
from study.record.files import J_PER_WH
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
