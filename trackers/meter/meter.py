"""EnergyMeter: samples devices in the background and measures the energy of windows.

Windows may nest and overlap, and may be opened and closed from any thread. A fault of a sensor never
raises out of a window; the reading's status tells of it. At windows' edges each board is read by a thread
of its own, and so is each other source, so that a slow or hanging one does not spoil the windows of others.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Self, TypeVar, final

from trackers.clock import Clock, MonotonicClock
from trackers.meter.meter_values import LoggedSample, OpenWindow, Window, check_time, logged
from trackers.meter.source_thread import Edges, EdgeThread, Samplers, answered, closed_in_time
from trackers.meter.watched_device import WatchedDevice
from trackers.sample import BoardState, Component, Device, Method, PowerSample, Reading
from trackers.source import PowerSource
from trackers.sources.detect import Detection
from trackers.sources.targets import Targets, sources_of

DEFAULT_SAMPLING_HZ = 10.0
LOG_LENGTH = 200_000
"""Power samples that are kept for `take_log`; beyond that the oldest are dropped."""

SHARE_EACH_S = 0.25
"""Sampling period of a process's share, whose samples between windows' edges matter only if it is killed."""

END_S = 1.0
"""Longest wait, when the meter stops, for a thread that hangs in a driver."""

T = TypeVar("T")


@final
class EnergyMeter:
    """Samples devices in the background and integrates windows over them.

    Examples:
        >>> from trackers import EnergyMeter, Request, detect
        >>> with EnergyMeter(detect(Request(tracker="estimate"))) as meter:  # or detect()
        ...     with meter.window("epoch-1") as window:
        ...         total = sum(range(1000))  # train here
        >>> [reading.method.value for reading in window.readings.values()]
        ['estimated']
    """

    def __init__(
        self,
        sources: PowerSource | Detection | Sequence[PowerSource],
        *,
        sampling_hz: float = DEFAULT_SAMPLING_HZ,
        clock: Clock | None = None,
        whole_machine: bool = False,
    ) -> None:
        """Create a meter of some sources; nothing is sampled before `start` or `with`.

        Args:
            sources: One or more power sources, or the result of `detect()`.
            sampling_hz: Rate at which power is sampled.
            clock: Clock of all times; the machine's monotonic clock when left out.
            whole_machine: Whether windows without named devices measure all of CPU and memory, instead
                of the share of this process and its children.

        Raises:
            ValueError: `sampling_hz` is not positive.
        """
        if not sampling_hz > 0:
            message = f"sampling_hz is {sampling_hz}; it must be more than 0"
            raise ValueError(message)
        self.sources = sources_of(sources)
        self._period_s = 1 / sampling_hz
        self._clock = clock or MonotonicClock()
        self._whole_machine = whole_machine
        self._lock = threading.Lock()
        self._targets = Targets(self.sources)
        self._samplers = Samplers(self._clock, period_s=self._period_s)
        self._edges: dict[str, Edges] = {}
        self._watched: dict[str, WatchedDevice] = {}
        self._open: dict[Hashable, OpenWindow] = {}
        self._log: deque[LoggedSample] = deque(maxlen=LOG_LENGTH)
        self._is_started = False

    def method(self, device_uuid: str) -> Method:
        """Method of a device's energies when nothing fails; known once the meter has started."""
        watched = self._watched.get(device_uuid)
        source = self._targets.owner(device_uuid)[0] if watched is None else watched.source
        if source.estimated:
            return Method.ESTIMATED
        return Method.COUNTER if watched is not None and watched.has_counter else Method.SAMPLED

    def devices(self) -> tuple[Device, ...]:
        """Return the devices of all sources."""
        return self._targets.devices

    def default_targets(self) -> list[str]:
        """Return the targets of a window for which no devices are named."""
        if self._whole_machine:
            return [device.uuid for device in self.devices()]
        return self._targets.of_process(os.getpid())

    def start(self) -> None:
        """Start sampling all devices in the background."""
        self._is_started = True
        for edges in self._edges.values():
            edges.thread.start()
        self._samplers.start()
        self._watch([*(device.uuid for device in self.devices()), *self.default_targets()])

    def stop(self) -> None:
        """Stop sampling and close the sources; may be called twice, but the meter cannot be restarted."""
        self._is_started = False
        threads = [edges.thread for edges in self._edges.values()]
        self._samplers.end()
        for thread in threads:
            thread.end()
        self._samplers.join(END_S)
        for thread in threads:
            thread.join(END_S)
        for source in self.sources:
            closed_in_time(source.close, END_S)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # Ctrl-C while a sensor is waited for, say
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def window(self, key: Hashable, *, devices: Sequence[str] | None = None) -> Iterator[Window]:
        """Measure a block of code; `readings` of the window are filled when it ends, also by an exception.

        Args:
            key: Name of the window.
            devices: Devices to measure; see `open`.

        Raises:
            ValueError: A window of that name is open.
            UnknownDeviceError: See `open`.
        """
        window = Window()
        self.open(key, devices=devices)
        try:
            yield window
        finally:
            window.readings = self.close(key)

    def watch(self, device_uuid: str) -> None:
        """Sample a device from now on, also while no window is open on it.

        Raises:
            UnknownDeviceError: The device was never there.
        """
        self._targets.check([device_uuid])
        self._watch([device_uuid])

    def open(
        self,
        key: Hashable,
        *,
        devices: Sequence[str] | None = None,
        start_s: float | None = None,
        checked: bool = True,
    ) -> None:
        """Open a window.

        Args:
            key: Name of the window.
            devices: UUIDs of the devices to measure. When left out: the boards, the node, and the share of
                this process and its children in CPU and memory (all of it with `whole_machine`).
            start_s: Start of the window, if it began before this call (in another process, say).
            checked: Whether to refuse a device that was never present; otherwise its reading is missing.

        Raises:
            ValueError: A window of that name is open, or `start_s` is not a time.
            UnknownDeviceError: A device was never there; one that is gone is a missing reading.
        """
        check_time("start_s", start_s)
        targets = self.default_targets() if devices is None else list(devices)
        if checked:
            self._targets.check(targets)
        window = OpenWindow(
            start_s=self._clock.now_s() if start_s is None else start_s,
            at_start=dict.fromkeys(targets),
        )
        with self._lock:
            if key in self._open:
                message = f"a window {key!r} is open already; close it, or use another name"
                raise ValueError(message)
            self._open[key] = window
        try:
            self._watch(targets)
            starts = [(each, partial(self._watched[each].begin, window)) for each in targets]
            self._answered(starts, run_even_if_late=True)
        except BaseException:
            with self._lock:
                self._open.pop(key, None)
            raise
        now_s = self._clock.now_s()
        window.start_s = now_s if start_s is None else min(start_s, now_s)

    def opened(self, key: Hashable) -> OpenWindow | None:
        """Return the state of an open window; None where no window of that name is open."""
        return self._open.get(key)

    def adopt(self, key: Hashable, window: OpenWindow) -> None:
        """Take over a window of a process that has ended; see `PowerSource.counter_persists`."""
        self._watch(list(window.at_start))
        known = {
            each: seen if self._watched[each].source.counter_persists else None
            for each, seen in window.at_start.items()
        }
        with self._lock:
            self._open[key] = OpenWindow(start_s=window.start_s, at_start=known)

    def close(self, key: Hashable, *, stop_s: float | None = None) -> dict[str, Reading]:
        """Close a window and measure the energy of each of its devices.

        Args:
            key: Name of the window.
            stop_s: End of the window, if it ended before this call.

        Returns:
            Reading of each device by UUID; empty if the window is not open, or is being closed already.

        Raises:
            ValueError: `stop_s` is not a time.
        """
        check_time("stop_s", stop_s)
        with self._lock:
            window = self._open.get(key)
            if window is None or window.is_closing:
                return {}
            window.is_closing = True
        try:
            now_s = self._clock.now_s()
            stop_s = now_s if stop_s is None else max(stop_s, window.start_s)
            watched = [self._watched[each] for each in window.at_start]
            seen = self._answered([(each.device_uuid, each.at_edge) for each in watched])
            return {
                each.device_uuid: each.reading(window, stop_s, at_stop)
                for each, at_stop in zip(watched, seen, strict=True)
            }
        finally:
            with self._lock:
                self._open.pop(key, None)
            self._drop_the_gone()

    def open_windows(self) -> list[Hashable]:
        """Return the names of the open windows, in the order in which they were opened."""
        with self._lock:
            return list(self._open)

    def sample(self) -> None:
        """Sample every watched device once, as the background threads do each period."""
        self._samplers.sample()

    def take_log(self) -> list[LoggedSample]:
        """Return the power samples since the last call, and remove them from the log."""
        return [self._log.popleft() for _ in range(len(self._log))]

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """Mean power of a watched device; None when it was observed for less than 90 % of the time."""
        watched = self._watched.get(device_uuid)
        if watched is None or stop_s <= start_s:
            return None
        return watched.mean_power_w(start_s, stop_s)

    def state(self, device_uuid: str) -> BoardState:
        """State of a device as it was last reported; does not read the sensor."""
        watched = self._watched.get(device_uuid)
        return BoardState() if watched is None else watched.state

    def refresh_s(self, device_uuid: str) -> float | None:
        """Time between two refreshes of a device's counter; None where it is not known."""
        watched = self._watched.get(device_uuid)
        return None if watched is None else watched.refresh_s

    def _watch(self, targets: Sequence[str]) -> None:
        """Begin to sample the targets that are not sampled yet, and read each of these once."""
        with self._lock:
            unknown = [each for each in dict.fromkeys(targets) if each not in self._watched]
            new = [self._begin_watch(each) for each in unknown]
        self._answered([(each.device_uuid, partial(each.observe, counter=True)) for each in new])

    def _begin_watch(self, target: str) -> WatchedDevice:
        source, device = self._targets.owner(target)
        is_board = device is not None and device.component is Component.GPU
        own = target if is_board else f"source {self.sources.index(source)}"
        if own not in self._edges:
            self._edges[own] = Edges(
                EdgeThread(f"energy-meter {own}", self._clock), threading.Lock()
            )
            if self._is_started:
                self._edges[own].thread.start()
        edges = self._edges[own]
        watched = WatchedDevice(
            source,
            target,
            device,
            thread=edges.thread,
            samplers=self._samplers,
            asks=edges.asks,
            clock=self._clock,
            # A device that updates its power once a second is fully observed by one sample a second.
            period_s=max(
                self._period_s, SHARE_EACH_S if device is None else device.update_period_s
            ),
            keep=self._keep,
            open_windows=self._windows_on,
        )
        self._samplers.add(watched)
        self._watched[target] = watched
        return watched

    def _answered(
        self, jobs: Sequence[tuple[str, Callable[[], T]]], *, run_even_if_late: bool = False
    ) -> list[T | None]:
        watched = ((self._watched[each], job) for each, job in jobs)
        threads = [(each.thread, each, job) for each, job in watched]
        return answered(threads, self._clock, run_even_if_late=run_even_if_late)

    def _keep(self, device_uuid: str, sample: PowerSample) -> None:
        with self._lock:
            innermost = next(
                (key for key in reversed(self._open) if device_uuid in self._open[key].at_start),
                None,
            )
        self._log.append(logged(device_uuid, sample, innermost))

    def _windows_on(self, device_uuid: str) -> list[OpenWindow]:
        with self._lock:
            return [each for each in self._open.values() if device_uuid in each.at_start]

    def _drop_the_gone(self) -> None:
        """Stop watching the shares of processes that have ended and have no open window."""
        with self._lock:
            in_use = {target for window in self._open.values() for target in window.at_start}
            for target, watched in list(self._watched.items()):
                if watched.is_gone and target not in in_use:
                    self._samplers.remove(watched)
                    del self._watched[target]
