"""Manners of a command towards its terminal: output decides over no file, and `~` is the home folder.

`python -m study...` and `python -m analysis` write files that outlive what is printed. A pipe that is
closed, a full disk behind `> file`, a terminal that is gone or that lacks a letter end none of them.
"""

import getpass
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import Any, TextIO

FINISHED = 0
"""Exit status of a command that did what it was asked for."""

NO_HOME = "/nonexistent"
"""Home of users that have none, by Debian's policy: nobody can write there."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C or SIGTERM has ended, as of a shell's."""

REFUSED = 2
"""Exit status of a command that was not begun."""

PROGRAM = "power-of-training"
"""The console command, which has all others as its words."""

MODULE = re.compile(r"python -m\s+(?:study\.|trackers (?=run\b)|(?=(?:trackers|analysis)\b))")
"""Begins a command of ours by its module; what follows is its word behind `PROGRAM`."""

GONE = "The folder in which this was started has been removed. Go to one that is there (cd)."


class _WrittenOrDropped(io.FileIO):
    """A file descriptor whose errors are nobody's: what cannot be written is dropped."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any bytes
        try:
            return super().write(data)
        except BlockingIOError:
            raise
        except OSError:
            return len(data)


def forgive_output() -> None:
    """Let this process print to whatever there is, for good: for programs, not for libraries.

    Letters that the output's encoding lacks are replaced, and what cannot be written is dropped.
    """
    sys.stdout = forgiving(sys.stdout)
    sys.stderr = forgiving(sys.stderr)


def forgiving(stream: TextIO) -> TextIO:
    """A stream to the same file that raises neither for letters nor for what cannot be written.

    Args:
        stream: Standard output or error; one that is no file, or None, is returned as it is.
    """
    try:
        descriptor = stream.fileno()
        stream.flush()
    except (AttributeError, OSError, ValueError):
        return stream
    raw = _WrittenOrDropped(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="replace",
        line_buffering=os.isatty(descriptor),
    )


def with_home(words: Sequence[str]) -> list[str]:
    """Words of a command line in which a leading `~` is the home folder, after `=` too.

    A shell does so for a word of its own, and not for `--option=~/folder`. What follows `--` is another
    command's, and stays as it is.
    """
    own = list(words).index("--") if "--" in words else len(words)
    return [*(_with_home(word) for word in words[:own]), *words[own:]]


def _with_home(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={os.path.expanduser(value)}"  # noqa: PTH111 - not every value is a path
    return os.path.expanduser(word)  # noqa: PTH111 - as above


def open_standard_streams() -> None:
    """Put the null device where standard input, output or error was closed (`>&-`, or by a daemon).

    Else the next file that is opened takes its number, and what a library prints goes into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdout = sys.stdout or _to_nowhere(1)
    sys.stderr = sys.stderr or _to_nowhere(2)


def _to_nowhere(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def name_the_nameless() -> None:
    """Give home and name to a user who is in no list of users, as in containers that run under any number.

    Ray looks for the home when it is imported, and torch's compiler for the name (pytorch issue 140765).
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = NO_HOME
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["USER"] = f"uid{os.getuid()}"


def working_folder_is_gone() -> bool:
    """Return whether the folder in which this process was started has been removed meanwhile."""
    try:
        os.getcwd()  # noqa: PTH109 - asks the system, as whatever comes later does
    except FileNotFoundError:
        return True
    return False


def as_started(text: str, typed: Sequence[str] | None = None) -> str:
    """Return a text with our commands named as this process was started: by their modules, or not.

    What we say names modules. Where the console command was started, it names that: in a folder with a
    `study` of the user's own, the module would be theirs.

    Args:
        text: What is said.
        typed: The words by which the system knows the process; left out: this one's.

    Example:
        >>> as_started("python -m study.regime --smoke", ["python", "bin/power-of-training", "data"])
        'power-of-training regime --smoke'
    """
    words = dropwhile(
        lambda word: word.startswith("-") and word != "-m",
        (sys.orig_argv if typed is None else typed)[1:],
    )
    first = next(words, "")
    if first == "-m" and next(words, "") == "study":
        return MODULE.sub("python -m study ", text)
    return MODULE.sub(f"{PROGRAM} ", text) if Path(first).name == PROGRAM else text


def run(main: Callable[[list[str]], int]) -> int:
    """Run a command that writes files, with this process's words.

    Args:
        main: Takes the words behind the program's name.

    Returns:
        Its exit status; 2 where it needs the folder that it was started in, which is gone.
    """
    open_standard_streams()
    forgive_output()
    name_the_nameless()
    try:
        return main(with_home(sys.argv[1:]))
    except FileNotFoundError:
        if not working_folder_is_gone():
            raise
        sys.stderr.write(f"{GONE}\n")
        return REFUSED
