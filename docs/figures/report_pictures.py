"""Pictures of a report as people meet it: at 1,400 and 390 pixels, dark, and printed.

    python -m docs.figures.report_pictures FOLDER

The study is `benchmarks/data/watch16`. Needs Chromium at /usr/bin/chromium.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from analysis.choices import Choices
from analysis.page.report import write_report
from docs.figures.recorded_study import write_recorded_study

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")

SCREENS = {
    "report-1400": (1400, 900, "light"),
    "report-1400-dark": (1400, 900, "dark"),
    "report-390": (390, 844, "light"),
}
"""Names, widths and heights of the window, and colours."""

COLOURS = 64
"""Of a picture, so that it is small."""


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        study = write_recorded_study(Path(scratch) / "watch16")
        choices = Choices()
        findings = choices.analysed(study)
        page = write_report(findings, what_ifs=choices.what_ifs(findings))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, picture in _pictures(browser, page.as_uri(), Path(scratch)):
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            small.save(folder / f"{name}.png", optimize=True)
        browser.close()


def _pictures(browser: Browser, url: str, scratch: Path) -> Iterator[tuple[str, Image.Image]]:
    for name, (width, height, scheme) in SCREENS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        page.goto(url, wait_until="load")
        file = scratch / f"{name}.png"
        page.screenshot(path=str(file))
        yield name, Image.open(file)
        context.close()
    page = browser.new_page()
    page.goto(url, wait_until="load")
    file = scratch / "report.pdf"
    page.pdf(path=str(file), format="A4", prefer_css_page_size=True)
    yield "report-printed", _sheet(file)


def _sheet(file: Path) -> Image.Image:
    """All pages of a print beside each other."""
    pages = [page.render(scale=0.6).to_pil() for page in pypdfium2.PdfDocument(file)]
    width, height = pages[0].size
    gap = 12
    sheet = Image.new("RGB", (len(pages) * (width + gap) - gap, height), "#888888")
    for place, page in enumerate(pages):
        sheet.paste(page, (place * (width + gap), 0))
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]))
