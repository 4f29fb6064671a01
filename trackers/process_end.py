"""Early exit on Windows, and a fast exit of commands that skips the teardown of their libraries."""

import atexit
import gc
import io
import os
import sys
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import dropwhile
from pathlib import Path
from typing import NoReturn

from trackers.terminal import PROGRAM

OURS = ("analysis", "study", "trackers")
"""Packages whose modules can be run as commands."""

WINDOWS = (
    "power-of-training runs on Linux and macOS, and this is Windows. Install it in WSL 2 (`wsl --install`), "
    "which is Linux, and run it there."
)

WRITTEN_TO = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
"""Types of files that buffer what is written to them."""


def refuse_windows(platform: str = sys.platform, words: Sequence[str] | None = None) -> None:
    """Refuse to be imported on Windows, where modules that we need are missing and nothing was ever tested.

    Args:
        platform: Platform as in `sys.platform`.
        words: Command line of the process as in `sys.orig_argv`; this process's when left out.

    Raises:
        SystemExit: One of our commands was started on Windows; the exit status is that of a refusal.
        ImportError: A program or a notebook on Windows imports us.
    """
    if platform != "win32":
        return
    words = sys.orig_argv if words is None else words
    if runs_module(words, OURS) or PROGRAM in (Path(word).stem for word in words[:2]):
        sys.stderr.write(f"{WINDOWS}\n")
        raise SystemExit(2)
    raise ImportError(WINDOWS)


def leave(status: int) -> NoReturn:
    """End a command without the interpreter's teardown of loaded libraries, where the process is its own.

    That teardown takes a second when torch is loaded. Everything else that Python does on exit is done:
    threads are joined, `atexit` functions are called and open files are flushed.

    Args:
        status: Exit status.

    Raises:
        SystemExit: The process is not our command's own (a notebook, say), and must not be killed.
    """
    if not runs_module(sys.orig_argv, OURS):
        sys.exit(status)
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - as Python's own end, in its order
    atexit._run_exitfuncs()  # noqa: SLF001 - as above
    left_open = [each for each in gc.get_objects() if type(each) in WRITTEN_TO]
    for file in (*left_open, sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the disk may be full or the file closed
            file.flush()
    os._exit(status)


def runs_module(words: Sequence[str], packages: Collection[str]) -> bool:
    """Return whether a command line is `python -m` with a module of one of these packages.

    Args:
        words: Command line as in `sys.orig_argv`.
        packages: Names of the packages.

    Examples:
        >>> runs_module(["python", "-P", "-m", "study.regime", "--smoke"], ["study"])
        True
        >>> runs_module(["python", "-m", "pytest", "-m", "study"], ["study"])
        False
    """
    rest = dropwhile(lambda word: word.startswith("-") and word != "-m", words[1:])
    flag, module = next(rest, ""), next(rest, "")
    return flag == "-m" and module.partition(".")[0] in packages
