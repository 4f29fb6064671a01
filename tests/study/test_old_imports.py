"""Imports of version 0.1, which say where their modules are now."""

import re
from pathlib import Path

import pytest

import analysis
import study
import trackers

PAGE = (Path(__file__).parents[2] / "docs" / "upgrading.md").read_text(encoding="utf-8")
MOVED = {
    old: new for each in (analysis, study, trackers) for old, new in vars(each)["_MOVED"].items()
}


@pytest.mark.parametrize("old", MOVED)
@pytest.mark.parametrize("statement", ["import {}.it", "from {} import It"])
def test_an_old_module_is_answered_with_its_place(old: str, statement: str) -> None:
    """Whether it is gone, or a package has its name now."""
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"in {old} moved to {MOVED[old]} (")):
        exec(statement.format(old))  # noqa: S102 - an import, as users have it


def test_a_module_that_is_taken_from_its_package_is_answered_too() -> None:
    """`from study import records` is another way to import it."""
    with pytest.raises(
        ModuleNotFoundError, match=r"^in version 0\.2, .* moved to study\.record\.records "
    ):
        exec("from study import records")  # noqa: S102 - as above


def test_what_never_was_a_module_is_as_unknown_as_ever() -> None:
    """Python's own words stay where we know nothing."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'study\.nothing'$"):
        exec("import study.nothing")  # noqa: S102 - as above


def test_the_page_on_upgrading_has_the_modules_that_are_answered() -> None:
    """Those in the first column of its table of imports, each with its place in the second."""
    rows = [row.split("|") for row in PAGE.partition("## Imports")[2].splitlines()]
    places = {
        old.rstrip("."): row[2]
        for row in rows
        if len(row) > 2
        for old in re.findall(r"`((?:analysis|study|trackers)\.[a-z0-9_.]+)", row[1])
    }
    packaged = {"study.scenarios": ("study.scenarios.pamap2", "study.scenarios.celeba")}

    assert places.keys() == {each for old in MOVED for each in packaged.get(old, (old,))}
    for old, new in MOVED.items():
        first = new.split(" and ")[0].partition(",")[0]
        assert all(first in places[each] for each in packaged.get(old, (old,)))
