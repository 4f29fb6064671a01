"""Handling of Ctrl-C, and likewise of SIGTERM and SIGHUP.

By SIGTERM schedulers and machines end a job, by SIGHUP a terminal says that it is gone. Once: the trials
are stopped, and what is known is written. Twice: the command ends at once. What is on storage then is at
most one flush old, and whole, because tables are put in place when they are.
"""

import os
import signal
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from types import FrameType
from typing import Any, Self, final

from trackers.terminal import INTERRUPTED

STOPPING = b"\nstopping: what is known is being written; once more leaves at once\n"
WAITING = b"\nstopping as soon as Ray has started; once more leaves at once\n"
LEFT = b"\nleft at once: what was written before is whole, and --resume goes on from there\n"


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Phase(Enum):
    STARTING = auto()
    TRIALS = auto()
    WRITING = auto()


@final
class Interrupts:
    """Takes the signals while a study runs, and gives them back at the end.

    Before the trials, the first one waits until Ray has started: what it interrupts there may take
    the process down.
    """

    def __init__(self, leave: Callable[[int], object] = os._exit) -> None:
        """Leave by `leave`, which is not to return."""
        self._leave = leave
        self._phase = _Phase.STARTING
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals; in a thread that is not the main one they are left alone."""
        if threading.current_thread() is threading.main_thread():
            before = {each: signal.getsignal(each) for each in SIGNALS}
            # Under nohup a terminal that goes is no reason to stop.
            self._before = {
                number: handler
                for number, handler in before.items()
                if number != signal.SIGHUP or handler is not signal.SIG_IGN
            }
        self._install()
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def came(self) -> bool:
        """Return whether a signal has come."""
        return self._count > 0

    def started(self) -> None:
        """Ray has started.

        Raises:
            KeyboardInterrupt: A signal came meanwhile.
        """
        if self.came:
            raise KeyboardInterrupt

    def trials_begin(self) -> None:
        """Let the first signal stop the trials from now on; called before each run of Tune."""
        self._phase = _Phase.TRIALS
        self._install()  # Ray has taken SIGTERM, and would print a stack and die
        if self._before:
            signal.signal(
                signal.SIGUSR1, signal.SIG_DFL
            )  # an earlier run of Tune stops nothing now

    def trials_end(self) -> None:
        """Let the first signal only wait for the results to be written from now on."""
        self._phase = _Phase.WRITING
        self._install()

    def _install(self) -> None:
        for number in self._before:
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _speak_to_nobody()
            if self._count:
                return  # a terminal and its shell both say so
        self._count += 1
        if self._count > 1:
            _say(LEFT)
            self._leave(INTERRUPTED)
            return
        _say(WAITING if self._phase is _Phase.STARTING else STOPPING)
        if self._phase is _Phase.TRIALS:
            _stop_trials()


def _say(text: bytes) -> None:
    """Not by print: the signal may have come while something was being printed."""
    with suppress(OSError):
        os.write(2, text)


def _speak_to_nobody() -> None:
    """Let what is printed from now on go nowhere where the terminal is gone: printing would raise."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        for output in (1, 2):
            if stat.S_ISCHR(os.fstat(output).st_mode):
                os.dup2(nowhere.fileno(), output)


def _stop_trials() -> None:
    """Have Tune end its trials; it takes SIGUSR1 as it would take Ctrl-C, once it runs.

    Raises:
        KeyboardInterrupt: It does not run yet.
    """
    if not callable(signal.getsignal(signal.SIGUSR1)):
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGUSR1)
