"""The commands that documents and benchmarks tell a reader to type."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
HISTORY = ROOT / "CHANGELOG.md"
"""Names commands and options as they were, too."""

DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {HISTORY})
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))

FENCED = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
NO_SHELL = {"python", "yaml", "toml", "json"}
"""Languages of blocks that nobody types into a shell."""

PYTHON = r"(?:\.venv/bin/)?python3? -m "
COMMAND = re.compile(
    rf"^(?:{PYTHON}(?=\w)|(?=power-of-training|make [a-z]|scripts/\w+(?: |$)|benchmarks(?:\.\w+)+(?: |$)"
    r"|ray \w|tensorboard |optuna-dashboard |pip |pre-commit |git ))"
    r"(?P<words>.+)$"
)
ASIDE = re.compile(r"\s+#.*$|\s{2,}.*$")
"""What stands behind a command, to say what it is for."""

OPTIONAL = re.compile(r" \[[^\]]*\]")
ONE_OF = re.compile(r"(\w+)(?:\|\w+)+")


def documented() -> list[str]:
    """Every command, without `python -m`; each once."""
    texts = [text for document in DOCUMENTS for text in typed(document.read_text())]
    return sorted({found for text in texts for found in commands(text)} | set(benchmarked()))


def benchmarked() -> Iterator[str]:
    """The commands that benchmarks name in their first docstring."""
    for path in BENCHMARKS:
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        for line in said.splitlines():
            plain = ONE_OF.sub(r"\1", OPTIONAL.sub("", line.strip()))
            yield from commands(plain)


def typed(markdown: str) -> Iterator[str]:
    """Lines of code blocks, and code within sentences."""
    for language, block in FENCED.findall(markdown):
        if language not in NO_SHELL:
            yield from (line.strip() for line in block.splitlines())
    for span in SPAN.findall(FENCED.sub("", markdown)):
        yield " ".join(span.split())


def commands(text: str) -> Iterator[str]:
    """The command that a line is, and the one that it hands to another machine."""
    found = COMMAND.match(ASIDE.sub("", text))
    if found and "..." not in found["words"]:
        yield found["words"]
        handed = re.search(rf"{PYTHON}([^']+)'", text)
        if handed and found["words"].startswith("ray exec"):
            yield handed[1]
