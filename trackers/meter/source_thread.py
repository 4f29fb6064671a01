"""Threads that read sensors: one samples all devices, and each board has one for its windows' edges.

The caller that opens or closes a window hands a job to the device's edge thread and waits for the answer, but
no longer than a deadline: a hanging driver blocks its own threads and no others. A device that is slow to
answer gets a sampler of its own, so that the others are sampled in time.
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
"""Longest time for which a window's edge waits for a sensor. A quick one answers in a millisecond."""

SLOW_S = 0.1
"""A device whose answer takes longer gets a sampler of its own."""

WATCH_EACH_S = 0.25
"""Time between two checks for a slow device."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Sampled(Protocol):
    """Interface of a device towards its sampler; implemented by `WatchedDevice`."""

    @property
    def benefits_from_dense_sampling(self) -> bool:
        """Return whether sampling the device more often makes short windows more accurate."""

    @property
    def asking_since_s(self) -> float | None:
        """Start of the call to the source that is in progress; None when there is none."""

    def learn_refreshes_if_due(self) -> bool:
        """Learn the refresh times of the counter if that is due, and return whether it was."""

    def sample(self) -> None:
        """Read the device's power."""

    def do_periodic_work(self) -> None:
        """Do the periodic work that must not delay a window's edge."""


@final
class EdgeJob(Generic[T]):
    """A job for the edge of a window, and its result once it is done."""

    def __init__(self, job: Callable[[], T]) -> None:
        """Wrap a job that is not done yet."""
        self._job = job
        self._done = threading.Lock()  # an Event would cost several locks at each window's edge
        self._done.acquire()
        self._value: T | None = None
        self._is_wanted = True

    def do(self) -> None:
        """Run the job if its result is still wanted; the result of a job that raises is None."""
        try:
            self._value = self._job() if self._is_wanted else None
        finally:
            self._done.release()

    def value(self, timeout_s: float, *, run_even_if_late: bool) -> T | None:
        """Wait for the result and return it; None where there is none in time.

        Args:
            timeout_s: Longest time to wait.
            run_even_if_late: Whether the job is still to be done after this wait has ended without a result.
        """
        if self._done.acquire(timeout=max(0.0, timeout_s)):
            self._done.release()
            return self._value
        self._is_wanted = run_even_if_late
        return None


class Edges(NamedTuple):
    """Thread that asks a source at windows' edges, and the lock for asking it."""

    thread: "EdgeThread"
    asks: threading.Lock


@final
class EdgeThread:
    """A thread that runs jobs for the edges of windows, one after the other; it sleeps between them."""

    def __init__(self, name: str, clock: Clock) -> None:
        """Create the thread; until it is started, jobs are run at once in the caller's thread."""
        self._clock = clock
        self._jobs: SimpleQueue[EdgeJob[object] | None] = SimpleQueue()
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._is_ended = False
        self._name = name
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run jobs in a background thread from now on."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Tell the thread to end when its present job has returned."""
        self._is_ended = True
        self._jobs.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, at most `timeout_s`, because a job may hang."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def submit(self, job: Callable[[], T]) -> EdgeJob[T]:
        """Queue a job and return a handle to its result."""
        submitted = EdgeJob(job)
        if self._thread is None:
            submitted.do()
        else:
            self._jobs.put(submitted)  # type: ignore[arg-type]
        return submitted

    def later(self, due_s: float, job: Callable[[], object]) -> None:
        """Schedule a job for a later time; may be called only by a job of this thread."""
        self._later.append((due_s, job))

    @property
    def due_s(self) -> float:
        """Time at which the next scheduled job is due; infinite where there is none."""
        return min((due_s for due_s, _ in self._later), default=math.inf)

    def do_due(self) -> None:
        """Run the scheduled jobs that are due."""
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
            except Exception:  # noqa: BLE001 - the thread goes on, whatever a job raises
                _log.exception("%s: a job failed", self._name)


