"""Polling of a slow sensor in a thread of its own, which keeps the newest answer.

A server that takes a second to answer must not hold up a window. So an observation is the last answer, with
the time at which it was given, and it fails where that is too long ago.
"""

import threading
from collections.abc import Callable
from typing import final

from trackers.clock import Clock
from trackers.errors import ReadError, TrackerError
from trackers.sample import Observation

STALE_PERIODS = 3
"""Number of periods after which an answer is too old to be returned."""

END_S = 2.0
"""Longest wait, on closing, for a thread that is waiting for an answer."""


@final
class Poller:
    """Poller of one device, which keeps its newest observation."""

    def __init__(
        self,
        ask: Callable[[], Observation],
        *,
        period_s: float,
        clock: Clock,
        in_background: bool = True,
    ) -> None:
        """Ask once, and then every `period_s`.

        Args:
            ask: Waits for an observation and returns it; raises `ReadError` where there is none this
                time.
            period_s: Time between two calls of `ask`.
            clock: Clock by which an answer's age is measured.
            in_background: Whether a thread calls `ask`; otherwise each call of `newest` does.

        Raises:
            TrackerError: The first call of `ask` failed; this is the error that it raised.
        """
        self._ask = ask
        self._period_s = period_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failure: TrackerError | None = None
        self._newest = ask()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        if in_background:
            self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
            self._thread.start()

    def newest(self) -> Observation:
        """Return the newest observation.

        Raises:
            ReadError: The observation is too old or, without a thread, the present call of `ask` failed;
                the message includes the last failure.
        """
        if self._thread is None:
            self._poll()
        with self._lock:
            newest, failure = self._newest, self._failure
        age_s = self._clock.now_s() - newest.time_s
        if age_s > STALE_PERIODS * self._period_s or (failure is not None and self._thread is None):
            reason = f": {failure}" if failure is not None else ""
            message = f"the last answer is {age_s:.1f} s old{reason}"
            raise ReadError(message)
        return newest

    def close(self) -> None:
        """Stop asking; may be called twice."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(END_S)

    def _run(self) -> None:
        while not self._clock.wait(self._ends, self._period_s):
            self._poll()

    def _poll(self) -> None:
        try:
            seen = self._ask()
        except TrackerError as error:
            with self._lock:
                self._failure = error
            return
        with self._lock:
            self._failure = None
            if seen.time_s >= self._newest.time_s:
                self._newest = seen
