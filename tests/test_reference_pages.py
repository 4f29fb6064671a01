"""The reference pages: each export is on one, and nothing is on two."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
SHOWN = [
    each for page in PAGES for each in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)
]
"""Modules and names whose docstrings the site shows."""


@pytest.mark.parametrize("package", ["analysis", "study", "trackers"])
def test_every_export_is_on_a_reference_page(package: str) -> None:
    """It is listed by name, or with the whole module that defines it."""
    exports: dict[str, str] = vars(importlib.import_module(package))["_MODULES"]

    absent = [
        name
        for name, module in exports.items()
        if module not in SHOWN and f"{module}.{name}" not in SHOWN
    ]

    assert absent == []


@pytest.mark.parametrize("framework", ["huggingface", "keras", "lightning"])
def test_every_callback_is_on_a_reference_page(framework: str) -> None:
    """Callbacks are no exports of the package, because each needs its framework."""
    assert f"study.callbacks.{framework}.EnergyCallback" in SHOWN


def test_the_reference_shows_everything_once() -> None:
    """A second copy would have the same anchors as the first."""
    assert [each for each, times in Counter(SHOWN).items() if times > 1] == []


def test_the_navigation_names_each_page_once() -> None:
    """No page is listed in two places."""
    pages = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)

    assert [each for each, times in Counter(pages).items() if times > 1] == []
