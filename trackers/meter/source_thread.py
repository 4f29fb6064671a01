"""One thread that asks the devices of a source, and is the only one that does.

Who opens or closes a window hands it a job and waits for the answer, but not for longer than a deadline:
a driver that hangs holds up its own thread, and nobody else. No lock is held while a sensor is asked.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, Protocol, TypeVar, final

from trackers.clock import Clock
from trackers.meter.pace import Pace

DEADLINE_S = 0.5
"""A window's edge waits for a sensor for no longer. One that is quick answers in a millisecond."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Sampled(Protocol):
    """A device as its thread sees it; a `trackers.meter.watched_device.WatchedDevice`."""

    @property
    def gains(self) -> bool:
        """Whether sampling it more often makes short windows better."""

    @property
    def asking_since_s(self) -> float | None:
        """Since when its source owes an answer; None where it owes none."""

    def attend(self) -> bool:
        """Learn its counter's refreshes, if that is due; whether it was."""

    def sample(self) -> None:
        """Ask it for its power."""

    def keep_up(self) -> None:
        """Do what is done now and then."""


@final
class Answer(Generic[T]):
    """What a job comes to, once it was done."""

    def __init__(self, job: Callable[[], T]) -> None:
        """Not done yet."""
        self._job = job
        self._done = threading.Event()
        self._value: T | None = None
        self._is_wanted = True

    def do(self) -> None:
        """Do the job, if anybody still wants it; one that fails is answered by None."""
        try:
            self._value = self._job() if self._is_wanted else None
        finally:
            self._done.set()

    def value(self, timeout_s: float, *, late_too: bool) -> T | None:
        """The answer; None where there is none in time.

        Args:
            timeout_s: For how long it is waited for.
            late_too: Whether the job is to be done although nobody waits for it any more.
        """
        if self._done.wait(max(0.0, timeout_s)):
            return self._value
        self._is_wanted = late_too
        return None


@final
class SourceThread:
    """Samples devices at their pace, and does jobs in between."""

    def __init__(self, name: str, clock: Clock, *, period_s: float) -> None:
        """Sample each `period_s`, once it was started."""
        self.pace = Pace(period_s, seed=name)
        self._name = name
        self._clock = clock
        self._devices: tuple[Sampled, ...] = ()
        self._jobs: deque[Answer[object]] = deque()
        self._wake = threading.Event()
        self._is_ended = False
        self._thread: threading.Thread | None = None

    def add(self, device: Sampled) -> None:
        """Sample a device too."""
        self._devices = (*self._devices, device)

    def remove(self, device: Sampled) -> None:
        """Sample it no more."""
        self._devices = tuple(each for each in self._devices if each is not device)

    def start(self) -> None:
        """Begin to sample."""
        self._thread = threading.Thread(target=self.run, name=self._name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the thread end, when its present call has returned."""
        self._is_ended = True
        self._wake.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; whether it has come."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def submit(self, job: Callable[[], T]) -> Answer[T]:
        """Have a job done by the thread; at once and here, where it does not run."""
        answer = Answer(job)
        if self._thread is None or self._thread is threading.current_thread():
            answer.do()
        else:
            self._jobs.append(answer)  # type: ignore[arg-type]
            self._wake.set()
        return answer

    def hangs(self) -> bool:
        """Whether a device's source owes an answer for longer than anybody waits."""
        due_s = self._clock.now_s() - DEADLINE_S
        return any(since is not None and since < due_s for since in self._asking())

    def wait(self, duration_s: float) -> bool:
        """Wait, and do the jobs that come meanwhile; whether the thread is to end."""
        until_s = self._clock.now_s() + duration_s
        while not self._is_ended:
            self._do_jobs()
            left_s = until_s - self._clock.now_s()
            if left_s <= 0:
                return self._is_ended
            if self._clock.wait(self._wake, left_s):
                self._wake.clear()
        return True

    def sample(self) -> None:
        """Ask every device once, as the thread does each period."""
        self._sample(self._devices)
        for device in self._devices:
            device.keep_up()

    def run(self) -> None:
        """What the thread does until it is ended."""
        while True:
            # One at a time, because the others have samples to take in between.
            any(device.attend() for device in self._devices)
            often = [device for device in self._devices if device.gains]
            if self.wait(self.pace.wait_s(self._clock.now_s(), often=bool(often))):
                return
            if self.pace.all_are_due(self._clock.now_s()):
                self.sample()
            else:
                self._sample(often)

    def _sample(self, devices: Sequence[Sampled]) -> None:
        for device in devices:
            self._do_jobs()
            device.sample()

    def _do_jobs(self) -> None:
        while self._jobs:
            try:
                self._jobs.popleft().do()
            except Exception:  # noqa: BLE001 - the thread goes on, whatever a job was
                _log.exception("%s: a job failed", self._name)

    def _asking(self) -> list[float | None]:
        return [device.asking_since_s for device in self._devices]


def answered(
    jobs: Sequence[tuple[SourceThread, Callable[[], T]]], clock: Clock, *, late_too: bool
) -> list[T | None]:
    """Have jobs done by their threads at the same time.

    Args:
        jobs: What to do, and by whom.
        clock: Says the time.
        late_too: Whether those that come too late are to be done nevertheless.

    Returns:
        Their answers, in order; None for each that has none within `DEADLINE_S`. A thread that hangs
        already is not waited for at all.
    """
    asked = [(thread, thread.submit(job)) for thread, job in jobs]
    until_s = clock.now_s() + DEADLINE_S
    return [
        answer.value(0.0 if thread.hangs() else until_s - clock.now_s(), late_too=late_too)
        for thread, answer in asked
    ]


def closed_in_time(close: Callable[[], None], timeout_s: float) -> None:
    """Close a source, and do not wait for one that hangs."""
    thread = threading.Thread(target=partial(_quietly, close), name="closing", daemon=True)
    thread.start()
    thread.join(timeout_s)


def _quietly(close: Callable[[], None]) -> None:
    with suppress(Exception):
        close()
