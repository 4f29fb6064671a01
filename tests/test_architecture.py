"""Holds the layers of rooms, where heavy libraries may be imported, the size of files, and light imports.

The layers themselves are the contracts of import-linter in pyproject.toml.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("study", "models", "trackers", "analysis")
BESIDE = ("benchmarks", "scripts")
LONGEST_FILE = 350
FULLEST_ROOM = 14
FULLEST_OF_TESTS = 16
"""Files that a folder of tests may have: those of a room, and what they share."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

THEIRS = {
    "ray": {
        "trackers/node/",
        "study/execution/",
        "study/instrument/",
        "study/machines/admissions.py",
        "study/machines/cluster.py",
        "study/machines/local/ray_owner.py",
        "study/machines/ray_session.py",
        "study/machines/upload.py",
        "study/search/ray_adapter.py",
    },
    "torch": {
        "models/",
        "study/templates/",
        "study/training/",
        "study/data/celeba/scenario.py",
        "study/data/pamap2/scenario.py",
        "study/data/watch/scenario.py",
    },
    "timm": {"models/"},
    "pynvml": {"trackers/sources/nvml/library.py"},
}
"""Which files may import a library; a folder ends with a slash."""


QUESTIONS = {"What", "Whatever", "Whether", "Who", "Whose", "How", "Which", "Why", "When", "Where"}
"""No docstring begins with one of these: it says what something is or does."""


def documented_places(library: str) -> set[Path]:
    """Files and folders that ARCHITECTURE.md's table says may import a library."""
    (row,) = re.findall(
        rf"^\| {library} \| (.+) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )
    return {place for each in re.findall(r"`([^`]+)`", row) for place in places(each)}


def places(pattern: str) -> Iterator[Path]:
    """Files and folders of a path with `*` or `{a,b}` in it."""
    before, brace, rest = pattern.partition("{")
    middle, _, after = rest.partition("}")
    for each in middle.split(",") if brace else [""]:
        yield from ROOT.glob(f"{before}{each}{after}")


def sources(folders: tuple[str, ...] = PACKAGES) -> list[str]:
    """All source files of our packages, or of other folders, from the root."""
    return sorted(
        str(path.relative_to(ROOT)) for each in folders for path in (ROOT / each).rglob("*.py")
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


def misplaced_imports(file: str, text: str) -> list[str]:
    """Imports of heavy libraries that a file may not have."""
    broken = []
    for module in imported(ast.parse(text)):
        top = module.split(".", maxsplit=1)[0]
        if top in THEIRS and not any(
            file == a or (a.endswith("/") and file.startswith(a)) for a in THEIRS[top]
        ):
            broken.append(f"{file} imports {module}")
    return broken


def checked_layers(root: Path) -> subprocess.CompletedProcess[str]:
    """The contracts of pyproject.toml, checked in a checkout."""
    code = "import sys; from importlinter.cli import lint_imports; "
    code += "sys.exit(lint_imports(no_logo=True, no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("library", THEIRS)
def test_the_architecture_says_who_may_import_a_library(library: str) -> None:
    """Its table and `THEIRS` are the same."""
    assert documented_places(library) == {ROOT / each for each in THEIRS[library]}


def test_rooms_import_only_what_is_below_them() -> None:
    """Every contract of import-linter in pyproject.toml is kept."""
    done = checked_layers(ROOT)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("analysis/energy/totals.py", "import analysis.page.report"),
        ("analysis/read/load.py", "def f():\n    from study.store.folder import StudyFolder"),
        ("study/store/recorder.py", "import study.execution.callback"),
        ("trackers/meter/meter.py", "import study.record.records"),
        ("models/sensor.py", "from trackers.meter.meter import EnergyMeter"),
    ],
)
def test_a_planted_upward_import_is_refused(tmp_path: Path, file: str, line: str) -> None:
    """The test above can fail: an import of something above, wherever in the file, is named."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=only_sources)
    with (tmp_path / file).open("a") as planted:
        planted.write(f"\n{line}\n")

    done = checked_layers(tmp_path)

    assert done.returncode == 1
    assert file.removesuffix(".py").replace("/", ".") in done.stdout


def only_sources(folder: str, names: list[str]) -> list[str]:
    """Everything in a folder that is neither a folder nor a source file."""
    return [n for n in names if not n.endswith(".py") and not (Path(folder) / n).is_dir()]


@pytest.mark.slow
def test_heavy_libraries_are_imported_where_they_belong() -> None:
    """Ray, torch, timm and NVML stay in the few files that need them."""
    broken = [
        found for file in sources() for found in misplaced_imports(file, (ROOT / file).read_text())
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("trackers/sources/rapl.py", "from ray import get"),
        ("trackers/sources/detect.py", "import pynvml"),
        ("analysis/read/load.py", "import torch"),
        ("analysis/read/load.py", "def f():\n    import ray"),
        ("study/store/recorder.py", "from torch import nn"),
        ("study/store/setups.py", "import importlib\nimportlib.import_module('ray')"),
    ],
)
def test_a_planted_heavy_import_is_found(file: str, line: str) -> None:
    """The test above can fail: an import planted the wrong way is named."""
    text = f"{(ROOT / file).read_text()}\n{line}\n"

    broken = misplaced_imports(file, text)

    assert len(broken) == 1


def test_files_are_short_and_named_for_what_they_hold() -> None:
    """A file, of tests too, is read in one go, and its name says what is in it."""
    files = sources((*PACKAGES, *BESIDE, "tests"))
    too_long = [f for f in files if len((ROOT / f).read_text().splitlines()) > LONGEST_FILE]
    vague = [file for file in files if Path(file).stem in VAGUE_NAMES]

    assert too_long == []
    assert vague == []


def questions(file: str, text: str) -> list[str]:
    """Docstrings of a file that begin as a question does, each by its name."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        f"{file}: {getattr(node, 'name', 'the module')}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented)
        and (ast.get_docstring(node) or "").partition(" ")[0] in QUESTIONS
    ]


