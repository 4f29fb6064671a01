"""`python -m study.data get|check|sample celeba|pamap2 --data-dir PATH`.

Exit status: 0 success; 1 the data have faults or could not be fetched; 2 an option is wrong.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from study.data.catalog import DATA_SETS, Command
from study.errors import OptionError, StudyError
from trackers import terminal
from trackers.terminal import as_started

_DESCRIPTION = """Get, check or make the data that studies train on.

The options of each are shown by `python -m study.data get pamap2 --help`.
"""
_Verb = Literal["get", "check", "sample"]
_Name = Annotated[str, tyro.conf.arg(constructor=Literal[tuple(DATA_SETS)])]


def _choose(
    verb: tyro.conf.Positional[_Verb], data_set: tyro.conf.Positional[_Name]
) -> type[Command]:
    """Choose a command.

    Args:
        verb: get: download and verify (celeba: say what to download by hand, and verify). check: verify a folder
            and list every fault with path, line and remedy. sample: write a synthetic data set in the real
            on-disk format.
        data_set: Name of the data set.
    """
    command: type[Command] = getattr(DATA_SETS[data_set], verb)
    return command


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: Arguments after the program's name; None takes those of the process.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if args is None else args)
    program = as_started("python -m study.data")
    chosen = tyro.cli(_choose, prog=program, description=as_started(_DESCRIPTION), args=given[:2])
    command = tyro.cli(chosen, prog=" ".join([program, *given[:2]]), args=given[2:])
    try:
        return 0 if command.run(Console()) else 1
    except StudyError as error:
        Console(stderr=True).print(
            f"[red]Error:[/] {escape(as_started(str(error)))}", soft_wrap=True
        )
        return 2 if isinstance(error, OptionError) else 1


if __name__ == "__main__":
    sys.exit(terminal.run(main))
