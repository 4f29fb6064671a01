"""The threads that ask sensors: one samples all devices, and each board has one for its windows' edges.

Who opens or closes a window hands a job to the device's edge thread and waits for the answer, but not for
longer than a deadline: a driver that hangs holds up its own threads, and nobody else's. A device that is
slow to answer gets a sampler of its own, so that the others are sampled in time.
"""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, Protocol, TypeVar, final

from trackers.clock import Clock
from trackers.meter.pace import Pace

DEADLINE_S = 0.5
"""A window's edge waits for a sensor for no longer. One that is quick answers in a millisecond."""

SLOW_S = 0.1
"""A device whose answer takes longer gets a sampler of its own."""

WATCH_EACH_S = 0.25
"""So often it is looked whether a device is slow."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Sampled(Protocol):
    """A device as its sampler sees it; a `trackers.meter.watched_device.WatchedDevice`."""

    @property
    def gains(self) -> bool:
        """Return whether sampling it more often makes short windows better."""

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
class EdgeJob(Generic[T]):
    """A job for the edge of a window, and its result once it was done."""

    def __init__(self, job: Callable[[], T]) -> None:
        """Not done yet."""
        self._job = job
        self._done = threading.Lock()  # an Event costs several of them, at each window's edge
        self._done.acquire()
        self._value: T | None = None
        self._is_wanted = True

    def do(self) -> None:
        """Do the job, if anybody still wants it; one that fails is answered by None."""
        try:
            self._value = self._job() if self._is_wanted else None
        finally:
            self._done.release()

    def value(self, timeout_s: float, *, late_too: bool) -> T | None:
        """The answer; None where there is none in time.

        Args:
            timeout_s: For how long it is waited for.
            late_too: Whether the job is to be done although nobody waits for it any more.
        """
        if self._done.acquire(timeout=max(0.0, timeout_s)):
            self._done.release()
            return self._value
        self._is_wanted = late_too
        return None


class Edges(NamedTuple):
    """Thread that asks a source at windows' edges, and the lock for asking it."""

    thread: "EdgeThread"
    asks: threading.Lock


@final
class EdgeThread:
    """Does jobs for the edges of windows, one after the other; costs nothing between them."""

    def __init__(self, name: str, clock: Clock) -> None:
        """Do jobs at once, in the caller's thread, until it is started."""
        self._clock = clock
        self._jobs: SimpleQueue[EdgeJob[object] | None] = SimpleQueue()
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._is_ended = False
        self._name = name
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Do jobs in a thread from now on."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the thread end, when its present call has returned."""
        self._is_ended = True
        self._jobs.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the end, but not for a call that hangs."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def submit(self, job: Callable[[], T]) -> EdgeJob[T]:
        """Have a job done."""
        submitted = EdgeJob(job)
        if self._thread is None:
            submitted.do()
        else:
            self._jobs.put(submitted)  # type: ignore[arg-type]
        return submitted

    def later(self, due_s: float, job: Callable[[], object]) -> None:
        """Have a job done at a time that is to come; to be called by a job of this thread."""
        self._later.append((due_s, job))

    @property
    def due_s(self) -> float:
        """Return when the next of the later jobs is due; infinite where there is none."""
        return min((due_s for due_s, _ in self._later), default=math.inf)

    def do_due(self) -> None:
        """Do the later jobs whose time has come."""
        now_s = self._clock.now_s()
        due = [each for each in self._later if each[0] <= now_s]
        self._later = [each for each in self._later if each[0] > now_s]
        for _, job in due:
            job()

    def _run(self) -> None:
        while not self._is_ended:
            left_s = self.due_s - self._clock.now_s()
            submitted = None
            with suppress(Empty):
                submitted = self._jobs.get(timeout=None if math.isinf(left_s) else max(0.0, left_s))
            try:
                if submitted is not None:
                    submitted.do()
                self.do_due()
            except Exception:  # noqa: BLE001 - the thread goes on, whatever a job was
                _log.exception("%s: a job failed", self._name)


