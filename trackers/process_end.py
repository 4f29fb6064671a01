"""The end of a process: at once on Windows, and of a command without waiting for its libraries to be taken apart."""

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
"""Packages whose modules are commands."""

WINDOWS = (
    "power-of-training runs on Linux and macOS, and this is Windows. Install it in WSL 2 (`wsl --install`), "
    "which is Linux, and run it there."
)

WRITTEN_TO = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
"""Kinds of files that keep what is written for a while."""


def refuse_windows(platform: str = sys.platform, words: Sequence[str] | None = None) -> None:
    """Refuse to be loaded where nothing of ours was ever run, and modules are missing that it needs.

    Args:
        platform: As Python names it.
        words: As the system knows the process; left out: this one's.

    Raises:
        SystemExit: A command on Windows; with the status of what was refused.
        ImportError: A program or a notebook there.
    """
    if platform != "win32":
        return
    words = sys.orig_argv if words is None else words
    if runs_module(words, OURS) or PROGRAM in (Path(word).stem for word in words[:2]):
        sys.stderr.write(f"{WINDOWS}\n")
        raise SystemExit(2)
    raise ImportError(WINDOWS)


def leave(status: int) -> NoReturn:
    """End a command, without taking its libraries apart where the process is its own.

    That takes a second where torch is loaded. All else is done that Python does at its end: threads are
    waited for, what was registered is called, and files that somebody has left open are written.

    Args:
        status: Its exit status.

    Raises:
        SystemExit: The process is somebody else's, such as a notebook's, and goes on.
    """
    if not runs_module(sys.orig_argv, OURS):
        sys.exit(status)
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - as Python's own end, in its order
    atexit._run_exitfuncs()  # noqa: SLF001 - as above
    left_open = [each for each in gc.get_objects() if type(each) in WRITTEN_TO]
    for file in (*left_open, sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a disk that is full, a file that is closed
            file.flush()
    os._exit(status)


def runs_module(words: Sequence[str], packages: Collection[str]) -> bool:
    """Return whether a command line is `python -m` with a module of these packages.

    Args:
        words: As the system knows the process (`sys.orig_argv`).
        packages: Their names.

    Examples:
        >>> runs_module(["python", "-P", "-m", "study.regime", "--smoke"], ["study"])
        True
        >>> runs_module(["python", "-m", "pytest", "-m", "study"], ["study"])
        False
    """
    rest = dropwhile(lambda word: word.startswith("-") and word != "-m", words[1:])
    flag, module = next(rest, ""), next(rest, "")
    return flag == "-m" and module.partition(".")[0] in packages
