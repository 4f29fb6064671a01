"""The names that `import study` exports."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import study

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", study.__all__)
def test_every_export_can_be_loaded(name: str) -> None:
    """Each name of `__all__` is loaded on first access."""
    assert getattr(study, name).__name__ == name


def test_the_list_of_exports_is_complete() -> None:
    """`__all__` and `dir` list everything that the package can load, sorted."""
    table = vars(study)["_MODULES"]

    assert sorted(study.__all__) == study.__all__ == dir(study)
    assert set(table) == set(study.__all__)


def test_no_export_has_the_name_of_a_room() -> None:
    """`study.record` is always the package: an export of that name would depend on what was imported before."""
    rooms = {each.name for each in pkgutil.iter_modules(study.__path__)}

    assert rooms.isdisjoint(study.__all__)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """The error lists the names that exist."""
    with pytest.raises(AttributeError, match=r"no attribute 'run_studdy'; it has Arrays, "):
        importlib.import_module("study").run_studdy  # noqa: B018 - the access is tested


@pytest.mark.parametrize("module", ["study", "study.record", "study.studies", "study.scenario"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    """Reading records or defining a scenario loads neither Ray nor torch nor pandas."""
    code = f"import sys, {module}; print({{'ray', 'torch', 'pandas'}} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"
