"""Figure 4 of the paper: break-even lines."""

from pathlib import Path

import pytest

from analysis.figures.drawing import draw
from analysis.findings import Findings
from analysis.page.report import write_report
from analysis.page.sections import key_figures
from analysis.pretraining.charts import line_rows
from analysis.pretraining.figures import BreakEvenLinesInfo, break_even_lines_infos
from study.record.vocabulary import Paradigm
from tests.analysis.staged_study import PRETRAINING, findings_of


def lines_of(found: Findings) -> tuple[BreakEvenLinesInfo, ...]:
    """The figures of the frozen and the unfrozen classifier."""
    assert found.paradigm.pretraining is not None
    return break_even_lines_infos(found.study.manifest, found.paradigm.pretraining, found.labels)


def test_lines_cross_where_pretraining_pays(tmp_path: Path) -> None:
    """8 / (4 - 2) = 4 at best, 10 / (4 - 3) = 10 at worst; a setup that never pays has no panel."""
    found = findings_of(
        tmp_path / "a",
        Paradigm.PRETRAINING,
        PRETRAINING,
        {1: (10, 3, 9, 4), 2: (8, 2, 9, 4), 3: (8, 5, 9, 4)},
    )

    frozen, unfrozen = lines_of(found)

    best, average, worst = frozen.cases
    assert (best.case, best.label, best.pays_at) == ("best", "setup 2, 64 x 0.01", 4)
    assert (worst.label, worst.cycles, worst.crossing_wh) == ("setup 1, 64 x 0.1", 10, 40)
    assert (average.label, average.cycles) == ("mean energies of 2 setups", 6)
    assert "never in 1" in frozen.note
    assert unfrozen.cases == ()


def test_the_lines_csv_has_the_energies_of_each_cycle(tmp_path: Path) -> None:
    """After 4 cycles both have used the same; before, pretraining is behind, and afterwards ahead."""
    found = findings_of(tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 9, 4)})

    rows = {row["cycles"]: row for row in line_rows(lines_of(found)[0])}

    ahead = [rows[n]["from_scratch_wh"] - rows[n]["with_pretraining_wh"] for n in (0, 3, 4, 5)]
    assert ahead == [-8, -2, 0, 2]


def test_one_setup_has_one_panel(tmp_path: Path) -> None:
    """It is both the best and the worst, and there is no average."""
    found = findings_of(tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 9, 4)})

    frozen, _ = lines_of(found)

    assert [case.case for case in frozen.cases] == ["best"]


@pytest.mark.slow
def test_the_break_even_figure_comes_first(tmp_path: Path) -> None:
    """Where nothing pays there is no such figure, and the report is complete without it."""
    pays = findings_of(
        tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 9, 4), 2: (9, 2, 9, 4)}
    )
    never = findings_of(tmp_path / "b", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 5, 9, 4)})

    drawing = draw(pays)[0]
    page = write_report(never).read_text()

    assert drawing.name == "break_even_lines_classifier_frozen"
    assert "pays at 4" in drawing.svg
    assert 'id="break_even_classifier_frozen"' in page
    assert 'id="break_even_lines_classifier_frozen"' not in page


def test_key_figures_are_about_pretraining(tmp_path: Path) -> None:
    """They answer the question that the study asked."""
    found = findings_of(tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 5, 4)})

    keys = key_figures(found)

    assert [key.value for key in keys] == ["1 of 1", "4.0", "60 %"]
