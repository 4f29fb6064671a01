"""Architecture rules: layers of rooms, places of heavy imports, sizes of files, docstrings, light imports.

The layers themselves are import-linter's contracts in pyproject.toml.
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
"""Maximum number of files in a folder of tests: the tests of a room, and what they share."""

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
"""Files that may import a library; a folder ends with a slash."""


QUESTIONS = {"What", "Whatever", "Whether", "Who", "Whose", "How", "Which", "Why", "When", "Where"}
"""No docstring begins with one of these words: it says what something is or does."""


def documented_places(library: str) -> set[Path]:
    """Files and folders that may import a library according to ARCHITECTURE.md's table."""
    (row,) = re.findall(
        rf"^\| {library} \| (.+) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )
    return {place for each in re.findall(r"`([^`]+)`", row) for place in places(each)}


def places(pattern: str) -> Iterator[Path]:
    """Files and folders that a path with `*` or `{a,b}` in it matches."""
    before, brace, rest = pattern.partition("{")
    middle, _, after = rest.partition("}")
    for each in middle.split(",") if brace else [""]:
        yield from ROOT.glob(f"{before}{each}{after}")


def sources(folders: tuple[str, ...] = PACKAGES) -> list[str]:
    """Source files of our packages, or of other folders, as paths from the root."""
    return sorted(
        str(path.relative_to(ROOT)) for each in folders for path in (ROOT / each).rglob("*.py")
    )


def imported(tree: ast.Module) -> Iterator[str]:
    """Modules that a file imports at run time, anywhere in it."""
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
    """Imports of heavy libraries that a file has but may not have."""
    broken = []
    for module in imported(ast.parse(text)):
        top = module.split(".", maxsplit=1)[0]
        if top in THEIRS and not any(
            file == a or (a.endswith("/") and file.startswith(a)) for a in THEIRS[top]
        ):
            broken.append(f"{file} imports {module}")
    return broken


def checked_layers(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of pyproject.toml in a checkout."""
    code = "import sys; from importlinter.cli import lint_imports; "
    code += "sys.exit(lint_imports(no_logo=True, no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("library", THEIRS)
def test_the_architecture_says_which_files_may_import_a_library(library: str) -> None:
    """ARCHITECTURE.md's table agrees with `THEIRS`."""
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
    """The test above can fail: an import from a higher layer, anywhere in a file, is reported with the file."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=only_sources)
    with (tmp_path / file).open("a") as planted:
        planted.write(f"\n{line}\n")

    done = checked_layers(tmp_path)

    assert done.returncode == 1
    assert file.removesuffix(".py").replace("/", ".") in done.stdout


def only_sources(folder: str, names: list[str]) -> list[str]:
    """Names in a folder to leave out of a copy: all but folders and source files."""
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
    """The test above can fail: an import in the wrong file is found, within functions too."""
    text = f"{(ROOT / file).read_text()}\n{line}\n"

    broken = misplaced_imports(file, text)

    assert len(broken) == 1


def test_files_are_short_and_named_for_what_they_hold() -> None:
    """Files, tests included, are short enough to be read in one go, and have no vague names."""
    files = sources((*PACKAGES, *BESIDE, "tests"))
    too_long = [f for f in files if len((ROOT / f).read_text().splitlines()) > LONGEST_FILE]
    vague = [file for file in files if Path(file).stem in VAGUE_NAMES]

    assert too_long == []
    assert vague == []


def questions(file: str, text: str) -> list[str]:
    """Names of what has a docstring that begins like a question, in a file."""
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
    found = [
        each
        for file in sources((*PACKAGES, *BESIDE))
        for each in questions(file, (ROOT / file).read_text())
    ]

    assert found == []


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
    """The test above can fail: it names the file and the object whose docstring begins like a question."""
    assert questions("box.py", planted) == [f"box.py: {name}"]


def by_folder(files: list[str]) -> dict[str, int]:
    """Number of files in each folder."""
    return Counter(str(Path(file).parent) for file in files)


def test_folders_are_rooms() -> None:
    """A folder has few enough files to be read in one sitting, and its `__init__` has a docstring."""
    rooms = by_folder(sources())

    crowded = {room: files for room, files in rooms.items() if files > FULLEST_ROOM}
    undocumented = [
        room
        for room in rooms
        if not ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
    ]

    assert crowded == {}
    assert undocumented == []


def test_folders_of_tests_are_not_crowded() -> None:
    """Tests mirror the rooms; where a room has many, those of one subject have their own folder."""
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
"""Libraries that must not be loaded, directly or indirectly, when these modules are imported."""


@pytest.mark.slow
@pytest.mark.parametrize("heavy", LIGHT, ids=" ".join)
def test_importing_is_light(heavy: tuple[str, ...]) -> None:
    """Reading results and measuring load neither Ray nor torch.

    Trackers and trials do not wait for libraries that a study needs rarely or late.
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
"""Files that import a framework, which may be missing and may print or start something on import."""


@pytest.mark.slow
def test_importing_prints_and_starts_nothing() -> None:
    """Importing any module prints nothing and leaves no thread running."""
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
