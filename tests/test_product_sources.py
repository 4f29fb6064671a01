"""What holds of each file of the product: packages are declared, exit statuses have one definition.

By lines, not by syntax trees: to parse the whole product takes a second and a half.
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
"""Packages by what is imported, where that is not their name; a new one has its line here."""
OPTIONAL = ("sample", "mlflow", "wandb", "prometheus", "otel", "integrations")
"""Extras whose packages the product imports when somebody asks for what they bring."""
OF_EXTRAS = ("study/callbacks/", "trackers/exports/otel.py", "trackers/exports/prometheus.py")
"""Files that are imported only then; elsewhere such an import stands in a function."""


@cache
def sources() -> dict[str, str]:
    """All files of the product, by their paths."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


def undeclared(path: str, text: str) -> Iterator[str]:
    """What a file imports that nothing in pyproject.toml installs."""
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


def test_each_package_that_is_imported_is_declared() -> None:
    """The wheel's own test borrows this environment's packages, and would miss one."""
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
def test_a_package_that_is_not_declared_is_found(path: str, text: str, missing: list[str]) -> None:
    """In a function too; what an extra brings must not be needed to load any other file."""
    assert list(undeclared(path, text)) == missing


def test_exit_statuses_have_one_definition() -> None:
    """In `trackers.terminal`, which the commands of all packages may import."""
    found = {
        path
        for path, text in sources().items()
        for line in text.splitlines()
        if STATUS.match(line) or (STATUS_RETURNED.match(line) and "def main(" in text)
    }

    assert found == {"trackers/terminal.py"}


@pytest.mark.parametrize("room", ["execution", "repeats", "search", "store", "training"])
def test_what_runs_any_scenario_names_none(room: str) -> None:
    """A message to a user whose scenario is another would be wrong."""
    named = [
        path
        for path, text in sources().items()
        if path.startswith(f"study/{room}/") and re.search("celeba|pamap2", text, re.IGNORECASE)
    ]

    assert named == []


@pytest.mark.parametrize("name", ["Answer", "EnergyUnit"])
def test_a_name_is_one_class(name: str) -> None:
    """What a search found, and the unit of a study: others read them in several packages."""
    defined = [
        path
        for path, text in sources().items()
        if re.search(rf"^class {name}\b", text, re.MULTILINE)
    ]

    assert len(defined) == 1


def test_paths_in_commands_to_type_next_are_quoted() -> None:
    """A folder with a space in its name is one word for a shell, in every command that we print."""
    filled = [
        value
        for text in sources().values()
        for value in re.findall(r"python -m [\w.]+ [^\"`]*?\{([^}]*)\}", text)
    ]

    unquoted = [each for each in filled if not each.startswith(("shlex.quote(", "_scenario("))]

    assert filled
    assert unquoted == []


def test_an_error_of_the_system_is_never_told_as_none() -> None:
    """Libraries raise `OSError` without a number, which has no `strerror`."""
    bare = [path for path, text in sources().items() if re.search(r"\.strerror\b(?! or )", text)]

    assert bare == []
