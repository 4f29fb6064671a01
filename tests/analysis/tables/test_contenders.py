"""The table of setups that may be the answer."""

from pathlib import Path

import pytest

from analysis.findings import Findings, analyse
from analysis.read.load import load
from analysis.tables.contenders import contenders_info
from tests.analysis.study_folder import constant, grid, write_study


def three_setups(folder: Path, repeats: int) -> Findings:
    """Findings of two setups that differ little and one that needs ten times the energy."""
    trials = [
        constant(setup, energy_j * (1 + seed / 10), 0.9 - seed / 1000, seed=seed)
        for setup, energy_j in ((1, 10.0), (2, 10.5), (3, 100.0))
        for seed in range(repeats)
    ]
    return analyse(load(write_study(folder / "a", grid([64], [0.1, 0.01, 0.001]), trials)))


def test_the_table_has_the_setups_that_may_be_the_answer(tmp_path: Path) -> None:
    """Their probabilities of being the cheapest add up to 100 %; the costly setup is left out."""
    info = contenders_info(three_setups(tmp_path, repeats=3))

    assert info is not None
    keys = [column.key for column in info.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in info.rows]
    assert {row["setup"].value for row in rows} == {1, 2}
    assert sum(float(row["cheapest_percent"].value or 0) for row in rows) == pytest.approx(
        100, abs=1
    )
    for row in rows:
        low, high = row["energy_low_wh"].value, row["energy_high_wh"].value
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert low < high


def test_one_repeat_has_no_contenders(tmp_path: Path) -> None:
    """Without repeats there are no probabilities to show."""
    assert contenders_info(three_setups(tmp_path, repeats=1)) is None


def test_no_probability_is_shown_as_100_percent(tmp_path: Path) -> None:
    """Probabilities are shares of draws, so the table says ">99", as the recommendation does."""
    findings = three_setups(tmp_path, repeats=3)
    info = contenders_info(findings)
    assert info is not None
    within = [column.key for column in info.columns].index("within_percent")

    cells = [row[within] for row in info.rows]

    assert [each.value for each in cells] == [100.0, 100.0]
    assert [each.text for each in cells] == [">99", ">99"]
