"""Errors that are found before a study starts.

    StudyError                  any error that the user can fix; exit status 2
    |-- OptionError             value of an option, alone or together with another
    |-- DataError               a data folder or a file in it
    |-- ScenarioError           --scenario names something that is not a scenario
    |-- StorageError            the results folder cannot be written or read
    `-- ClusterError            Ray cannot be reached, or lacks what a trial requests

A message says what was given, what is allowed and what to do. Failures inside a running trial are not
raised: they become results with a `stop_reason` (`study.record.vocabulary.StopReason`).
"""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, final

_INSTALLED = {"site-packages", "dist-packages"}
_OURS = tuple(
    str(Path(__file__).parent.parent / name) + "/"
    for name in ("analysis", "models", "study", "trackers")
)


class StudyError(Exception):
    """Base of all errors that the user can fix; no trial was started."""


class OptionError(StudyError):
    """An option has a value that is not allowed."""


class DataError(StudyError):
    """A data set is missing, incomplete or malformed."""


class ScenarioError(StudyError):
    """`--scenario` does not lead to a usable scenario."""


class StorageError(StudyError):
    """The results folder cannot be written or read."""


class ClusterError(StudyError):
    """Ray cannot be reached, or lacks the resources that one trial requests."""


def refuse(given: str, allowed: str) -> NoReturn:
    """Raise an error that says what was given and what is allowed.

    Args:
        given: Option and value, such as `--repeats is 0`.
        allowed: Allowed values, such as `1 or more`.

    Raises:
        OptionError: Always.
    """
    message = f"{given}; allowed: {allowed}."
    raise OptionError(message)


def raised_text(error: BaseException, *, whole: bool = False) -> str:
    """Return an error raised in the user's code as text: type, message, and place in the user's files.

    Args:
        error: The exception that was raised.
        whole: Whether to keep all lines of the message rather than the first; the further lines of a
            failed import often contain advice.

    Examples:
        >>> raised_text(KeyError("age"))
        "KeyError: 'age'"
    """
    said = str(error).strip()
    said = (said if whole else said.partition("\n")[0]).rstrip(".")  # callers continue the sentence
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    theirs = [
        each for each in traceback.extract_tb(error.__traceback__) if _is_theirs(each.filename)
    ]
    if not theirs:
        return text
    return f"{text} ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})"


def _is_theirs(file: str) -> bool:
    """Return whether a file belongs neither to this project, nor to Python, nor to an installed package."""
    if file.startswith(("<", sysconfig.get_path("stdlib"), *_OURS)):
        return False
    return _INSTALLED.isdisjoint(Path(file).parts)


@final
class Faults:
    """Collects the errors of several checks, to report them at once."""

    def __init__(self) -> None:
        """Start without any errors."""
        self._found: list[StudyError] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect a `StudyError` raised inside the context instead of letting it propagate."""
        try:
            yield
        except StudyError as error:
            self._found.append(error)

    def raise_any(self) -> None:
        """Raise the collected errors, if there are any.

        Raises:
            StudyError: The only error as it was raised, or several joined, a paragraph each.
        """
        match self._found:
            case []:
                return
            case [only]:
                raise only
            case several:
                raise StudyError("\n\n".join(map(str, several)))
