"""A command as a child process: started, sent the signals that we are sent, and its end passed on."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import final

from trackers.errors import TrackerError

PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends them to every process in front of it, the command included."""

NOT_FOUND, NOT_ALLOWED = 127, 126
"""Exit statuses of shells for a command that cannot be started."""


class StartError(TrackerError):
    """The command could not be started.

    Attributes:
        status: What a shell would end with.
    """

    def __init__(self, message: str, status: int) -> None:
        """Say why, and with which status to end."""
        super().__init__(message)
        self.status = status


@final
class Child:
    """A command that runs; it is not reaped before `status` is asked for.

    Until then the system keeps its CPU time, so that what it used last is counted too.

    Attributes:
        pid: Its process.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it, with our own input, outputs and folder.

        Args:
            command: The command and its arguments.
            environment: Of the command; None for our own.

        Raises:
            StartError: There is no such command, or it may not be run.
        """
        try:
            self._process = subprocess.Popen(command, env=environment)  # noqa: S603 - the user's own command
        except FileNotFoundError as error:
            message = f"{command[0]}: there is no such command"
            raise StartError(message, NOT_FOUND) from error
        except OSError as error:
            message = f"{command[0]}: {error.strerror or error}"
            raise StartError(message, NOT_ALLOWED) from error
        self.pid = self._process.pid
        self._ended = threading.Event()
        threading.Thread(target=self._wait, name="waiting", daemon=True).start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; whether it has come."""
        return self._ended.wait(timeout_s)

    def status(self) -> int:
        """Reap it; its exit status, or minus the number of the signal that ended it."""
        return self._process.wait()

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _wait(self) -> None:
        if sys.platform == "darwin":  # it has no waitid before Python 3.13
            self._process.wait()
        else:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self._ended.set()


@contextmanager
def passing_signals_on() -> Iterator[Callable[[Child], None]]:
    """Hand what is sent to us to the child, as long as the block runs; we go on until it has ended.

    Yields:
        A function that takes the child once it is started; what came before goes to it then.
    """
    children: list[Child] = []
    early: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        if children:
            children[0].send(number)
        else:
            early.append(number)

    def pass_on_without_terminal(number: int, frame: FrameType | None) -> None:
        if not os.isatty(0):  # else the child has got it from there
            pass_on(number, frame)

    def take(child: Child) -> None:
        children.append(child)
        for number in early:
            child.send(number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    before |= {number: signal.signal(number, pass_on_without_terminal) for number in FROM_TERMINAL}
    try:
        yield take
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_like(status: int) -> int:
    """End as the child ended: the same exit status, or the same signal.

    Args:
        status: See `Child.status`.

    Returns:
        The exit status; it does not return where a signal ended the child.
    """
    if status >= 0:
        return status
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one dump of memory is enough
    if -status not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(-status, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    os.kill(os.getpid(), -status)
    return 128 - status
