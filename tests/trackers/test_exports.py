"""Names that can be imported from `trackers`."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import trackers

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", trackers.__all__)
def test_every_export_is_there(name: str) -> None:
    """Each name of `__all__` can be imported."""
    assert getattr(trackers, name).__name__ == name


def test_the_list_of_exports_is_complete() -> None:
    """Every name that can be loaded is in `__all__`, which is sorted, and in `dir`."""
    table = vars(trackers)["_MODULES"]

    assert sorted(trackers.__all__) == trackers.__all__ == dir(trackers)
    assert set(table) == set(trackers.__all__)


def test_no_export_has_the_name_of_a_room() -> None:
    """`trackers.meter` is always the room: an export of that name would depend on what was imported."""
    rooms = {each.name for each in pkgutil.iter_modules(trackers.__path__)}

    assert rooms.isdisjoint(trackers.__all__)


def test_the_error_of_an_unknown_name_lists_the_known_ones() -> None:
    """The error of a misspelt name lists the names that exist."""
    with pytest.raises(AttributeError, match=r"no attribute 'EnergyMetre'; it has Component, "):
        importlib.import_module("trackers").EnergyMetre  # noqa: B018 - that it is refused is the point


def test_importing_trackers_loads_nothing_heavy() -> None:
    """A program that only measures waits neither for Ray nor for torch."""
    code = "import sys; from trackers import EnergyMeter, detect\n"
    code += "print({'ray', 'torch', 'pandas'} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"
