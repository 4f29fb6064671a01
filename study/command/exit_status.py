"""Exit status of a command, and the message about the error or interrupt that ended it."""

import sys
from collections.abc import Callable

from study.errors import StudyError
from trackers.terminal import INTERRUPTED, REFUSED, as_started

SOME_FAILED = 1
"""Exit status of a study with failed trials; the other statuses are shared by all commands."""


def exit_status(
    program: str, run: Callable[[], int], *, on_interrupt: Callable[[], bool] = lambda: False
) -> int:
    """Run a command, and return its exit status.

    Args:
        program: Module name after `python -m`, which prefixes error messages.
        run: The command; returns its exit status where it ends normally.
        on_interrupt: Called on a keyboard interrupt; returns True to suppress the message that the
            command was interrupted before the first trial.
    """
    named = as_started(f"python -m {program}").removeprefix("python -m ")
    try:
        return run()
    except StudyError as error:
        sys.stderr.write(as_started(f"{named}: {error}\n"))
        return REFUSED
    except KeyboardInterrupt:
        if not on_interrupt():
            sys.stderr.write(f"{named}: interrupted before the first trial\n")
        return INTERRUPTED
