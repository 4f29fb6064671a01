"""Holds the arrows between packages, the size of files and what importing may do."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("study", "models", "trackers", "analysis")
LONGEST_FILE = 350
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

OURS = {
    "trackers": {"trackers"},
    "models": {"models"},
    "study": {"study", "trackers", "models"},
    "analysis": {
        *("analysis", "study.records", "study.manifest", "study.bookings", "study.attempts"),
    },
}
"""Of our own modules, what each package may import."""

THEIRS = {
    "ray": {
        "trackers/actor.py",
        "trackers/client.py",
        "study/trainable.py",
        "study/launch.py",
        "study/callback.py",
        "study/cluster.py",
        "study/steering.py",
    },
    "torch": {
        "models/",
        "study/training.py",
        "study/samples.py",
        "study/checkpoints.py",
        "study/stages.py",
        "study/devices.py",
        "study/scenarios/",
    },
    "timm": {"models/"},
    "pynvml": {"trackers/nvml_library.py"},
}
"""Which files may import a library; a folder ends with a slash."""


def sources() -> list[str]:
    """All source files of our packages, from the root."""
    return sorted(
        str(path.relative_to(ROOT)) for each in PACKAGES for path in (ROOT / each).rglob("*.py")
    )


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported at run time, wherever in the file."""
    for_types_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(a.value) for a in node.args if isinstance(a, ast.Constant))


def broken_arrows(file: str, text: str) -> list[str]:
    """Imports that a file may not have."""
    package = file.split("/", maxsplit=1)[0]
    broken = []
    for module in imported(ast.parse(text)):
        top = module.split(".", maxsplit=1)[0]
        if top in PACKAGES:
            allowed = any(module == a or module.startswith(f"{a}.") for a in OURS[package])
        elif top in THEIRS:
            allowed = any(
                file == a or (a.endswith("/") and file.startswith(a)) for a in THEIRS[top]
            )
        else:
            allowed = True
        if not allowed:
            broken.append(f"{file} imports {module}")
    return broken


@pytest.mark.parametrize("file", sources())
def test_arrows_point_one_way(file: str) -> None:
    """No file imports what its place in the layout forbids."""
    text = (ROOT / file).read_text()

    broken = broken_arrows(file, text)

    assert broken == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("trackers/meter.py", "import study.records"),
        ("trackers/rapl.py", "from ray import get"),
        ("trackers/detect.py", "import pynvml"),
        ("models/sensor.py", "from trackers.meter import EnergyMeter"),
        ("analysis/load.py", "import torch"),
        ("analysis/load.py", "def f():\n    import ray"),
        ("analysis/energy.py", "from study.results import StudyFolder"),
        ("study/recorder.py", "import analysis"),
        ("study/recorder.py", "from torch import nn"),
        ("study/setups.py", "import importlib\nimportlib.import_module('ray')"),
    ],
)
def test_a_planted_arrow_is_found(file: str, line: str) -> None:
    """The test above can fail: an import planted the wrong way is named."""
    text = f"{(ROOT / file).read_text()}\n{line}\n"

    broken = broken_arrows(file, text)

    assert len(broken) == 1


@pytest.mark.parametrize("file", sources())
def test_files_are_short_and_named_for_what_they_hold(file: str) -> None:
    """A file is read in one go, and its name says what is in it."""
    lines = len((ROOT / file).read_text().splitlines())

    assert lines <= LONGEST_FILE
    assert Path(file).stem not in VAGUE_NAMES


LIGHT = {
    "analysis.__main__": ("ray", "torch", "pynvml"),
    "trackers.meter": ("ray", "torch", "pynvml"),
    "study.options": ("ray", "torch", "pynvml"),
    "study.records": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.manifest": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.bookings": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.attempts": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.data.__main__": ("ray", "torch", "pynvml"),
}
"""What must not be loaded, directly or by something in between, when a module is imported."""


@pytest.mark.parametrize("module", LIGHT)
def test_importing_is_light(module: str) -> None:
    """A reader of results needs neither Ray nor torch; nor does who only wants to measure."""
    heavy = LIGHT[module]
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_importing_says_and_starts_nothing() -> None:
    """Importing any module prints nothing and leaves no thread."""
    modules = [
        file.removesuffix(".py").replace("/", ".")
        for file in sources()
        if not file.endswith(("__init__.py", "__main__.py"))
    ]
    code = f"import importlib, threading\nfor m in {modules!r}: importlib.import_module(m)\n"
    code += "print([t.name for t in threading.enumerate() if t is not threading.main_thread()])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
