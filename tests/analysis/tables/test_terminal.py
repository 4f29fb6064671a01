"""Output on terminals of any width."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from analysis.findings import analyse
from analysis.read.load import load
from analysis.tables.factor_table import factor_table
from analysis.tables.terminal import bill_line, show, show_against_paper, show_table
from tests.analysis.study_folder import constant, grid, write_study

FIXTURE = Path(__file__).parents[1] / "fixture"


def shown(study: str, width: int) -> str:
    """Everything that is printed about a study, with a baseline, which makes tables wide."""
    findings = analyse(load(FIXTURE / study), baseline=1)
    console = Console(width=width, file=io.StringIO(), record=True)
    show(findings, console)
    show_table(factor_table(findings), console)
    show_against_paper(findings, console)
    return console.export_text()


@pytest.mark.slow
@pytest.mark.parametrize("study", ["regime", "pretraining"])
@pytest.mark.parametrize("width", [72, 80, 100, 160])
def test_no_number_is_cut_off(study: str, width: int) -> None:
    """A table that is too wide is split into parts."""
    text = shown(study, width)

    assert "…" not in text
    assert all(len(line.rstrip()) <= width for line in text.splitlines())


def test_both_matrices_share_a_row_where_there_is_room() -> None:
    """On a wide terminal they stand side by side, on a narrow one below each other."""
    titles = ("Energy per epoch, Wh", "Total energy, % of the worst setup")

    wide, narrow = (shown("regime", width).splitlines() for width in (100, 60))

    assert any(all(title in line for title in titles) for line in wide)
    assert not any(all(title in line for title in titles) for line in narrow)


def test_each_part_of_a_split_table_names_its_rows() -> None:
    """The p values of the analysis of variance stand beside the quantity and factor that they belong to."""
    lines = shown("regime", 72).splitlines()

    (heading,) = [line for line in lines if line.rstrip().endswith(" p")]
    assert heading.split()[:2] == ["quantity", "factor"]


def test_the_bill_is_a_sum_and_its_parts(tmp_path: Path) -> None:
    """Two trainings of 100 J, each with 5 J of set-up and 1 J between epochs."""
    trials = [constant(1, 100.0, 0.9), constant(2, 100.0, 0.8)]
    findings = analyse(load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials)))
    assert findings.bill.epochs_j is not None

    line = bill_line(findings.bill, findings.unit)

    assert findings.bill.total_j == pytest.approx(findings.bill.epochs_j + 12.0)
    assert line.startswith(f"{findings.unit.text(findings.bill.epochs_j + 12.0)}: epochs ")
