"""Figures, report and command."""

import csv
import html
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typing_extensions import override

from analysis.__main__ import main
from analysis.figures.answer import answer_info
from analysis.figures.setups import relative_energy_info
from analysis.findings import analyse
from analysis.page.report import write_report
from analysis.read.load import load
from study.record.vocabulary import EnergyMethod
from tests.analysis.study_folder import constant, grid, write_study
from tests.analysis.without_figures import without_figures

NASTY = "<script>alert('x')</script> & \"co\""
ROOT = Path(__file__).parents[3]
FIGURES = (
    "answer",
    "relative_energy",
    "energy_per_epoch_map",
    "total_energy_map",
    "pareto_front",
    "epochs",
)


def four_setups(folder: Path, **options: object) -> Path:
    """A study of four setups, two repeats."""
    energies = {1: 7200.0, 2: 3600.0, 3: 1800.0, 4: None}
    trials = [
        constant(
            setup, energy if energy is None else energy + 100 * seed, 0.8 + setup / 50, seed=seed
        )
        for setup, energy in energies.items()
        for seed in (0, 1)
    ]
    return write_study(folder, grid([64, 256], [0.1, 0.0001]), trials, **options)  # type: ignore[arg-type]


class Outline(HTMLParser):
    """Tags of a page, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references.extend(
            value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "srcset"}
        )


@pytest.fixture(name="page", scope="session")
def fixture_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of estimates of synthetic data, with words in it that would be markup; written twice."""
    folder = four_setups(
        tmp_path_factory.mktemp("report") / "a",
        method=EnergyMethod.ESTIMATED,
        synthetic=True,
        manifest={
            "study": NASTY,
            "scenario": NASTY,
            "command": (NASTY,),
            "options": {NASTY: NASTY},
            "warnings": (NASTY,),
        },
    )
    findings = analyse(load(folder))
    write_report(findings, drawn_by=without_figures)
    return write_report(findings)


def test_bars_are_shares_of_the_worst_with_their_spread(tmp_path: Path) -> None:
    """Means 7250, 3650 and 1850 J; a deviation of 70.7 J is 0.98 % of the worst."""
    bars = relative_energy_info(analyse(load(four_setups(tmp_path / "a")))).bars

    shown = [(bar.batch_size, bar.learning_rate, bar.score_text) for bar in bars]
    assert shown == [
        (64, "0.1", "82.0"),
        (64, "0.0001", "84.0"),
        (256, "0.1", "86.0"),
        (256, "0.0001", "88.0"),
    ]
    assert [bar.percent for bar in bars[:3]] == pytest.approx([100, 50.345, 25.517], abs=1e-3)
    assert (bars[0].low, bars[0].high) == pytest.approx((99.025, 100.975), abs=1e-3)
    assert (bars[3].percent, bars[3].low, bars[3].high) == (None, None, None)


def test_points_without_an_energy_are_not_drawn(tmp_path: Path) -> None:
    """The Pareto figure has the setups that have both numbers, by growing energy."""
    info = answer_info(analyse(load(four_setups(tmp_path / "a"))))

    assert info is not None
    points = info.points
    assert [point.setup for point in points] == [3, 2, 1]
    assert [point.on_front for point in points] == [True, False, False]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_say_that_they_are_estimates_of_synthetic_data(page: Path, name: str) -> None:
    """The label is drawn into the picture, which travels without its page."""
    assert "(estimated; data: synthetic)" in (page.parent / f"{name}.svg").read_text()
    assert (page.parent / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_without_energies_has_a_report_without_figures(tmp_path: Path) -> None:
    """Nothing is drawn from nothing; the page says why."""
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, None, 0.9)])

    page = write_report(analyse(load(folder))).read_text()

    assert "<figure" not in page
    assert "no finished trial has an energy" in page


