"""The calibration's tables, and the page into which they are inserted."""

import re

import pytest

from benchmarks.calibration.page import PAGE, refreshed
from benchmarks.calibration.tables import Form, table
from benchmarks.calibration.tasks import FORMS

PLACE = "<!-- table: a -->\nold\n<!-- end -->\n"


def test_a_table_replaces_the_old_one() -> None:
    """Text outside the comments stays."""
    found = refreshed(f"before\n{PLACE}after\n", {"a": r"| \1 |"})

    assert found == "before\n<!-- table: a -->\n\n| \\1 |\n\n<!-- end -->\nafter\n"


def test_a_table_without_a_place_is_refused() -> None:
    """Otherwise a page that has lost its comment would keep old figures."""
    with pytest.raises(ValueError, match="table: b"):
        refreshed(PLACE, {"b": ""})


def test_the_page_has_a_place_for_every_table() -> None:
    """There are those of all tasks, of probabilities, of pairs of seeds, and of the run itself."""
    named = {title for forms in FORMS.values() for title in forms}

    found = set(re.findall(r"<!-- table: (.+) -->", PAGE.read_text(encoding="utf-8")))

    assert found == named | {"probabilities", "two of five seeds", "run"}


def test_a_figure_is_the_median_over_seeds_with_its_range() -> None:
    """Shares are in percent, other numbers have two decimals; a missing value leaves the cell empty."""
    form = Form(before=("truth",), shares=("right", "said"), numbers=("width",))

    found = table(form, {("x",): [{"right": 0.5, "width": 1.0}, {"right": 0.7, "width": 1.0}]})

    assert found.splitlines()[-1] == "| x | 60 (50 to 70) |  | 1.00 |"
