"""Rules for each source file of the product: imports are declared, exit statuses have one definition.

They are checked line by line, because parsing the whole product into syntax trees takes 1.5 seconds.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "models", "study", "trackers")
IMPORT = re.compile(r"^( *)(?:from (\w+)[\w.]* import\b|import (\w+))", re.MULTILINE)
STATUS = re.compile(r"^_?(?:[A-Z_]+, )*(?:FINISHED|REFUSED|INTERRUPTED|WRONG_INPUT)[A-Z_, ]* = \d")
STATUS_RETURNED = re.compile(r"^ +return (?:2|130)$")
OTHERWISE_NAMED = {
    "PIL": "pillow",
    "mlflow": "mlflow-skinny",
    "opentelemetry": "opentelemetry-sdk",
    "pynvml": "nvidia-ml-py",
    "sklearn": "scikit-learn",
    "vl_convert": "vl-convert-python",
    "yaml": "pyyaml",
}
"""Names of distributions by the name of the import, where they differ."""
OPTIONAL = ("sample", "mlflow", "wandb", "prometheus", "otel", "integrations")
"""Extras whose packages the product imports only on request."""
OF_EXTRAS = ("study/callbacks/", "trackers/exports/otel.py", "trackers/exports/prometheus.py")
"""Files that are imported only on request; other files import such packages within functions."""


@cache
def sources() -> dict[str, str]:
    """Contents of all files of the product, by path."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


def undeclared(path: str, text: str) -> Iterator[str]:
    """Imports of a file that no dependency in pyproject.toml provides."""
    always, optional = declared()
    for indent, package, plain in IMPORT.findall(text):
        name = package or plain
        if name in sys.stdlib_module_names or name in PACKAGES:
            continue
        allowed = always | optional if indent or path.startswith(OF_EXTRAS) else always
        if canonicalize_name(OTHERWISE_NAMED.get(name, name)) not in allowed:
            yield name


@cache
def declared() -> tuple[frozenset[str], frozenset[str]]:
    """Distributions that are always installed, and those of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for name in OPTIONAL for each in project["optional-dependencies"][name]]
    always, optional = (
        frozenset(canonicalize_name(Requirement(each).name) for each in many)
        for many in (project["dependencies"], extras)
    )
    return always, optional


def test_each_imported_package_is_declared() -> None:
    """The wheel's test uses the packages of this environment, and would not notice a missing one."""
    found = {path: list(undeclared(path, text)) for path, text in sources().items()}

    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("path", "text", "missing"),
    [
        ("study/a.py", "import requests\n", ["requests"]),
        ("study/a.py", "from requests.models import Response\n", ["requests"]),
        ("study/a.py", "import mlflow\n", ["mlflow"]),
        ("study/a.py", "def f():\n    import mlflow\n    import requests\n", ["requests"]),
        ("trackers/exports/otel.py", "from opentelemetry import trace\n", []),
    ],
)
def test_an_undeclared_package_is_found(path: str, text: str, missing: list[str]) -> None:
    """It is found within functions too; packages of extras are allowed in functions and in `OF_EXTRAS` only."""
    assert list(undeclared(path, text)) == missing


def test_exit_statuses_have_one_definition() -> None:
    """They are defined in `trackers.terminal`, which the commands of all packages may import."""
    found = {
        path
        for path, text in sources().items()
        for line in text.splitlines()
        if STATUS.match(line) or (STATUS_RETURNED.match(line) and "def main(" in text)
    }

    assert found == {"trackers/terminal.py"}


@pytest.mark.parametrize("room", ["execution", "repeats", "search", "store", "training"])
def test_code_for_all_scenarios_names_none(room: str) -> None:
    """A message that names a scenario would be wrong for users of another."""
    named = [
        path
        for path, text in sources().items()
        if path.startswith(f"study/{room}/") and re.search("celeba|pamap2", text, re.IGNORECASE)
    ]

    assert named == []


@pytest.mark.parametrize("name", ["Answer", "EnergyUnit"])
def test_a_class_name_is_used_once(name: str) -> None:
    """These classes are read in several packages, where a second one would be confused with them."""
    defined = [
        path
        for path, text in sources().items()
        if re.search(rf"^class {name}\b", text, re.MULTILINE)
    ]

    assert len(defined) == 1


def test_paths_in_suggested_commands_are_quoted() -> None:
    """In every command that we print, a folder with a space in its name is one word for the shell."""
    filled = [
        value
        for text in sources().values()
        for value in re.findall(r"python -m [\w.]+ [^\"`]*?\{([^}]*)\}", text)
    ]

    unquoted = [each for each in filled if not each.startswith(("shlex.quote(", "_scenario("))]

    assert filled
    assert unquoted == []


def test_an_os_error_is_never_reported_as_none() -> None:
    """`strerror` always has a fallback: it is None for an `OSError` that a library raises without a number."""
    bare = [path for path, text in sources().items() if re.search(r"\.strerror\b(?! or )", text)]

    assert bare == []
