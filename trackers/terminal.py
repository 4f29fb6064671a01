"""Terminal handling of our commands: exit statuses, output that cannot fail, `~` in options.

`python -m study...` and `python -m analysis` write result files, which must not be lost because of what
is printed. So a closed pipe, a full disk behind `> file`, or a terminal that is gone or that cannot show
a character does not end the command.
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
"""Exit status of a command that did what it was asked to do."""

NO_HOME = "/nonexistent"
"""Home folder, by Debian's policy, of users that have none; nobody can write there."""

INTERRUPTED = 130
"""Exit status of a command that was ended by Ctrl-C or SIGTERM; shells use the same."""

REFUSED = 2
"""Exit status of a command that was refused before it began."""

PROGRAM = "power-of-training"
"""The console command, which has all our commands as subcommands."""

MODULE = re.compile(r"python -m\s+(?:study\.|trackers (?=run\b)|(?=(?:trackers|analysis)\b))")
"""Start of one of our commands as `python -m`; the rest of it is the subcommand of `PROGRAM`."""

GONE = "The folder in which this was started has been removed. Go to one that is there (cd)."


class _WrittenOrDropped(io.FileIO):
    """A raw file that drops what cannot be written instead of raising an error."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any bytes
        try:
            return super().write(data)
        except BlockingIOError:
            raise
        except OSError:
            return len(data)


def forgive_output() -> None:
    """Make standard output and error of this process tolerant for good; for programs, not for libraries.

    Characters that the encoding lacks are replaced, and what cannot be written is dropped.
    """
    sys.stdout = forgiving(sys.stdout)
    sys.stderr = forgiving(sys.stderr)


def forgiving(stream: TextIO) -> TextIO:
    """Return a stream to the same file that raises neither encoding errors nor write errors.

    Args:
        stream: Standard output or error; None, or a stream without a file, is returned unchanged.
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
    """Expand a leading `~` to the home folder in the words of a command line, also after `--option=`.

    A shell expands `~` at the start of a word, but not in `--option=~/folder`. What follows `--` belongs
    to another command and stays as it is.
    """
    own = list(words).index("--") if "--" in words else len(words)
    return [*(_with_home(word) for word in words[:own]), *words[own:]]


def _with_home(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={os.path.expanduser(value)}"  # noqa: PTH111 - not every value is a path
    return os.path.expanduser(word)  # noqa: PTH111 - as above


def open_standard_streams() -> None:
    """Open the null device in place of a closed standard input, output or error (`>&-`, or a daemon).

    Otherwise the next file that is opened would take its descriptor, and libraries would print into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is this one
    sys.stdout = sys.stdout or _to_nowhere(1)
    sys.stderr = sys.stderr or _to_nowhere(2)


def _to_nowhere(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def name_the_nameless() -> None:
    """Set `HOME` and `USER` where the user has no passwd entry, as in containers with an arbitrary UID.

    Ray needs the home folder when it is imported, and torch's compiler the name (pytorch issue 140765).
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
    """Return whether the working folder of this process has been removed since it was started."""
    try:
        os.getcwd()  # noqa: PTH109 - asks the system, as the code that failed did
    except FileNotFoundError:
        return True
    return False


def as_started(text: str, typed: Sequence[str] | None = None) -> str:
    """Return a text in which our commands are written in the form in which this process was started.

    Our messages write them as `python -m` with a module. Where the console command was started, they are
    rewritten to it: in a folder with a `study` of the user's own, the module would be the user's.

    Args:
        text: The message.
        typed: Command line as in `sys.orig_argv`; this process's when left out.

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
    """Run a command with this process's arguments and tolerant output.

    Args:
        main: The command; called with the arguments that follow the program's name.

    Returns:
        The exit status; 2 where the command needs the folder in which it was started, and that folder
        has been removed.
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
