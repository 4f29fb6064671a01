"""The documents: links lead somewhere, commands and their options exist."""

import importlib.util
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
COMMAND = re.compile(r"python3? -m ([a-z_.]+)([^\n`#]*)")
PATH = re.compile(
    r"`((?:study|analysis|trackers|models|benchmarks|tests|docs|scripts)/[\w/.*-]*|[\w/-]+\.py)`"
)
OPTION = re.compile(r"(?<!\S)--[a-z][a-z0-9-]*")
OURS = {"study", "trackers", "analysis", "benchmarks"}


def links(document: Path) -> set[str]:
    """Links to files of the repository."""
    found = LINK.findall(document.read_text())
    return {each.partition("#")[0] for each in found if "://" not in each} - {""}


def commands(document: Path) -> set[tuple[str, str]]:
    """Our modules that are run, with what follows."""
    return {
        (module.rstrip("."), rest)
        for module, rest in COMMAND.findall(document.read_text())
        if module.partition(".")[0] in OURS
    }


@cache
def help_of(words: tuple[str, ...]) -> str:
    """What `--help` says."""
    done = subprocess.run(
        [sys.executable, "-m", *words, "--help"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    """Of this repository."""
    lost = [each for each in links(document) if not (document.parent / each).exists()]

    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_exist(document: Path) -> None:
    """A file or folder that a document names is there, by its whole path."""
    named = set(PATH.findall(document.read_text()))

    lost = [each for each in sorted(named) if not any(ROOT.glob(each))]

    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_exist(document: Path) -> None:
    """Whoever copies a command from a document runs something."""
    modules = {module for module, _ in commands(document)}

    lost = [module for module in modules if importlib.util.find_spec(module) is None]

    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_options_of_commands_exist(document: Path) -> None:
    """They are in the command's own `--help`."""
    lost = []
    for module, rest in sorted(commands(document)):
        options = OPTION.findall(rest)
        if options and module.partition(".")[0] != "benchmarks":
            verbs = rest.split()[:2] if module == "study.data" else []
            verbs = rest.split()[:1] if rest.split()[:1] == ["serve"] else verbs
            known = help_of((module, *verbs))
            lost += [f"{module} {each}" for each in options if each not in known]

    assert lost == []


def test_there_is_something_to_test() -> None:
    """The README names commands and links."""
    assert len(commands(ROOT / "README.md")) > 5
    assert len(links(ROOT / "README.md")) > 2
