"""A real Chromium for tests of the report, and pages whose activity is recorded."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason=f"there is no {CHROMIUM}: the report was not opened in a browser (apt-get install chromium)",
    ),
]


@dataclass
class Watched:
    """A page with its console messages, errors and blocked requests, which a report must not have."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def opened(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    allowed: str = "file:",
) -> Watched:
    """Open a page and record its complaints and blocked requests; only the page and `allowed` are served."""
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 500 else 800}, color_scheme=scheme
    )
    watched = Watched(context.new_page())

    def note(route: Route) -> None:
        if route.request.url == url or route.request.url.startswith(allowed + "/"):
            route.continue_()
        else:
            watched.requests.append(route.request.url)
            route.abort()

    watched.page.route("**/*", note)
    watched.page.on("console", lambda message: watched.complaints.append(message.text))
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.goto(url, wait_until="load")
    return watched
