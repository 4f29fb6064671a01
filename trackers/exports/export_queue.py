"""An exporter in a thread of its own, so that its slowness and failures affect nothing else."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from typing import final

from trackers.address import without_credentials
from trackers.exports.exporter import Exporter, ExportRefusedError

Job = Callable[[Exporter], None]

MOST_WAITING = 20_000
"""Greatest number of waiting jobs: enough for thousands of epochs while the server cannot be reached."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
WAIT_S = 60.0
"""Longest wait at the end for an exporter that works, which may have a report to send."""

STALLED_S = 20.0
"""Time without a finished job after which that wait is given up, because a library may retry for minutes."""

WAIT_FOR_FAILING_S = 5.0
"""Longest wait at the end for an exporter whose last job has failed."""


def to_stderr(text: str) -> None:
    """Show a sentence to the user."""
    sys.stderr.write(f"{text}\n")


@final
class ExportQueue:
    """Queue of jobs for one exporter, which a thread of its own does one after another."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Exporter],
        say: Callable[[str], None],
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        """Start the thread, which connects at the first job.

        Args:
            name: Name of the exporter, as given to `--log`.
            connect: Creates the exporter; called again where it fails.
            say: Shows a sentence to the user.
            first_pause_s: Pause before a failed job is first repeated; it doubles each time.
        """
        self._first_pause_s = first_pause_s
        self._name = name
        self._connect = connect
        self._say = say
        self._jobs: Queue[Job | None] = Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._newest: Job | None = None
        self._exporter: Exporter | None = None
        self._is_ending = threading.Event()
        self._is_failing = False
        self._has_complained = False
        self._done = 0
        self._thread = threading.Thread(target=self._run, name=f"export {name}", daemon=True)
        self._thread.start()

    def post(self, job: Job) -> None:
        """Queue a job; it is dropped, with a message, where too many are waiting already."""
        try:
            self._jobs.put_nowait(job)
        except Full:
            self._complain("too many values are waiting; new ones are dropped")

    def post_newest(self, job: Job) -> None:
        """Queue a job that replaces the one posted here before, if that is still waiting."""
        with self._lock:
            is_waiting, self._newest = self._newest is not None, job
        if not is_waiting:
            self.post(self._do_newest)

    def _do_newest(self, exporter: Exporter) -> None:
        job = self._take_newest()
        if job is None:
            return
        try:
            job(exporter)
        except BaseException:
            self._put_back(job)
            raise

    def _take_newest(self) -> Job | None:
        with self._lock:
            job, self._newest = self._newest, None
        return job

    def _put_back(self, job: Job) -> None:
        """Put a failed job back to be repeated, unless a newer one has been posted meanwhile."""
        with self._lock:
            self._newest = self._newest or job

    def close(self) -> None:
        """Wait until all jobs are done, for a limited time; show a message if any is left."""
        try:
            self._jobs.put_nowait(None)
        except Full:
            self._is_failing = True
        self._is_ending.set()
        with suppress(KeyboardInterrupt):  # for a user who does not want to wait
            self._wait()
        waiting = self._jobs.qsize()
        if self._thread.is_alive() or waiting:
            self._say(f"--log {self._name}: ended before everything was exported")

    def _wait(self) -> None:
        """Wait for the thread as long as it makes progress."""
        if self._is_failing:
            self._thread.join(WAIT_FOR_FAILING_S)
            return
        until_s = time.monotonic() + WAIT_S
        done = -1
        while self._thread.is_alive() and done != self._done and time.monotonic() < until_s:
            done = self._done
            self._thread.join(STALLED_S)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not self._do(job):
                return

    def _do(self, job: Job) -> bool:
        """Do a job, repeating it until it succeeds or is refused; False if the queue was closed before."""
        pause_s = self._first_pause_s
        while True:
            try:
                job(self._connected())
            except ExportRefusedError as error:
                self._complain(f"refused, and skipped: {error}")
                return True
            except (Exception, SystemExit) as error:  # noqa: BLE001 - no error of an exporter may end a training
                self._is_failing = True
                self._complain(
                    f"{_first_line(error)}; the study goes on, and what could not be exported is kept "
                    "and tried again"
                )
            else:
                self._is_failing = False
                self._done += 1
                return True
            if self._is_ending.is_set() or self._is_ending.wait(pause_s):
                return False
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    def _connected(self) -> Exporter:
        if self._exporter is None:
            self._exporter = self._connect()
            self._tell(self._exporter.where)
        return self._exporter

    def _complain(self, text: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._tell(text)

    def _tell(self, text: str) -> None:
        # An address from the environment may contain a password, and libraries put it into error messages.
        self._say(f"--log {self._name}: {without_credentials(text)}")


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
