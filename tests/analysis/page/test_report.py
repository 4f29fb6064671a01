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

from analysis.figures.drawing import draw
from analysis.figures.setups import pareto_info, relative_energy_info
from analysis.findings import analyse
from analysis.page.report import write_report
from analysis.read.load import load
from study.record.records import EnergyMethod
from tests.analysis.study_folder import constant, grid, write_study

NASTY = "<script>alert('x')</script> & \"co\""
ROOT = Path(__file__).parents[3]
FIGURES = (
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


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_bars_are_shares_of_the_worst_with_their_spread(tmp_path: Path) -> None:
    """Means 7250, 3650 and 1850 J; a deviation of 70.7 J is 0.98 % of the worst."""
    bars = relative_energy_info(analyse(load(four_setups(tmp_path / "a")))).bars

    shown = [(bar.batch_size, bar.learning_rate, bar.accuracy) for bar in bars]
    assert shown == [
        (64, "0.1", "82"),
        (64, "0.0001", "84"),
        (256, "0.1", "86"),
        (256, "0.0001", "88"),
    ]
    assert [bar.percent for bar in bars[:3]] == pytest.approx([100, 50.345, 25.517], abs=1e-3)
    assert (bars[0].low, bars[0].high) == pytest.approx((99.025, 100.975), abs=1e-3)
    assert (bars[3].percent, bars[3].low, bars[3].high) == (None, None, None)


def test_points_without_an_energy_are_not_drawn(tmp_path: Path) -> None:
    """The Pareto figure has the setups that have both numbers, by growing energy."""
    points = pareto_info(analyse(load(four_setups(tmp_path / "a")))).points

    assert [point.setup for point in points] == [3, 2, 1]
    assert [point.on_front for point in points] == [True, False, False]


def test_figures_say_that_they_are_estimates_of_synthetic_data(tmp_path: Path) -> None:
    """The label is drawn into the picture, which travels without its page."""
    folder = four_setups(tmp_path / "a", method=EnergyMethod.ESTIMATED, synthetic=True)

    drawings = draw(analyse(load(folder)))

    assert [drawing.name for drawing in drawings] == list(FIGURES)
    for drawing in drawings:
        assert "(estimated; data: synthetic)" in drawing.svg
        assert drawing.png.startswith(b"\x89PNG")


def test_a_study_without_energies_has_a_report_without_figures(tmp_path: Path) -> None:
    """Nothing is drawn from nothing; the page says why."""
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, None, 0.9)])

    page = write_report(analyse(load(folder))).read_text()

    assert "<figure" not in page
    assert "no finished trial has an energy" in page


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    """One script, which its policy names, no link but to the files beside it, no style that fetches."""
    page = write_report(analyse(load(four_setups(tmp_path / "a"))))
    outline = Outline()

    outline.feed(page.read_text())

    links = [each for each in outline.references if each != "data:," and each[0] != "#"]
    assert not {"img", "iframe", "object", "image"} & set(outline.tags)
    assert outline.tags.count("script") == 1
    assert links
    assert all((page.parent / reference).is_file() for reference in links)
    assert "default-src 'none'; script-src 'sha256-" in html.unescape(page.read_text())
    assert not re.search(r"@import|url\((?!#)", page.read_text())


def test_what_comes_from_the_study_is_escaped(tmp_path: Path) -> None:
    """A name, a warning or an option cannot become markup, neither on the page nor in a figure."""
    folder = four_setups(
        tmp_path / "a",
        manifest={
            "study": NASTY,
            "scenario": NASTY,
            "command": (NASTY,),
            "options": {NASTY: NASTY},
            "warnings": (NASTY,),
        },
    )
    outline = Outline()

    outline.feed(write_report(analyse(load(folder))).read_text())

    assert outline.tags.count("script") == 1
    assert "svg" in outline.tags


def test_the_report_replaces_the_one_before_and_leaves_no_scraps(tmp_path: Path) -> None:
    """Twice written is once there, with each table and figure as a file."""
    folder = four_setups(tmp_path / "a")

    for _ in range(2):
        write_report(analyse(load(folder)))

    assert {path.name for path in (folder / "report").iterdir()} == {
        "index.html",
        "energy_per_epoch_mwh.csv",
        "total_energy_percent_of_worst.csv",
        "ranking.csv",
        "stages.csv",
        *(f"{name}.{ending}" for name in FIGURES for ending in ("svg", "png", "csv", "vl.json")),
    }


def test_each_csv_file_says_in_each_row_that_its_numbers_are_estimated(tmp_path: Path) -> None:
    """A file that has left its page still tells; one of measured numbers has the column, empty."""
    estimated = four_setups(tmp_path / "a", method=EnergyMethod.ESTIMATED, synthetic=True)
    measured = four_setups(tmp_path / "b")

    for folder, said in ((estimated, "estimated; data: synthetic"), (measured, "")):
        write_report(analyse(load(folder)))
        files = list((folder / "report").glob("*.csv"))
        assert len(files) == 4 + len(FIGURES)
        for file in files:
            assert {row["labels"] for row in csv.DictReader(file.open())} == {said}, file.name


def test_the_command_prints_the_answer_and_writes_the_page(tmp_path: Path) -> None:
    """Tables, recommendation and the report's path, no line wider than a plain file's."""
    folder = four_setups(tmp_path / "a", synthetic=True)

    done = run(folder, "--tolerance", "2")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Use batch size 256 and learning rate 0.1 (setup 3)" in done.stdout
    assert f"Report: {folder / 'report' / 'index.html'}" in done.stdout
    assert "data: synthetic" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines() if "Report" not in line)


def test_a_narrower_tolerance_changes_the_advice_and_no_report_writes_none(tmp_path: Path) -> None:
    """At 0 points only the most accurate setup is left, and that one has no energy."""
    folder = four_setups(tmp_path / "a")

    done = run(folder, "--tolerance", "0", "--no-report")

    assert done.returncode == 0
    assert "No recommendation: no setup that is accurate enough has an energy." in done.stdout
    assert not (folder / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "No folder was given"),
        (["nowhere"], "nowhere does not exist"),
        (["nowhere", "--tolerance", "-1"], "--tolerance is -1"),
        (["nowhere", "--tolerence", "1"], "--tolerance"),
    ],
)
def test_wrong_input_is_a_paragraph_and_status_2(arguments: list[str], said: str) -> None:
    """Whatever is wrong with the command line, there is no traceback."""
    done = run(*arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
