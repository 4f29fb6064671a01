"""Reading of a command's options, named as the process was started."""

from collections.abc import Sequence
from typing import TypeVar

import tyro

from trackers.terminal import as_started

Options = TypeVar("Options")


def parsed(kind: type[Options], words: Sequence[str], *, program: str, text: str) -> Options:
    """Return the options of a command; what is not understood ends the process with status 2.

    Args:
        kind: A dataclass with a field for each option.
        words: Behind the program's name.
        program: Its name behind `python -m`.
        text: What `--help` says of it.
    """
    prog = as_started(f"python -m {program}")
    return tyro.cli(kind, prog=prog, description=as_started(text), args=words)
