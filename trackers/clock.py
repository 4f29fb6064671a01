"""Clock of all measurements; it is passed in so that tests can advance it by hand."""

import threading
import time
from typing import Protocol, final, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Source of the time, which can also wait."""

    def now_s(self) -> float:
        """Seconds since an arbitrary start, which is the same for all processes of a machine."""
        ...

    def wait(self, wake: threading.Event, duration_s: float) -> bool:
        """Wait for `duration_s` or until `wake` is set; True if it was set."""
        ...


@final
class MonotonicClock:
    """The machine's monotonic clock, which never goes backward and ignores changes of wall time."""

    def now_s(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def wait(self, wake: threading.Event, duration_s: float) -> bool:
        """See `Clock`."""
        return wake.wait(duration_s)


@final
class ManualClock:
    """A clock that stands still until it is advanced; for tests and replays."""

    def __init__(self, start_s: float = 0.0) -> None:
        """Start the clock at `start_s`."""
        self._now_s = start_s

    def now_s(self) -> float:
        """See `Clock`."""
        return self._now_s

    def advance(self, duration_s: float) -> None:
        """Advance the clock by `duration_s`.

        Raises:
            ValueError: The duration is negative; this clock never goes backward.
        """
        if duration_s < 0:
            message = f"duration_s is {duration_s}; a clock is not set back"
            raise ValueError(message)
        self._now_s += duration_s

    def wait(self, wake: threading.Event, duration_s: float) -> bool:
        """Advance the clock by `duration_s` without waiting; True if `wake` is set."""
        self.advance(duration_s)
        return wake.is_set()
