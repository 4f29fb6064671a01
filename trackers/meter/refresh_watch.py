"""Keeps watch over the refreshes of a source's counters; see `trackers.meter.refresh` for why.

A machine is busy when a study starts, and a look that was interrupted tells little. So learning is
tried again a few times before a counter is taken as it is.
"""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import final

from trackers.clock import Clock
from trackers.meter.refresh import LOOKS_TO_LEARN, RefreshClock, at_refresh, look
from trackers.sample import Observation

POLL_S = 0.001
"""Between two readings of a counter whose refresh is awaited."""

ATTEMPTS = 5
NEXT_ATTEMPT_S = 2.0


@final
class RefreshWatch:
    """Knows, for each counter that is refreshed at a steady rate, when it was."""

    def __init__(
        self, ask: Callable[[str], Observation | None], clock: Clock, stop: threading.Event
    ) -> None:
        """Look at counters through `ask`, until `stop` is set."""
        self._ask = ask
        self._clock = clock
        self._stop = stop
        self._known: dict[str, RefreshClock] = {}
        self._attempts: dict[str, int] = {}
        self._next_attempt_s: dict[str, float] = {}

    def attend(self, devices: Iterable[str]) -> None:
        """Learn what is not known, and look again where a prediction has grown uncertain.

        One device at a time: whoever calls has samples to take in between.
        """
        for device_uuid in devices:
            if self._attended(device_uuid):
                return

    def _attended(self, device_uuid: str) -> bool:
        """Whether a device needed a look, and got it."""
        known, now_s = self._known.get(device_uuid), self._clock.now_s()
        if known is None:
            if now_s < self._next_attempt_s.get(device_uuid, now_s):
                return False
            self._learn(device_uuid)
            return True
        is_unsure = known.is_unsure(now_s)
        if is_unsure:
            self._look(device_uuid, known)
        if known.is_learning:
            del self._known[device_uuid]
        return is_unsure

    def at_edge(
        self, device_uuid: str, observe: Callable[[], Observation | None]
    ) -> Observation | None:
        """Read a counter, stamped with the time at which its value was made, if that is known."""
        known = self._known.get(device_uuid)
        if known is None:
            return observe()
        return at_refresh(observe, partial(self._clock.wait, threading.Event()), known)

    def period_s(self, device_uuid: str) -> float | None:
        """Time between two refreshes; None where it is not known."""
        known = self._known.get(device_uuid)
        return None if known is None else known.period_s

    def _learn(self, device_uuid: str) -> None:
        """Watch refreshes, one after the other, until their rate is known."""
        clock = RefreshClock()
        for _ in range(LOOKS_TO_LEARN):
            if not self._look(device_uuid, clock):
                break
        if not clock.is_learning:
            self._known[device_uuid] = clock
            return
        tried = self._attempts[device_uuid] = self._attempts.get(device_uuid, 0) + 1
        waited_s = NEXT_ATTEMPT_S if tried < ATTEMPTS else float("inf")
        self._next_attempt_s[device_uuid] = self._clock.now_s() + waited_s

    def _look(self, device_uuid: str, clock: RefreshClock) -> bool:
        self._sleep_until_shortly_before(clock)
        seen = look(partial(self._ask, device_uuid), partial(self._clock.wait, self._stop, POLL_S))
        if seen is not None:
            clock.saw(seen)
        return seen is not None

    def _sleep_until_shortly_before(self, clock: RefreshClock) -> None:
        """Where a refresh is known or guessed to come later, there is no need to poll until then."""
        now_s = self._clock.now_s()
        early_s = clock.not_before_s(now_s) - 2 * POLL_S - now_s
        if early_s > 0:
            self._clock.wait(self._stop, early_s)
