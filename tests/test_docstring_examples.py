"""Examples in docstrings: they run, and exported functions have one."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("analysis", "models", "study", "trackers")
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_run(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All examples of a module work from the root of a checkout."""
    monkeypatch.chdir(ROOT)

    failed, tried = doctest.testmod(importlib.import_module(module))

    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize("package", ["analysis", "study", "trackers"])
def test_exported_functions_have_an_example(package: str) -> None:
    """Each exported function's docstring has a section of examples."""
    exporting = importlib.import_module(package)
    functions = [getattr(exporting, name) for name in exporting.__all__ if name[0].islower()]

    assert [each.__name__ for each in functions if "Examples:" not in (each.__doc__ or "")] == []
