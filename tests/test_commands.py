"""Every command that a document names runs in its smallest form."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree

import pytest

from tests.documented import BENCHMARKS, documented
from tests.smallest_forms import FORMS, STUDIES, Form, helped

ROOT = Path(__file__).parent.parent
FIXTURE = ROOT / "tests" / "analysis" / "fixture" / "regime"
DOCUMENTED = documented()
SCENARIOS = {
    "mine.py": "classification",
    "faces.py": "images",
    "images.py": "images",
    "regression.py": "regression",
    "several.py": "several",
    "text.py": "text",
}
"""Files that documents create with `study.new`, with their kinds."""


def form_of(command: str) -> Form | None:
    """Form of a command, or None."""
    return next((form for form in FORMS if re.match(form.begins, command)), None)


def tutorial() -> str:
    """Scenario that readers of the tutorial write."""
    page = (ROOT / "docs" / "tutorials" / "your-own-network.md").read_text()
    return page.partition("```python\n")[2].partition("```")[0]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with the files that the documents' examples name: studies, tables, a space, scenarios."""
    for name in ("NAME", "A", "B"):
        copytree(FIXTURE, tmp_path / "results" / name)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    (tmp_path / "space.yaml").write_text("batch_size: [64, 256]\n")
    (tmp_path / "digits.py").write_text(tutorial())
    for file, kind in SCENARIOS.items():
        (tmp_path / file).write_text((ROOT / "study" / "templates" / f"{kind}.py").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def parameters(commands: Sequence[str]) -> list[object]:
    """Each command with its form; of a form that takes long, only the longest command."""
    by_form: dict[Form, list[str]] = {}
    for command in commands:
        form = form_of(command)
        if form is not None:
            by_form.setdefault(form, []).append(command)
    return [
        pytest.param(each, form, marks=form.marks, id=each)
        for form, its_commands in by_form.items()
        for each in ([max(its_commands, key=len)] if form.marks else its_commands)
    ]


def of_benchmarks() -> list[str]:
    """Commands whose forms train whole studies, which `make test` does not run."""
    with_form = ((each, form_of(each)) for each in DOCUMENTED)
    return [each for each, form in with_form if form is not None and STUDIES in form.marks]


@pytest.mark.parametrize(("command", "form"), parameters(DOCUMENTED))
def test_a_documented_command_runs(command: str, form: Form) -> None:
    """A command that is copied from a document works."""
    if command.startswith("study.new"):
        Path(shlex.split(command)[1]).unlink(missing_ok=True)

    form.run(shlex.split(command))


@pytest.mark.parametrize("command", of_benchmarks())
def test_a_benchmark_has_the_options_that_documents_give(command: str) -> None:
    """Its `--help` knows all of them; `make test-benchmarks` runs the benchmark itself."""
    helped(shlex.split(command))


def test_each_command_has_a_form() -> None:
    """A new command in a document needs a line in `tests/smallest_forms.py`."""
    without = [command for command in DOCUMENTED if form_of(command) is None]

    assert without == []


def test_each_form_belongs_to_a_command() -> None:
    """A form is removed when its command is gone from the documents."""
    used = {form.begins for command in DOCUMENTED if (form := form_of(command)) is not None}

    assert {form.begins for form in FORMS} - used == set()


def test_the_command_of_each_benchmark_is_documented() -> None:
    """A benchmark that can be run is named in its own docstring or a document, and so is run here."""
    names = [
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in BENCHMARKS
        if '__name__ == "__main__"' in path.read_text()
    ]
    unnamed = [
        name
        for name in (each.removesuffix(".__main__") for each in names)
        if not any(command.split()[0] == name for command in DOCUMENTED)
    ]

    assert unnamed == []
