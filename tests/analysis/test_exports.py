"""The public names of `analysis`."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import analysis
from analysis.findings import analyse
from analysis.read.load import load
from tests.analysis.fixture.make import FOLDER

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_export_can_be_loaded(name: str) -> None:
    """Each name of `__all__` is imported on first access."""
    assert getattr(analysis, name).__name__ == name


def test_the_list_of_exports_is_complete() -> None:
    """`__all__` is sorted and equals `dir(analysis)`."""
    assert sorted(analysis.__all__) == analysis.__all__ == dir(analysis)


def test_no_export_has_the_name_of_a_subpackage() -> None:
    """`analysis.tables` always means the subpackage, whatever was imported before."""
    subpackages = {each.name for each in pkgutil.iter_modules(analysis.__path__)}

    assert subpackages.isdisjoint(analysis.__all__)


def test_unknown_name_raises_an_error_that_lists_the_exports() -> None:
    """A misspelt attribute raises AttributeError with the known names."""
    with pytest.raises(AttributeError, match=r"no attribute 'loda'; it has AnalysisError, "):
        importlib.import_module("analysis").loda  # noqa: B018 - the access itself must raise


def test_import_loads_no_heavy_library() -> None:
    """`import analysis` loads no pandas, altair, Ray or torch."""
    code = "import sys, analysis; print({'ray', 'torch', 'pandas', 'altair'} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


def test_tables_are_data_frames_with_their_labels() -> None:
    """Columns have the names of the CSV files, numbers all digits, and `attrs` the labels."""
    findings = analyse(load(str(FOLDER / "regime")))

    frames = analysis.data_frames(findings)

    ranking = frames["ranking"]
    assert ranking["energy_wh"].iloc[0] == pytest.approx(1.1)
    assert ranking.attrs["labels"] == findings.labels
    assert "stages" in frames