@final
class Sampler:
    """Samples devices at a pace, one after the other."""

    def __init__(self, clock: Clock, ends: threading.Event, *, period_s: float) -> None:
        """Create a sampler that samples every `period_s` until `ends` is set."""
        self.pace = Pace(period_s)
        self.devices: tuple[Sampled, ...] = ()
        self._clock = clock
        self._ends = ends

    def slow(self) -> Sampled | None:
        """Return the device that has not answered for longer than `SLOW_S`; None where there is none."""
        due_s = self._clock.now_s() - SLOW_S
        for device in self.devices:
            since_s = device.asking_since_s
            if since_s is not None and since_s < due_s:
                return device
        return None

    def sample(self) -> None:
        """Sample every device once, as is done each period."""
        self._sample(self.devices)
        for device in self.devices:
            device.do_periodic_work()

    def run(self) -> None:
        """Sample until `ends` is set."""
        while True:
            # One device per round, because the others must be sampled in between.
            any(device.learn_refreshes_if_due() for device in self.devices)
            often = [device for device in self.devices if device.benefits_from_dense_sampling]
            wait_s = self.pace.wait_s(self._clock.now_s(), often=bool(often))
            if self._clock.wait(self._ends, wait_s):
                return
            if self.pace.all_are_due(self._clock.now_s()):
                self.sample()
            else:
                self._sample(often)

    def _sample(self, devices: Sequence[Sampled]) -> None:
        for device in devices:
            if device in self.devices:  # it may have been moved to another sampler meanwhile
                device.sample()


@final
class Samplers:
    """The samplers of a meter: one, and one more for each device that was slow."""

    def __init__(self, clock: Clock, *, period_s: float) -> None:
        """Create samplers that sample every `period_s` once they are started."""
        self._clock = clock
        self._period_s = period_s
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.first = Sampler(clock, self._ends, period_s=period_s)
        self._all = [self.first]

    def add(self, device: Sampled) -> None:
        """Add a device to those that are sampled."""
        with self._lock:
            self.first.devices = (*self.first.devices, device)

    def remove(self, device: Sampled) -> None:
        """Stop sampling a device."""
        with self._lock:
            for sampler in self._all:
                sampler.devices = tuple(each for each in sampler.devices if each is not device)

    def edge(self) -> None:
        """Note that a window opens or closes now."""
        now_s = self._clock.now_s()
        for sampler in self._all:
            sampler.pace.edge(now_s)

    def wait(self, duration_s: float) -> bool:
        """Wait for `duration_s`, or less if the samplers are to end; return whether they are."""
        return self._clock.wait(self._ends, duration_s)

    def start(self) -> None:
        """Start the sampling threads."""
        if self._ends.is_set():
            _log.warning(
                "a stopped meter was started again: its sources are closed, so all its readings will be "
                "missing. Create a new meter with the result of detect()."
            )
        self._begin(self.first.run, "energy-meter")
        self._begin(self._watch, "energy-meter watch")

    def end(self) -> None:
        """Tell all samplers to end when their present calls have returned."""
        self._ends.set()

    def join(self, timeout_s: float) -> None:
        """Wait for each thread to end, at most `timeout_s`, because a call may hang."""
        for thread in self._threads:
            thread.join(timeout_s)

    def sample(self) -> None:
        """Sample every device once."""
        for sampler in self._all:
            sampler.sample()

    def _begin(self, run: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch(self) -> None:
        """Leave a slow device to its present sampler, and move the others to a new one."""
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
    jobs: Sequence[tuple[EdgeThread, Sampled, Callable[[], T]]],
    clock: Clock,
    *,
    run_even_if_late: bool,
) -> list[T | None]:
    """Run jobs on their edge threads at the same time and wait for the results.

    Args:
        jobs: For each job its thread, its device and the function to call.
        clock: Clock of all times.
        run_even_if_late: Whether a job is still to be done after the wait for it has ended.

    Returns:
        The results in the order of the jobs; None for each that is not done within `DEADLINE_S`. A device
        that is already hanging is not waited for at all.
    """
    asked = [(device, thread.submit(job)) for thread, device, job in jobs]
    until_s = clock.now_s() + DEADLINE_S

    def left_s(device: Sampled) -> float:
        now_s, since_s = clock.now_s(), device.asking_since_s
        return 0.0 if since_s is not None and since_s < now_s - DEADLINE_S else until_s - now_s

    return [
        answer.value(left_s(device), run_even_if_late=run_even_if_late) for device, answer in asked
    ]


def closed_in_time(close: Callable[[], None], timeout_s: float) -> None:
    """Close a source, waiting at most `timeout_s`, because it may hang; errors are ignored."""
    thread = threading.Thread(target=partial(_quietly, close), name="closing", daemon=True)
    thread.start()
    thread.join(timeout_s)


def _quietly(close: Callable[[], None]) -> None:
    with suppress(Exception):
        close()
