"""Parsing of a command's options; help names the program as the user started it."""

from collections.abc import Sequence
from typing import TypeVar

import tyro

from trackers.terminal import as_started

Options = TypeVar("Options")


def parse_options(
    kind: type[Options], arguments: Sequence[str], *, program: str, text: str
) -> Options:
    """Parse a command's options; an invalid command line ends the process with status 2.

    Args:
        kind: Dataclass with a field for each option.
        arguments: Command-line arguments without the program's name.
        program: Module name as given to `python -m`.
        text: Description of the command in `--help`.
    """
    prog = as_started(f"python -m {program}")
    return tyro.cli(kind, prog=prog, description=as_started(text), args=arguments)
