"""powermetrics as a child process: its output in chunks, and a way to end it that works under sudo."""

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import Protocol, final

from trackers.errors import SourceUnavailableError

CHUNK = 1 << 16

LOOK_UP_S = 0.5
"""Longest time after `close` until the reading of a silent child ends."""

EXIT_WAIT_S = 2.0
"""Longest wait for a child to end when its output has ended; it may still write the reason."""


class Stream(Protocol):
    """The output of a running powermetrics."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield its bytes as they arrive, until it ends or is closed."""
        ...

    def stderr_text(self) -> str:
        """Return the standard error of the process so far."""
        ...

    def close(self) -> None:
        """Make it end; may be called twice and from any thread."""
        ...


@final
class ProcessStream:
    """Output of a command, as a `Stream`."""

    def __init__(self, command: list[str]) -> None:
        """Start the command."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the stream
        self._process = subprocess.Popen(  # noqa: S603 - fixed arguments, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._final_stderr: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        """See `Stream`."""
        output = self._process.stdout
        if output is None:
            return
        # The child runs as root, so we may not signal it. Closing our end of the pipe ends it when it
        # writes its next sample.
        with output:
            while not self._is_closed.is_set():
                if not select.select([output], [], [], LOOK_UP_S)[0]:
                    continue
                chunk = os.read(output.fileno(), CHUNK)
                if not chunk:
                    break
                yield chunk
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_WAIT_S)
        with self._lock:
            self._final_stderr = self._stderr()
            self._errors.close()

    def stderr_text(self) -> str:
        """See `Stream`."""
        with self._lock:
            return self._stderr() if self._final_stderr is None else self._final_stderr

    def close(self) -> None:
        """See `Stream`."""
        self._is_closed.set()
        with contextlib.suppress(PermissionError):  # the child runs as root
            self._process.terminate()

    def _stderr(self) -> str:
        # Not `read`, which would move the file offset that is shared with the child.
        return os.pread(self._errors.fileno(), CHUNK, 0).decode(errors="replace").strip()


def start_powermetrics(interval_ms: int) -> ProcessStream:
    """Start powermetrics under sudo, which fails where it would have to ask for a password.

    Raises:
        SourceUnavailableError: This machine has no powermetrics, or no sudo.
    """
    for tool in ("powermetrics", "sudo"):
        if shutil.which(tool) is None:
            message = f"powermetrics: this machine has no `{tool}`; it is a tool of macOS"
            raise SourceUnavailableError(message)
    samplers = ["--samplers", "cpu_power,gpu_power"]
    # With a buffer of one line; otherwise samples come in batches, seconds late.
    output = ["-f", "plist", "-b", "1", "-i", str(interval_ms)]
    return ProcessStream(["sudo", "-n", "powermetrics", *samplers, *output])