def test_the_page_loads_nothing(page: Path) -> None:
    """One script, which its policy names, no link but to the files beside it, no style that fetches."""
    outline = Outline()

    outline.feed(page.read_text())

    links = [each for each in outline.references if each != "data:," and each[0] != "#"]
    assert not {"img", "iframe", "object", "image"} & set(outline.tags)
    assert outline.tags.count("script") == 1
    assert links
    assert all((page.parent / reference).is_file() for reference in links)
    assert "default-src 'none'; script-src 'sha256-" in html.unescape(page.read_text())
    assert not re.search(r"@import|url\((?!#)", page.read_text())


def test_what_comes_from_the_study_is_escaped(page: Path) -> None:
    """A name, a warning or an option cannot become markup, neither on the page nor in a figure."""
    outline = Outline()

    outline.feed(page.read_text())

    assert "&lt;script&gt;alert(" in page.read_text()
    assert outline.tags.count("script") == 1
    assert "svg" in outline.tags


def test_the_report_replaces_the_one_before_and_leaves_no_scraps(page: Path) -> None:
    """Twice written is once there, with each table and figure as a file."""
    assert {path.name for path in page.parent.iterdir()} == {
        "index.html",
        "energy_per_epoch_mwh.csv",
        "total_energy_percent_of_worst.csv",
        "ranking.csv",
        "stages.csv",
        "contenders.csv",
        *(f"{name}.{ending}" for name in FIGURES for ending in ("svg", "png", "csv", "vl.json")),
    }


def test_each_csv_file_says_in_each_row_that_its_numbers_are_estimated(page: Path) -> None:
    """A file that has left its page still tells what its numbers are."""
    files = list(page.parent.glob("*.csv"))

    assert len(files) == 5 + len(FIGURES)
    for file in files:
        said = {row["labels"] for row in csv.DictReader(file.open())}
        assert said == {"estimated; data: synthetic"}, file.name


@pytest.mark.slow
def test_files_of_measured_numbers_have_the_column_of_labels_empty(tmp_path: Path) -> None:
    """A program finds the same columns in every file."""
    page = write_report(analyse(load(four_setups(tmp_path / "b"))), drawn_by=without_figures)

    rows = list(csv.DictReader((page.parent / "ranking.csv").open()))

    assert {row["labels"] for row in rows} == {""}


@pytest.mark.slow
def test_the_command_prints_the_answer_and_writes_the_page(tmp_path: Path) -> None:
    """Tables, recommendation and the report's path, no line wider than a plain file's."""
    folder = four_setups(tmp_path / "a", synthetic=True)

    done = subprocess.run(
        [sys.executable, "-m", "analysis", str(folder), "--tolerance", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Use batch size 256 and learning rate 0.1 (setup 3)" in done.stdout
    assert f"Report: {folder / 'report' / 'index.html'}" in done.stdout
    assert "data: synthetic" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines() if "Report" not in line)


def test_a_narrower_tolerance_changes_the_advice_and_no_report_writes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 0 points only the most accurate setup is left, and that one has no energy."""
    folder = four_setups(tmp_path / "a")

    status = main([str(folder), "--tolerance", "0", "--no-report"])

    said = " ".join(capsys.readouterr().out.split())
    assert status == 0
    assert "No recommendation: no setup that is accurate enough has an energy." in said
    assert not (folder / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "No folder was given"),
        (["nowhere"], "nowhere does not exist"),
        (["nowhere", "--tolerance", "-1"], "--tolerance is -1"),
        (
            ["nowhere", "--target-accuracy", "0.9"],
            "--target-accuracy was renamed to --target in version 0.2. ",
        ),
        (["serve", "nowhere", "--target-accuracy=0.9"], "Give --target instead."),
    ],
)
def test_wrong_input_is_a_paragraph_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with the command line, there is no traceback."""
    status = main(arguments)

    assert status == 2
    assert said in capsys.readouterr().err


def test_an_unknown_option_is_answered_with_the_one_that_is_like_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command line's parser ends the program, with status 2."""
    with pytest.raises(SystemExit, match="2"):
        main(["nowhere", "--tolerence", "1"])

    assert "--tolerance" in capsys.readouterr().err