@pytest.mark.slow
def test_docstrings_begin_with_a_noun_or_an_imperative() -> None:
    """A summary line says what something is or does, not "Whether ..." or "How ..."."""
    asked = [
        found
        for file in sources((*PACKAGES, *BESIDE))
        for found in questions(file, (ROOT / file).read_text())
    ]

    assert asked == []


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ('"""Whether it is."""', "the module"),
        ('class Box:\n    """What is in it."""', "Box"),
        ('class Box:\n    def lid(self):\n        """Where it is."""', "lid"),
        ('async def lid():\n    """How it closes."""', "lid"),
    ],
)
def test_a_planted_question_is_found(planted: str, name: str) -> None:
    """The test above can fail: it names the file and the thing whose docstring asks."""
    assert questions("box.py", planted) == [f"box.py: {name}"]


def by_folder(files: list[str]) -> dict[str, int]:
    """Number of files of each folder."""
    return Counter(str(Path(file).parent) for file in files)


def test_folders_are_rooms() -> None:
    """A folder can be read in one sitting, and its `__init__` says in a sentence what is in it."""
    rooms = by_folder(sources())

    crowded = {room: files for room, files in rooms.items() if files > FULLEST_ROOM}
    silent = [
        room
        for room in rooms
        if not ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
    ]

    assert crowded == {}
    assert silent == []


def test_folders_of_tests_are_not_crowded() -> None:
    """Tests mirror the rooms; where one has many, those of a subject have a folder of their own."""
    folders = by_folder(sources(("tests",)))

    assert {each: files for each, files in folders.items() if files > FULLEST_OF_TESTS} == {}


LIGHT = {
    ("ray", "torch", "pynvml"): (
        "analysis.__main__",
        "trackers.meter.meter",
        "study.options",
        "study.repeats.options",
        "study.data.__main__",
    ),
    ("ray", "torch", "pynvml", "pandas"): (
        "study.inference.allocation",
        "study.inference.selection",
    ),
    ("ray", "torch", "pynvml", "pandas", "numpy"): (
        "study.record.records",
        "study.record.manifest",
        "study.record.bookings",
        "study.record.attempts",
    ),
    ("httpx", "scipy.stats"): ("trackers.node.client", "study.forecast.study_forecast"),
}
"""What must not be loaded, directly or by something in between, when these modules are imported."""


@pytest.mark.slow
@pytest.mark.parametrize("heavy", LIGHT, ids=" ".join)
def test_importing_is_light(heavy: tuple[str, ...]) -> None:
    """A reader of results needs neither Ray nor torch; nor does who only wants to measure.

    What a study needs seldom or late, its trackers and trials do not wait for when they begin.
    """
    code = f"""
import importlib, sys
for module in {LIGHT[heavy]!r}:
    importlib.import_module(module)
    loaded = [each for each in {heavy!r} if each in sys.modules]
    assert not loaded, (module, loaded)
"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


OF_FRAMEWORKS = {
    *(f"study/callbacks/{framework}.py" for framework in ("huggingface", "keras", "lightning")),
    *(f"trackers/exports/{library}.py" for library in ("otel", "prometheus")),
}
"""Files that import a framework, which need not be installed and does what it does on import."""


@pytest.mark.slow
def test_importing_says_and_starts_nothing() -> None:
    """Importing any module prints nothing and leaves no thread."""
    modules = [
        file.removesuffix(".py").replace("/", ".")
        for file in sources()
        if not file.endswith(("__init__.py", "__main__.py")) and file not in OF_FRAMEWORKS
    ]
    code = f"import importlib, threading\nfor m in {modules!r}: importlib.import_module(m)\n"
    code += "print([t.name for t in threading.enumerate() if t is not threading.main_thread()])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
