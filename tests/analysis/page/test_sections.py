"""Structure of the page: the advice in parts, key figures, and sections with content."""

from pathlib import Path

import pytest

from analysis.figures.drawing import draw
from analysis.findings import analyse
from analysis.page.report import write_report
from analysis.page.sections import advice_parts, hero, key_figures, sections
from analysis.read.load import load
from analysis.tables.factor_table import factor_table
from study.record.vocabulary import Paradigm, Stage
from tests.analysis.study_folder import constant, grid, staged, write_study
from tests.analysis.without_figures import without_figures


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One.", ("One.", "", "")),
        (
            "Use 0.1 of it. No more. See `x`. Four.",
            ("Use 0.1 of it.", "No more. See `x`.", "Four."),
        ),
        ("No recommendation: none.", ("No recommendation: none.", "", "")),
    ],
)
def test_advice_is_split_after_its_first_and_third_sentence(
    text: str, parts: tuple[str, str, str]
) -> None:
    """A decimal point does not end a sentence."""
    assert advice_parts(text) == parts


def test_a_number_stays_on_a_line_with_its_unit() -> None:
    """They are joined by a no-break space."""
    lead, _, _ = advice_parts("It is 86.8 % for 3 mWh, 2 Wh or 1 kWh each.")

    space = "\N{NO-BREAK SPACE}"
    assert lead == f"It is 86.8{space}% for 3{space}mWh, 2{space}Wh or 1{space}kWh each."


def test_without_energies_there_are_tables_but_no_key_figures(tmp_path: Path) -> None:
    """Sections without content are left out, and the others are unfolded."""
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, None, 0.9)])
    findings = analyse(load(folder))
    drawings = draw(findings)

    found = sections(findings, drawings, paper=False)

    assert hero(drawings) is None
    assert key_figures(findings) == ()
    assert [each.name for each in found] == ["ranked", "energy"]
    assert not any(each.folded for each in found)


def test_a_saving_that_may_be_chance_is_no_key_figure(tmp_path: Path) -> None:
    """The advice says that the two cannot be told apart."""
    stages = ("attributes", "identity", Stage.BOTH)
    trials = [
        staged(
            1,
            dict(zip(stages, ([10.0], [10.0], [both_j]), strict=True)),
            seed=seed,
            accuracies=dict.fromkeys(stages, 0.9),
        )
        for seed, both_j in enumerate((15.0, 24.0, 19.0))
    ]
    manifest = {"paradigm": Paradigm.MULTITASK, "stages": stages}

    found = analyse(load(write_study(tmp_path / "a", grid([64], [0.1]), trials, manifest=manifest)))

    assert "cannot be told apart in energy from one by one" in found.recommendation.text
    assert not any("training together" in each.name for each in key_figures(found))


def test_published_numbers_and_factors_are_shown_on_request(tmp_path: Path) -> None:
    """Each then has a section and CSV files; by default there is neither."""
    folder = write_study(
        tmp_path / "a", grid([64, 256], [0.1, 0.01]), [constant(n, 3.6 * n, 0.9) for n in (1, 2)]
    )
    findings = analyse(load(folder))

    without = write_report(findings, drawn_by=without_figures).read_text()
    beside = write_report(
        findings, paper=True, factors=factor_table(findings), drawn_by=without_figures
    ).read_text()

    assert 'id="paper"' not in without
    assert 'id="paper"' in beside
    assert "Table 3 prints a saving of 46.1 %" in beside
    assert 'id="deciding"' not in without
    assert 'id="factors"' in beside
    assert (folder / "report" / "factors.csv").is_file()
    assert (folder / "report" / "against_paper_table_2.csv").is_file()
