"""The end of a command: its exit status, and a word on what ended it."""

import sys
from collections.abc import Callable

from study.errors import StudyError
from trackers.terminal import INTERRUPTED, REFUSED, as_started

SOME_FAILED = 1
"""Exit status of a study of which trials failed; the others are those of every command."""


def exit_status(
    program: str, run: Callable[[], int], *, on_interrupt: Callable[[], bool] = lambda: False
) -> int:
    """Run a command, and return its exit status.

    Args:
        program: The module behind `python -m`, which its errors begin with.
        run: The command; returns the status of one that nothing ends before.
        on_interrupt: Is called where somebody interrupts it, and returns whether it has said itself what
            that means.
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
