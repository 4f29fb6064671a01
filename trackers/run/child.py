"""A command as a child process: its start, the forwarding of signals to it, and the passing on of its end."""

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
"""Signals that a terminal sends to all processes of its foreground group, the command included."""

NOT_FOUND, NOT_ALLOWED = 127, 126
"""Exit statuses that shells use for a command that cannot be started."""


class StartError(TrackerError):
    """The command could not be started.

    Attributes:
        status: Exit status that a shell would have.
    """

    def __init__(self, message: str, status: int) -> None:
        """Create the error with its message and exit status."""
        super().__init__(message)
        self.status = status


@final
class Child:
    """A running command, which is not reaped before `status` is called.

    Until then the system keeps the process's CPU time, so that its last use is counted too.

    Attributes:
        pid: Process ID of the command.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the command, which inherits our standard streams and working folder.

        Args:
            command: The command and its arguments.
            environment: Of the command; None for our own.

        Raises:
            StartError: There is no such command, or it cannot be run.
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
        """Wait for the command to end, at most `timeout_s`; return whether it has ended."""
        return self._ended.wait(timeout_s)

    def status(self) -> int:
        """Reap the process; return its exit status, or minus the number of the signal that ended it."""
        return self._process.wait()

    def send(self, number: int) -> None:
        """Send the command a signal, unless it has ended."""
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _wait(self) -> None:
        if sys.platform == "darwin":  # Python has no waitid there before 3.13
            self._process.wait()
        else:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self._ended.set()


@contextmanager
def passing_signals_on() -> Iterator[Callable[[Child], None]]:
    """Forward the signals that this process gets to the child, instead of ending by them.

    Yields:
        A function to be called with the child once it is started; signals that came before are sent to
        it then.
    """
    children: list[Child] = []
    early: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        if children:
            children[0].send(number)
        else:
            early.append(number)

    def pass_on_without_terminal(number: int, frame: FrameType | None) -> None:
        if not os.isatty(0):  # otherwise the terminal has sent it to the child too
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
    """End as the child ended: with the same exit status, or by the same signal.

    Args:
        status: Result of `Child.status`.

    Returns:
        The exit status, for the caller to exit with. Where a signal ended the child, this process sends
        itself the same signal and usually does not return.
    """
    if status >= 0:
        return status
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child's core dump is enough
    if -status not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(-status, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    os.kill(os.getpid(), -status)
    return 128 - status
