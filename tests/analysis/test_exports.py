"""What `import analysis` gives."""

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
def test_every_export_is_there(name: str) -> None:
    """Each name of `__all__` is loaded when it is asked for."""
    assert getattr(analysis, name).__name__ == name


def test_the_list_of_exports_is_complete() -> None:
    """What can be had from the package is in `__all__`, sorted, and in `dir`."""
    assert sorted(analysis.__all__) == analysis.__all__ == dir(analysis)


def test_no_export_has_the_name_of_a_room() -> None:
    """`analysis.tables` is always the room: an export of that name would depend on what was imported."""
    rooms = {each.name for each in pkgutil.iter_modules(analysis.__path__)}

    assert rooms.isdisjoint(analysis.__all__)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """A slip of the pen says what there is."""
    with pytest.raises(AttributeError, match=r"no attribute 'loda'; it has AnalysisError, "):
        importlib.import_module("analysis").loda  # noqa: B018 - that it is refused is the point


def test_importing_it_loads_nothing_heavy() -> None:
    """`import analysis` costs milliseconds: no pandas, no altair, no Ray, no torch."""
    code = "import sys, analysis; print({'ray', 'torch', 'pandas', 'altair'} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


def test_tables_are_data_frames_with_their_labels() -> None:
    """Numbers have all digits under the names of the CSV files, and say what they are."""
    findings = analyse(load(str(FOLDER / "regime")))

    frames = analysis.data_frames(findings)

    ranking = frames["ranking"]
    assert ranking["energy_wh"].iloc[0] == pytest.approx(1.1)
    assert ranking.attrs["labels"] == findings.labels
    assert "stages" in frames
