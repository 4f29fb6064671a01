"""Imports of version 0.1, whose errors say where the modules are now."""

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
def test_an_old_module_is_answered_with_its_new_place(old: str, statement: str) -> None:
    """This holds for a module that is gone and for one whose name a package has now."""
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"in {old} moved to {MOVED[old]} (")):
        exec(statement.format(old))  # noqa: S102 - an import as in users' programs


def test_an_old_module_imported_from_its_package_is_answered_too() -> None:
    """`from study import records` gets the same answer."""
    with pytest.raises(
        ModuleNotFoundError, match=r"^in version 0\.2, .* moved to study\.record\.records "
    ):
        exec("from study import records")  # noqa: S102 - as above


def test_a_module_that_never_existed_gets_pythons_own_error() -> None:
    """The message of other unknown modules is not changed."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'study\.nothing'$"):
        exec("import study.nothing")  # noqa: S102 - as above


def test_the_upgrading_page_lists_exactly_the_moved_modules() -> None:
    """Its table of imports has them in the first column, and their new places in the second."""
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
