"""The report in a real Chromium, as people open it: from a file, offline, wide and narrow.

Without Debian's package of Chromium, these tests are skipped with a message.
"""

import threading
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from analysis.choices import Choices
from analysis.findings import analyse
from analysis.page.live import LiveReport
from analysis.page.report import write_report
from analysis.page.serve import ReportServer
from analysis.read.load import load
from tests.analysis.page.browsing import needs_chromium, opened
from tests.analysis.study_folder import Trial, epochs_of, grid, write_study
from tests.waiting import PATIENCE_S

pytestmark = needs_chromium


def study(folder: Path, *, setups: int = 4) -> Path:
    """Write a study of four setups with two repeats, of which the first `setups` have finished."""
    trials = [
        Trial(
            setup=setup,
            seed=seed,
            attempts=[epochs_of([900.0 * setup + 10 * seed] * 3, [0.5, 0.8, 0.85 + setup / 1000])],
        )
        for setup in range(1, setups + 1)
        for seed in (0, 1)
    ]
    running = {"status": "running"} if setups < 4 else {}
    return write_study(folder, grid([64, 256], [0.1, 0.001]), trials, manifest=running)


@pytest.fixture(name="report", scope="module")
def fixture_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A written report."""
    return write_report(analyse(load(study(tmp_path_factory.mktemp("report") / "a"))))


def column(page: Page, number: int) -> list[str]:
    """Texts of one column of the ranking, from top to bottom."""
    return page.locator(f"#ranking tbody td:nth-child({number})").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_without_messages_and_requests(
    browser: Browser, report: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    """The advice and the figure are on the first screen, and nothing scrolls sideways."""
    watched = opened(browser, report.as_uri(), width=width, scheme=scheme)
    page = watched.page

    advice = page.locator("#recommendation .lead")
    figure = page.locator("figure#pareto_front svg")

    assert advice.inner_text().startswith("Use batch size 64 and learning rate 0.1 (setup 1)")
    for seen in (advice, figure):
        box = seen.bounding_box()
        assert box is not None
        assert box["y"] < page.evaluate("innerHeight")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.body.scrollWidth <= innerWidth")
    assert (watched.complaints, watched.requests) == ([], [])


def test_recording_notices_messages_and_requests(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    """A foreign picture, a script's message and a wide box are noticed, so the test above can fail."""
    spoilt = tmp_path / "index.html"
    extra = (
        '<img src="http://127.0.0.1:9/x.png"><script>console.log(1)</script>'
        '<div style="width:3000px">x</div></body>'
    )
    policy_off = report.read_text().replace("Content-Security-Policy", "x")
    spoilt.write_text(policy_off.replace("</body>", extra))

    watched = opened(browser, spoilt.as_uri(), width=390)

    assert watched.requests == ["http://127.0.0.1:9/x.png"]
    assert "1" in watched.complaints
    assert watched.page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_the_policy_blocks_other_scripts(browser: Browser, report: Path, tmp_path: Path) -> None:
    """If text of a study became markup on the page, the browser would still not run it."""
    spoilt = tmp_path / "index.html"
    script = '<script>document.title = "taken"</script></body>'
    spoilt.write_text(report.read_text().replace("</body>", script))

    watched = opened(browser, spoilt.as_uri())

    assert watched.page.title() == "a: energy of training"
    assert any("Content Security Policy" in message for message in watched.complaints)


def test_the_ranking_is_sorted_by_keyboard(browser: Browser, report: Path) -> None:
    """A heading is a button: Enter sorts by its numbers and reverses the order; `aria-sort` states it."""
    page = opened(browser, report.as_uri()).page
    heading = page.locator("#ranking thead th", has_text="total mWh")
    first = column(page, 7)

    heading.locator("button").focus()
    page.keyboard.press("Enter")
    ascending = (heading.get_attribute("aria-sort"), column(page, 7))
    page.keyboard.press("Enter")
    descending = (heading.get_attribute("aria-sort"), column(page, 7))

    up = sorted(first, key=float)
    assert len(set(up)) == 4
    assert ascending == ("ascending", up)
    assert descending == ("descending", up[::-1])
    assert page.locator("#ranking th[aria-sort='ascending']").count() == 0


def test_a_mark_says_what_it_shows(browser: Browser, report: Path) -> None:
    """Pointing at a bar shows its setup in words."""
    page = opened(browser, report.as_uri()).page

    page.locator("figure#relative_energy path[aria-label^='Setup 3:']").hover()

    assert page.locator("#tip").inner_text().startswith("Setup 3: batch size 256")


def test_figures_are_light_on_dark_in_the_dark_scheme(browser: Browser, report: Path) -> None:
    """The words of a figure can be read on the dark page."""
    page = opened(browser, report.as_uri(), scheme="dark").page

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    title = page.evaluate(
        "getComputedStyle(document.querySelector('figure svg .role-title-text text')).fill"
    )

    assert (ground, title) == ("rgb(20, 25, 30)", "rgb(230, 235, 239)")


def test_the_page_prints_on_white(browser: Browser, report: Path) -> None:
    """Links to files are left out, and folded parts are open."""
    page = opened(browser, report.as_uri(), scheme="dark").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert page.locator("#energy_per_epoch_mwh").is_visible()


def test_a_served_page_follows_the_study(browser: Browser, tmp_path: Path) -> None:
    """It reloads when a trial has ended, and keeps the scroll position and the sorting."""
    report = LiveReport(study(tmp_path / "a", setups=3), Choices())
    with ReportServer({"": report}, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        watched = opened(browser, server.url, allowed=server.url.rstrip("/"))
        page = watched.page
        # Otherwise smooth scrolling may be under way when the position is read.
        page.emulate_media(reduced_motion="reduce")
        page.locator("#ranking th button", has_text="setup").click()
        page.evaluate("scrollTo(0, 700)")
        before = column(page, 2)
        study(tmp_path / "a", setups=4)

        report.refresh()
        last = page.locator("#ranking tbody tr:last-child td:nth-child(7)")
        expect(last).not_to_have_text("-", timeout=PATIENCE_S * 1000)
        # The table is there before the script sorts it and the browser restores the position.
        page.wait_for_load_state("load", timeout=PATIENCE_S * 1000)

        sort = page.locator("#ranking th", has_text="setup").get_attribute("aria-sort")
        # The height of what stands above may have changed, but the reader's position is kept.
        page.wait_for_function("Math.abs(scrollY - 700) <= 2", timeout=PATIENCE_S * 1000)
        live = page.locator("#live").inner_text()
        server.shutdown()

    assert (before, column(page, 2), sort) == (
        ["1", "2", "3", "4"],
        ["1", "2", "3", "4"],
        "ascending",
    )
    assert live.startswith("follows; made at")
    assert (watched.complaints, watched.requests) == ([], [])
