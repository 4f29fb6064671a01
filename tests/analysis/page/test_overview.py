"""One page for several studies."""

from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.findings import Findings, analyse
from analysis.page.overview import write_overview
from analysis.page.report import write_report
from analysis.read.load import load
from study.record.files import J_PER_MWH
from tests.analysis.study_folder import constant, grid, write_study
from tests.analysis.without_figures import without_figures


def studies(folder: Path) -> list[Findings]:
    """Two studies of one setup, the second on synthetic data."""
    setups = grid([64], [0.1])
    return [
        analyse(
            load(
                write_study(
                    folder / name,
                    setups,
                    [constant(1, mwh * J_PER_MWH, 0.9)],
                    synthetic=name == "two",
                )
            )
        )
        for name, mwh in (("one", 2.0), ("two", 3.0))
    ]


def test_each_study_has_its_advice_and_a_link_to_its_report(tmp_path: Path) -> None:
    """The links lead to the reports wherever the page is written."""
    found = studies(tmp_path)
    for each in found:
        write_report(each, drawn_by=without_figures)

    page = write_overview(found, tmp_path / "deep" / "er", paper=True, drawn_by=without_figures)

    text = page.read_text(encoding="utf-8")
    for each in found:
        name = each.study.manifest.study
        assert f'<section id="{name}">' in text
        link = f"../../{each.study.path.name}/report/index.html"
        assert f'href="{link}"' in text
        assert (page.parent / link).is_file()
    assert "data: synthetic" in text
    assert "In the paper: " in text
    assert (page.parent / "compared_total_wh.csv").is_file()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The error names the option and the folder."""
    (tmp_path / "file").write_text("")

    with pytest.raises(AnalysisError, match=r"--overview .*file/in.* cannot be written"):
        write_overview(
            studies(tmp_path), tmp_path / "file" / "in", paper=False, drawn_by=without_figures
        )
