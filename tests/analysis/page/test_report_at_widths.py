"""Reports at common widths: nothing cut off, no sideways scrolling, accessible, and short."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import pypdfium2
import pytest
from axe_core_python.sync_playwright import Axe
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page

from analysis.choices import Choices
from analysis.findings import Findings
from analysis.page.report import write_report
from study.record.vocabulary import EnergyMethod, Paradigm
from tests.analysis.page.browsing import needs_chromium, opened
from tests.analysis.staged_study import PRETRAINING
from tests.analysis.study_folder import Trial, epochs_of, grid, staged, write_study

pytestmark = needs_chromium

WIDTHS = (1400, 820, 390)
SETUPS = grid([64, 256, 1024, 4096], [0.1, 0.01, 0.001, 0.0001])
MOST_WORDS = 900
LEAST_FILLED = 2 / 3
"""Least share of the height of a printed page that is filled; the last page may be emptier."""

CUT_OFF = """() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((text) => {
    const own = text.getBoundingClientRect();
    return own.width > 0 && (own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 1 || own.bottom > box.bottom + 1);
  }).map((text) => svg.closest("figure").id + ": " + text.textContent);
})"""
"""Texts of figures that lie outside their picture."""

OVERLAPPING = """() => [...document.querySelectorAll("figure svg .role-axis-label")].flatMap((axis) => {
  const words = [...axis.querySelectorAll("text")].filter((text) => getComputedStyle(text).opacity !== "0");
  const level = words.filter((text) => !text.getAttribute("transform").includes("rotate")).map((text) => text.getBoundingClientRect());
  return level.slice(1).flatMap((box, i) =>
    box.top < level[i].bottom && level[i].top < box.bottom && box.left < level[i].right ? [axis.textContent] : []);
})"""
"""Axes with labels that overlap."""

TITLE_IN_LABELS = """() => [...document.querySelectorAll("figure svg .role-axis-title text")].flatMap((title) => {
  const own = title.getBoundingClientRect(), axis = title.closest(".role-axis");
  const boxes = [...axis.querySelectorAll(".role-axis-label text")].map((text) => text.getBoundingClientRect());
  return boxes.some((box) => own.left < box.right - 1 && box.left < own.right - 1 && own.top < box.bottom - 1 && box.top < own.bottom - 1) ? [title.textContent] : [];
})"""
"""Titles of axes that overlap the labels."""


SMALLEST_WORDS_PX = """() => Math.min(...[...document.querySelectorAll("figure svg")].flatMap(svg => {
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return [...svg.querySelectorAll("text")].map(text => scale * parseFloat(getComputedStyle(text).fontSize));
}))"""
"""The smallest font size in any figure, in pixels of the screen."""


def written_report(findings: Findings) -> Path:
    """Write a report as the command does, with its what-if questions."""
    return write_report(findings, what_ifs=Choices().what_ifs(findings))


@pytest.fixture(name="regime", scope="module")
def fixture_regime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grid of the paper, two repeats, one setup far below the others."""
    trials = [
        Trial(
            setup=each.setup,
            seed=seed,
            attempts=[
                epochs_of(
                    [800.0 * each.setup + 60 * seed] * 4,
                    [0.5, 0.8, 0.9, 0.3 if each.setup == 16 else 0.99 - each.setup / 1000],
                )
            ],
        )
        for each in SETUPS
        for seed in (0, 1)
    ]
    folder = write_study(tmp_path_factory.mktemp("regime") / "a", SETUPS, trials)
    return written_report(Choices().analysed(folder))


@pytest.fixture(name="small", scope="module")
def fixture_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four setups with estimates: figures narrower than their titles, and long names."""
    setups = [
        dataclasses.replace(each, parameters={"precision": ("bf16", "fp32")[each.setup % 2]})
        for each in grid([32, 128], [0.01, 0.001])
    ]
    trials = [
        Trial(
            setup=each.setup,
            seed=seed,
            attempts=[epochs_of([0.057 / each.setup + 0.001 * seed] * 3, [0.5, 0.8, 0.9])],
        )
        for each in setups
        for seed in (0, 1)
    ]
    folder = write_study(
        tmp_path_factory.mktemp("small") / "a", setups, trials, method=EnergyMethod.ESTIMATED
    )
    return written_report(Choices().analysed(folder))


@pytest.fixture(name="pretraining", scope="module")
def fixture_pretraining(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen setups with an encoder that pays."""
    trials = [
        staged(
            each.setup,
            {
                stage: [energy_j * each.setup + seed]
                for stage, energy_j in zip(PRETRAINING, (900.0, 200.0, 700.0, 1000.0), strict=True)
            },
            accuracies=dict.fromkeys(PRETRAINING, 0.9),
            seed=seed,
        )
        for each in SETUPS
        for seed in (0, 1)
    ]
    manifest = {"paradigm": Paradigm.PRETRAINING, "stages": PRETRAINING}
    folder = write_study(
        tmp_path_factory.mktemp("pretraining") / "a", SETUPS, trials, manifest=manifest
    )
    return written_report(Choices().analysed(folder))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["regime", "pretraining", "small"])
