"""Something wrong with a file of a data set, said so that its owner can mend it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        path: The file or folder.
        line: Line of the file, from 1; None where it is the whole file.
        found: What was got, and what was expected.
        remedy: What to do.
    """

    path: Path
    line: int | None = None
    found: str
    remedy: str

    def __str__(self) -> str:
        """The fault as one line: place, finding, remedy."""
        place = f"{self.path}" if self.line is None else f"{self.path}, line {self.line}"
        return f"{place}: {self.found}. {self.remedy}"
