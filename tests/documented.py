"""Commands that documents and benchmarks tell a reader to run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
HISTORY = ROOT / "CHANGELOG.md"
"""Also names commands and options of earlier versions."""

DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {HISTORY})
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))

FENCED = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
NO_SHELL = {"python", "yaml", "toml", "json"}
"""Languages of code blocks that are not shell commands."""

PYTHON = r"(?:\.venv/bin/)?python3? -m "
COMMAND = re.compile(
    rf"^(?:{PYTHON}(?=\w)|(?=power-of-training|make [a-z]|scripts/\w+(?: |$)|benchmarks(?:\.\w+)+(?: |$)"
    r"|ray \w|tensorboard |optuna-dashboard |pip |pre-commit |git ))"
    r"(?P<words>.+)$"
)
ASIDE = re.compile(r"\s+#.*$|\s{2,}.*$")
"""Comment after a command."""

OPTIONAL = re.compile(r" \[[^\]]*\]")
ONE_OF = re.compile(r"(\w+)(?:\|\w+)+")


def documented() -> list[str]:
    """All commands, each once, without `python -m`."""
    texts = [text for document in DOCUMENTS for text in typed(document.read_text())]
    return sorted({found for text in texts for found in commands(text)} | set(benchmarked()))


def benchmarked() -> Iterator[str]:
    """Commands in the module docstrings of benchmarks, without their optional parts."""
    for path in BENCHMARKS:
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        for line in docstring.splitlines():
            plain = ONE_OF.sub(r"\1", OPTIONAL.sub("", line.strip()))
            yield from commands(plain)


def typed(markdown: str) -> Iterator[str]:
    """Lines of shell code blocks, and inline code."""
    for language, block in FENCED.findall(markdown):
        if language not in NO_SHELL:
            yield from (line.strip() for line in block.splitlines())
    for span in SPAN.findall(FENCED.sub("", markdown)):
        yield " ".join(span.split())


def commands(text: str) -> Iterator[str]:
    """The command on a line, if any, and the one that a `ray exec` runs on another machine."""
    found = COMMAND.match(ASIDE.sub("", text))
    if found and "..." not in found["words"]:
        yield found["words"]
        remote = re.search(rf"{PYTHON}([^']+)'", text)
        if remote and found["words"].startswith("ray exec"):
            yield remote[1]
