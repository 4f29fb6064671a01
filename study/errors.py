"""Errors that are found before a study starts, with their exit status.

    StudyError                  every error a user can mend; exit status 2
    |-- OptionError             an option's value, alone or together with another
    |-- DataError               a data folder or a file in it
    |-- ScenarioError           --scenario names something that is not a scenario
    |-- StorageError            the results folder cannot be written or read
    `-- ClusterError            Ray cannot be reached, or lacks what a trial asks for

A message says what was got, what is allowed and what to do. Whatever happens inside a running
trial is not raised: it is a result with a `stop_reason` (`study.record.records.StopReason`).
"""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

_INSTALLED = {"site-packages", "dist-packages"}
_OURS = tuple(
    str(Path(__file__).parent.parent / name) + "/"
    for name in ("analysis", "models", "study", "trackers")
)


class StudyError(Exception):
    """Something the user can mend; no trial was started."""


class OptionError(StudyError):
    """An option has a value that is not allowed."""


class DataError(StudyError):
    """A data set is missing, incomplete or malformed."""


class ScenarioError(StudyError):
    """`--scenario` does not lead to a usable scenario."""


class StorageError(StudyError):
    """The results folder cannot be written or read."""


class ClusterError(StudyError):
    """Ray cannot be reached, or has not the resources that one trial asks for."""


def raised_text(error: BaseException, *, whole: bool = False) -> str:
    """An error of somebody's own code: its kind, what it says, and where that is in their files.

    Args:
        error: What was raised.
        whole: All lines of what it says, which where a library cannot be imported are advice; else the
            first.

    Examples:
        >>> raised_text(KeyError("age"))
        "KeyError: 'age'"
    """
    said = str(error).strip()
    said = (said if whole else said.partition("\n")[0]).rstrip(".")  # the message goes on
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    theirs = [
        each for each in traceback.extract_tb(error.__traceback__) if _is_theirs(each.filename)
    ]
    if not theirs:
        return text
    return f"{text} ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})"


def _is_theirs(file: str) -> bool:
    """Return whether a file is neither ours, nor Python's, nor of an installed package."""
    if file.startswith(("<", sysconfig.get_path("stdlib"), *_OURS)):
        return False
    return _INSTALLED.isdisjoint(Path(file).parts)


@final
class Faults:
    """Faults that several checks have found, reported at once."""

    def __init__(self) -> None:
        """Nothing was found yet."""
        self._found: list[StudyError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Around a check: what it raises is kept."""
        try:
            yield
        except StudyError as error:
            self._found.append(error)

    def refuse(self) -> None:
        """End here where something was found.

        Raises:
            StudyError: What was found; of several, a paragraph each.
        """
        match self._found:
            case []:
                return
            case [only]:
                raise only
            case several:
                raise StudyError("\n\n".join(map(str, several)))
