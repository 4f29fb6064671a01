"""Learning and following of a counter's refreshes; `trackers.meter.refreshes.clock` says why.

A machine is busy when a study starts, and an observation that was interrupted is of little use. So learning is
tried a few times before the counter is used without knowing its refreshes.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import final

from trackers.clock import Clock
from trackers.meter.refreshes.clock import (
    REFRESHES_TO_LEARN,
    RefreshClock,
    at_refresh,
    observe_refresh,
)
from trackers.sample import Observation

POLL_S = 0.001
"""Time between two readings of a counter whose refresh is awaited."""

ATTEMPTS = 5
NEXT_ATTEMPT_S = 2.0

LONGEST_UNKNOWN_S = 0.1
"""Greatest assumed age of a counter's value before any refresh was seen; boards refresh every 20 to 100 ms."""


@final
class RefreshWatch:
    """Refresh times of a counter, where they come at a steady rate."""

    def __init__(
        self,
        ask: Callable[[], Observation | None],
        clock: Clock,
        wait: Callable[[float], bool],
    ) -> None:
        """Watch a counter.

        Args:
            ask: Reads the counter; returns None where it does not answer.
            clock: Clock of all times.
            wait: Waits for the given number of seconds; returns True when polling is to end.
        """
        self._ask = ask
        self._clock = clock
        self._wait = wait
        self._nobody = threading.Event()  # never set: an edge waits for the full time
        self._known: RefreshClock | None = None
        self._attempts = 0
        self._next_attempt_s = float("-inf")
        self._longest_s: float | None = None

    @property
    def period_s(self) -> float | None:
        """Time between two refreshes; None where it is not known."""
        return None if self._known is None else self._known.period_s

    @property
    def oldest_s(self) -> float:
        """Greatest age of a value whose refresh is not known: the longest wait for a refresh so far."""
        return LONGEST_UNKNOWN_S if self._longest_s is None else self._longest_s

    def is_within(self, start_s: float, stop_s: float) -> bool:
        """Return whether two times are known to lie between the same two refreshes."""
        if self._known is None:
            return False
        before_s = self._known.last_refresh_s(start_s)
        return before_s is not None and before_s == self._known.last_refresh_s(stop_s)

    def learn_if_due(self) -> bool:
        """Learn the refreshes, or observe another one where the prediction has become uncertain.

        Returns:
            True if either was due.
        """
        known, now_s = self._known, self._clock.now_s()
        if known is None:
            if now_s < self._next_attempt_s:
                return False
            self._learn()
            return True
        is_unsure = known.is_unsure(now_s)
        if is_unsure:
            self._observe_next(known)
        if known.is_learning:
            self._known = None
        return is_unsure

    def at_edge(self, observe: Callable[[], Observation | None]) -> Observation | None:
        """Read a counter, stamped with the time of the refresh that produced its value, where known."""
        if self._known is None:
            return observe()
        return at_refresh(observe, partial(self._clock.wait, self._nobody), self._known)

    def next_s(self, seen: Observation) -> float | None:
        """Time by which the refresh after that of an observed value has happened; None if not known."""
        if self._known is None or self._known.period_s is None or seen.counter_j is None:
            return None
        next_s = seen.time_s + self._known.period_s
        return next_s + 2 * self._known.error_s(next_s)

    def _learn(self) -> None:
        """Observe consecutive refreshes until their rate is known."""
        clock = RefreshClock()
        for _ in range(REFRESHES_TO_LEARN):
            if not self._observe_next(clock):
                break
        if not clock.is_learning:
            self._known = clock
            return
        self._attempts += 1
        waited_s = NEXT_ATTEMPT_S if self._attempts < ATTEMPTS else float("inf")
        self._next_attempt_s = self._clock.now_s() + waited_s

    def _observe_next(self, clock: RefreshClock) -> bool:
        self._sleep_until_shortly_before(clock)
        began_s = self._clock.now_s()
        seen = observe_refresh(self._ask, partial(self._wait, POLL_S))
        if seen is not None:
            clock.add(seen)
            self._longest_s = max(seen.after_s - began_s, self._longest_s or 0.0)
        return seen is not None

    def _sleep_until_shortly_before(self, clock: RefreshClock) -> None:
        """Sleep until shortly before the next refresh, where its time is known or can be guessed."""
        now_s = self._clock.now_s()
        early_s = clock.not_before_s(now_s) - 2 * POLL_S - now_s
        if early_s > 0:
            self._wait(early_s)