def test_nothing_is_cut_off_or_sideways(
    browser: Browser, request: pytest.FixtureRequest, name: str, width: int
) -> None:
    """Each text of a figure lies within its picture, and the page is no wider than the window."""
    page = opened(browser, request.getfixturevalue(name).as_uri(), width=width).page

    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(OVERLAPPING) == []
    assert page.evaluate(TITLE_IN_LABELS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_words_in_figures_can_be_read_on_a_phone(browser: Browser, pretraining: Path) -> None:
    """A figure that is wider than the screen scrolls instead of shrinking."""
    page = opened(browser, pretraining.as_uri(), width=390).page

    assert page.evaluate(SMALLEST_WORDS_PX) >= 7.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(
    browser: Browser, regime: Path, scheme: Literal["light", "dark"]
) -> None:
    """axe-core finds no fault in contrast, roles, names and order."""
    page = opened(browser, regime.as_uri(), scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach((fold) => fold.open = true)")

    # A figure is an image with a name; its marks are read by pointing at them.
    found: dict[str, Any] = Axe().run(page, context={"exclude": [["figure svg"]]})

    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


@pytest.mark.parametrize("name", ["regime", "pretraining"])
def test_a_print_has_no_half_empty_page_and_no_heading_alone(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    """All pages but the last are filled to two thirds at least and do not end with a heading."""
    page = opened(browser, request.getfixturevalue(name).as_uri()).page
    headings = set(page.locator("h2, h3").all_inner_texts())

    page.pdf(path=str(tmp_path / "a.pdf"), prefer_css_page_size=True)

    pages = list(pypdfium2.PdfDocument(tmp_path / "a.pdf"))
    ends = [each.get_textpage().get_text_range().strip().splitlines()[-1] for each in pages]
    filled = [_filled(each.render(scale=0.25).to_pil()) for each in pages]
    assert min(filled[:-1]) > LEAST_FILLED
    assert not headings & set(ends[:-1])


def _filled(picture: Image.Image) -> float:
    """Share of a page's height down to the lowest mark."""
    box = ImageOps.invert(picture.convert("L")).getbbox()
    return 0.0 if box is None else box[3] / picture.height


def test_the_visible_text_of_a_pretraining_report_is_short(
    browser: Browser, pretraining: Path
) -> None:
    """Before anything is unfolded, the page has at most 900 words."""
    page = opened(browser, pretraining.as_uri()).page

    assert len(page.locator("body").inner_text().split()) <= MOST_WORDS


def test_a_selected_setup_is_marked_in_all_figures_and_tables(
    browser: Browser, regime: Path
) -> None:
    """A click on a mark or Enter on its number selects it, and Escape clears the selection."""
    page = opened(browser, regime.as_uri()).page

    page.locator("figure#pareto_front [aria-label^='Setup 3:']").click()
    marked = highlighted_in(page)
    page.keyboard.press("Escape")
    cleared = highlighted_in(page)
    page.locator("#ranking tr[data-setup='5'] button.setup").focus()
    page.keyboard.press("Enter")

    assert {"figure pareto_front", "figure relative_energy", "table ranking"} <= marked
    assert cleared == set()
    assert highlighted_in(page) == marked
    assert page.locator("#ranking button[aria-pressed='true']").inner_text() == "5"


def test_the_answer_changes_with_the_what_if_question(browser: Browser, regime: Path) -> None:
    """Another tolerance has its own answer, and the first question restores the first answer."""
    page = opened(browser, regime.as_uri()).page
    answer = page.locator("#recommendation .lead")
    first = answer.inner_text()

    page.get_by_label("What if").select_option(label="a tolerance of 0.5 percentage points")
    other = answer.inner_text()
    page.get_by_label("What if").select_option(index=0)

    assert "(setup 1)" in first
    assert other != ""
    assert answer.inner_text() == first


def highlighted_in(page: Page) -> set[str]:
    """Elements and ids of the figures and tables that mark a setup."""
    return set(
        page.evaluate(
            """() => [...document.querySelectorAll(".picked")].map((each) => {
              const around = each.closest("figure, table");
              return around.localName + " " + around.id;
            })"""
        )
    )
