"""Fault in a file of a data set, described so that its owner can correct it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Fault in a file or folder of a data set.

    Attributes:
        path: The file or folder.
        line: Line of the file, from 1; None if the fault is not in one line.
        found: What was found, and what was expected.
        remedy: What to do about it.
    """

    path: Path
    line: int | None = None
    found: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as one line of text: place, finding, remedy."""
        place = f"{self.path}" if self.line is None else f"{self.path}, line {self.line}"
        return f"{place}: {self.found}. {self.remedy}"
