"""Asks something slow again and again in a thread of its own, and keeps its newest answer.

A server that takes a second must hold up no window: whoever observes gets what was said last, with
the time at which it was said, and a gap where that is too long ago.
"""

import threading
from collections.abc import Callable
from typing import final

from trackers.clock import Clock
from trackers.errors import ReadError, TrackerError
from trackers.sample import Observation

STALE_PERIODS = 3
"""An answer older than so many periods is given no more."""

END_S = 2.0
"""A thread that waits for an answer is not waited for longer at the end."""


@final
class Poller:
    """The newest observation of one device."""

    def __init__(
        self,
        ask: Callable[[], Observation],
        *,
        period_s: float,
        clock: Clock,
        in_background: bool = True,
    ) -> None:
        """Ask once, and then each `period_s`.

        Args:
            ask: Waits for an observation; raises `ReadError` where there is none this time.
            period_s: Time between two answers.
            clock: Says how old an answer is.
            in_background: Whether a thread asks; else each call of `newest` does.

        Raises:
            TrackerError: The first time there was none; whatever `ask` raised.
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
        """Newest observation.

        Raises:
            ReadError: It is stale, or was never said again; the last failure stands in the message.
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
        """Ask no more; may be called twice."""
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
