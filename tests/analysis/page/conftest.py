"""Fixtures of tests that open a page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.analysis.page.browsing import CHROMIUM, FLAGS


@pytest.fixture(name="chromium", scope="session")
def fixture_chromium() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(name="browser")
def fixture_browser(chromium: Browser) -> Iterator[Browser]:
    """The browser for one test, whose pages are closed after it."""
    yield chromium
    for context in chromium.contexts:
        context.close()