@final
class Sampler:
    """Samples devices at a pace, one after the other."""

    def __init__(self, clock: Clock, ends: threading.Event, *, period_s: float) -> None:
        """Sample each `period_s` until `ends` is set."""
        self.pace = Pace(period_s)
        self.devices: tuple[Sampled, ...] = ()
        self._clock = clock
        self._ends = ends

    def slow(self) -> Sampled | None:
        """The device that owes an answer for too long; None where none does."""
        due_s = self._clock.now_s() - SLOW_S
        for device in self.devices:
            since_s = device.asking_since_s
            if since_s is not None and since_s < due_s:
                return device
        return None

    def sample(self) -> None:
        """Ask every device once, as is done each period."""
        self._sample(self.devices)
        for device in self.devices:
            device.keep_up()

    def run(self) -> None:
        """Sample until the end."""
        while True:
            # One at a time, because the others have samples to take in between.
            any(device.attend() for device in self.devices)
            often = [device for device in self.devices if device.gains]
            wait_s = self.pace.wait_s(self._clock.now_s(), often=bool(often))
            if self._clock.wait(self._ends, wait_s):
                return
            if self.pace.all_are_due(self._clock.now_s()):
                self.sample()
            else:
                self._sample(often)

    def _sample(self, devices: Sequence[Sampled]) -> None:
        for device in devices:
            if device in self.devices:  # it may have been given to another sampler meanwhile
                device.sample()


@final
class Samplers:
    """The samplers of a meter: one, and one more for each device that was slow."""

    def __init__(self, clock: Clock, *, period_s: float) -> None:
        """Sample each `period_s`, once it was started."""
        self._clock = clock
        self._period_s = period_s
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.first = Sampler(clock, self._ends, period_s=period_s)
        self._all = [self.first]

    def add(self, device: Sampled) -> None:
        """Sample a device too."""
        with self._lock:
            self.first.devices = (*self.first.devices, device)

    def remove(self, device: Sampled) -> None:
        """Sample it no more."""
        with self._lock:
            for sampler in self._all:
                sampler.devices = tuple(each for each in sampler.devices if each is not device)

    def edge(self) -> None:
        """A window opens or closes now."""
        now_s = self._clock.now_s()
        for sampler in self._all:
            sampler.pace.edge(now_s)

    def wait(self, duration_s: float) -> bool:
        """Wait; whether the samplers are to end."""
        return self._clock.wait(self._ends, duration_s)

    def start(self) -> None:
        """Begin to sample."""
        if self._ends.is_set():
            _log.warning(
                "a meter is started that was stopped: its sources are closed, and all is missing that it "
                "measures. Make another one, with what detect() finds."
            )
        self._begin(self.first.run, "energy-meter")
        self._begin(self._watch, "energy-meter watch")

    def end(self) -> None:
        """Let all samplers end, when their present calls have returned."""
        self._ends.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, but not for calls that hang."""
        for thread in self._threads:
            thread.join(timeout_s)

    def sample(self) -> None:
        """Ask every device once."""
        for sampler in self._all:
            sampler.sample()

    def _begin(self, run: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch(self) -> None:
        """Leave a slow device alone with its sampler, and go on with the others in a new one."""
        while not self._clock.wait(self._ends, WATCH_EACH_S):
            slow = self.first.slow()
            if slow is None or len(self.first.devices) == 1:
                continue
            new = Sampler(self._clock, self._ends, period_s=self._period_s)
            with self._lock:
                new.devices = tuple(each for each in self.first.devices if each is not slow)
                self.first.devices = (slow,)
                self.first = new
                self._all.append(new)
            self._begin(new.run, "energy-meter")


def answered(
    jobs: Sequence[tuple[EdgeThread, Sampled, Callable[[], T]]], clock: Clock, *, late_too: bool
) -> list[T | None]:
    """Have jobs done by edge threads at the same time.

    Args:
        jobs: By whom, for which device, and what.
        clock: Says the time.
        late_too: Whether those that come too late are to be done nevertheless.

    Returns:
        Their answers, in order; None for each that has none within `DEADLINE_S`. A device that hangs
        already is not waited for at all.
    """
    asked = [(device, thread.submit(job)) for thread, device, job in jobs]
    until_s = clock.now_s() + DEADLINE_S

    def left_s(device: Sampled) -> float:
        now_s, since_s = clock.now_s(), device.asking_since_s
        return 0.0 if since_s is not None and since_s < now_s - DEADLINE_S else until_s - now_s

    return [answer.value(left_s(device), late_too=late_too) for device, answer in asked]


def closed_in_time(close: Callable[[], None], timeout_s: float) -> None:
    """Close a source, and do not wait for one that hangs."""
    thread = threading.Thread(target=partial(_quietly, close), name="closing", daemon=True)
    thread.start()
    thread.join(timeout_s)


def _quietly(close: Callable[[], None]) -> None:
    with suppress(Exception):
        close()
