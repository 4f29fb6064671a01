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
FULLEST_ROOM = 14
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

OURS = {
    "trackers": {"trackers"},
    "models": {"models"},
    "study": {"study", "trackers", "models"},
    "analysis": {
        *("analysis", "study.record", "study.inference"),
    },
}
"""Of our own modules, what each package may import."""

THEIRS = {
    "ray": {
        "trackers/node/",
        "study/execution/",
        "study/machines/cluster.py",
        "study/search/ray_adapter.py",
    },
    "torch": {
        "models/",
        "study/training/",
        "study/data/celeba/scenario.py",
        "study/data/pamap2/scenario.py",
        "study/data/watch/scenario.py",
    },
    "timm": {"models/"},
    "pynvml": {"trackers/sources/nvml/library.py"},
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


def test_arrows_point_one_way() -> None:
    """No file imports what its place in the layout forbids."""
    broken = [
        arrow for file in sources() for arrow in broken_arrows(file, (ROOT / file).read_text())
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("trackers/meter/meter.py", "import study.record.records"),
        ("trackers/sources/rapl.py", "from ray import get"),
        ("trackers/sources/detect.py", "import pynvml"),
        ("models/sensor.py", "from trackers.meter.meter import EnergyMeter"),
        ("analysis/read/load.py", "import torch"),
        ("analysis/read/load.py", "def f():\n    import ray"),
        ("analysis/energy/totals.py", "from study.store.folder import StudyFolder"),
        ("study/store/recorder.py", "import analysis"),
        ("study/store/recorder.py", "from torch import nn"),
        ("study/store/setups.py", "import importlib\nimportlib.import_module('ray')"),
    ],
)
def test_a_planted_arrow_is_found(file: str, line: str) -> None:
    """The test above can fail: an import planted the wrong way is named."""
    text = f"{(ROOT / file).read_text()}\n{line}\n"

    broken = broken_arrows(file, text)

    assert len(broken) == 1


def test_files_are_short_and_named_for_what_they_hold() -> None:
    """A file is read in one go, and its name says what is in it."""
    too_long = [f for f in sources() if len((ROOT / f).read_text().splitlines()) > LONGEST_FILE]
    vague = [file for file in sources() if Path(file).stem in VAGUE_NAMES]

    assert too_long == []
    assert vague == []


def test_folders_are_rooms() -> None:
    """A folder can be read in one sitting, and its `__init__` says in a sentence what is in it."""
    rooms: dict[Path, list[str]] = {}
    for file in sources():
        rooms.setdefault(Path(file).parent, []).append(file)

    crowded = {
        str(room): len(files) for room, files in rooms.items() if len(files) - 1 > FULLEST_ROOM
    }
    silent = [
        str(room)
        for room in rooms
        if not ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
    ]

    assert crowded == {}
    assert silent == []


LIGHT = {
    "analysis.__main__": ("ray", "torch", "pynvml"),
    "trackers.meter.meter": ("ray", "torch", "pynvml"),
    "study.options": ("ray", "torch", "pynvml"),
    "study.record.records": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.record.manifest": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.record.bookings": ("ray", "torch", "pynvml", "pandas", "numpy"),
    "study.record.attempts": ("ray", "torch", "pynvml", "pandas", "numpy"),
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
