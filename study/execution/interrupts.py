"""Handling of Ctrl-C (SIGINT), and likewise of SIGTERM and SIGHUP.

SIGTERM comes from schedulers and from machines that shut down, SIGHUP from a terminal that closes. The
first signal stops the trials and writes all results so far. The second ends the command at once; the
tables on storage are then at most one flush old, and complete, because each is written beside the old
one and moved into its place.
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

STOPPING = b"\nstopping: writing the results so far; press Ctrl-C again to quit at once\n"
WAITING = b"\nstopping as soon as Ray has started; press Ctrl-C again to quit at once\n"
QUITTING = (
    b"\nquit at once: the files written before are complete, and --resume continues from there\n"
)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Phase(Enum):
    STARTING = auto()
    TRIALS = auto()
    WRITING = auto()


@final
class Interrupts:
    """Handles the signals while a study runs, and restores the earlier handlers at the end.

    A first signal that comes before the trials takes effect once Ray has started: interrupting Ray's
    start may crash the process.
    """

    def __init__(self, leave: Callable[[int], object] = os._exit) -> None:
        """Call `leave` with the exit status at the second signal; it must not return."""
        self._leave = leave
        self._phase = _Phase.STARTING
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Install the handlers; outside the main thread, do nothing."""
        if threading.current_thread() is threading.main_thread():
            before = {each: signal.getsignal(each) for each in SIGNALS}
            # Under nohup (SIGHUP ignored), a closing terminal is no reason to stop.
            self._before = {
                number: handler
                for number, handler in before.items()
                if number != signal.SIGHUP or handler is not signal.SIG_IGN
            }
        self._install()
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the earlier handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def received(self) -> bool:
        """Return whether a signal has arrived."""
        return self._count > 0

    def started(self) -> None:
        """Take note that Ray has started.

        Raises:
            KeyboardInterrupt: A signal arrived while Ray was starting.
        """
        if self.received:
            raise KeyboardInterrupt

    def trials_begin(self) -> None:
        """Let the first signal stop the trials from now on; called before each run of Tune."""
        self._phase = _Phase.TRIALS
        self._install()  # Ray's own SIGTERM handler would print a stack trace and exit
        if self._before:
            signal.signal(
                signal.SIGUSR1, signal.SIG_DFL
            )  # remove the handler of an earlier run of Tune

    def trials_end(self) -> None:
        """Let the first signal stop nothing from now on: the results are being written."""
        self._phase = _Phase.WRITING
        self._install()

    def _install(self) -> None:
        for number in self._before:
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _silence_terminal()
            if self._count:
                return  # a terminal and its shell may each send one
        self._count += 1
        if self._count > 1:
            _say(QUITTING)
            self._leave(INTERRUPTED)
            return
        _say(WAITING if self._phase is _Phase.STARTING else STOPPING)
        if self._phase is _Phase.TRIALS:
            _stop_trials()


def _say(text: bytes) -> None:
    """Write to stderr directly: `print` is not safe in a handler that may have interrupted a print."""
    with suppress(OSError):
        os.write(2, text)


def _silence_terminal() -> None:
    """Redirect output from the closed terminal to the null device, because printing there would raise."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        for output in (1, 2):
            if stat.S_ISCHR(os.fstat(output).st_mode):
                os.dup2(nowhere.fileno(), output)


def _stop_trials() -> None:
    """Have Tune stop its trials, by SIGUSR1, which it handles like Ctrl-C while it runs.

    Raises:
        KeyboardInterrupt: Tune is not running yet.
    """
    if not callable(signal.getsignal(signal.SIGUSR1)):
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGUSR1)
