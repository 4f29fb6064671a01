"""A device that the meter watches: its observations so far, and the readings of windows over it.

The device is read by its edge thread and by a sampler, one at a time. The thread that closes a window reads
the stored observations under a lock that is never held while a sensor is read.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import final

from trackers.clock import Clock
from trackers.meter.counted import (
    COUNTER_REFRESH_S,
    LOWEST_COVERAGE,
    Stretch,
    WindowEdges,
)
from trackers.meter.counter_trust import CounterTrust, Verdict
from trackers.meter.guarded_source import GuardedSource
from trackers.meter.integrate import PowerTrace
from trackers.meter.meter_values import OpenWindow
from trackers.meter.pace import DENSEST_S, dense_sampling_helps
from trackers.meter.refreshes.watch import RefreshWatch
from trackers.meter.sensor import Sensor
from trackers.meter.source_thread import EdgeThread, Samplers
from trackers.meter.uncertainty import Persistence, Roughness
from trackers.meter.window import reading
from trackers.sample import (
    BoardState,
    Component,
    Device,
    Observation,
    PowerSample,
    Reading,
    Scope,
    process_and_device,
)
from trackers.source import LimitsPower, PowerSource

KEPT_S = 60.0
"""Power samples are kept at least this long, so that an idle power can be computed from them."""

FORGET_EACH_S = 10.0
"""Time between two removals of older samples that no open window needs."""

STATE_EACH_S = 1.0
"""Time between two readings of a board's temperature, clock and the like."""

SEEN = 0.8
"""Share of its period after which a process's share is due again; less than 1, because samplers come at varying
times."""

ALONE_OLDEST_S = 0.01
"""Greatest age of a counter's value from a source without power: RAPL refreshes its counters each millisecond."""

_log = logging.getLogger(__name__)


@final
class WatchedDevice:
    """A device of a source, or a process's share of one, with its observations."""

    def __init__(
        self,
        source: PowerSource,
        device_uuid: str,
        device: Device | None,
        *,
        thread: EdgeThread,
        samplers: Samplers,
        asks: threading.Lock,
        clock: Clock,
        period_s: float,
        keep: Callable[[str, PowerSample], None],
        open_windows: Callable[[str], Iterable[OpenWindow]],
    ) -> None:
        """Watch a device.

        Args:
            source: Source that measures the device.
            device_uuid: Identifier under which the source is asked for it.
            device: The device; None for the share of a process.
            thread: Thread that reads the device at the edges of windows.
            samplers: Samplers that read the device in between.
            asks: Lock that is held while the device is read, because a source is read by one thread at a
                time.
            clock: Clock of all times.
            period_s: Time between two samples.
            keep: Called with the device's identifier and each sample of its power.
            open_windows: Returns the windows that are open on the device of an identifier.
        """
        self.source = source
        self.device_uuid = device_uuid
        self.thread = thread
        self._samplers = samplers
        self._limits = source if isinstance(source, LimitsPower) else None
        self._device = device
        self._clock = clock
        self._period_s = period_s
        self._keep = keep
        self._open_windows = open_windows
        self._lock = threading.Lock()
        self._guarded = GuardedSource(
            source, device_uuid, clock=clock, shortest_s=period_s / 2, device=device, asks=asks
        )
        self._trace = PowerTrace(period_s=period_s)
        self._counted: Observation | None = None
        self._trust = CounterTrust()
        self._told = {Verdict.TRUSTED}
        self._roughness = Roughness()
        self._persistence = Persistence()
        self._refreshes = RefreshWatch(self._poll_counter, clock, samplers.wait)
        self._state = BoardState()
        self._state_at_s = self._forget_at_s = self._sample_at_s = clock.now_s()

    @property
    def asking_since_s(self) -> float | None:
        """Start of the call to the source that is in progress; None when there is none."""
        return self._guarded.asking_since_s

    @property
    def has_counter(self) -> bool:
        """Return whether the device has ever reported a counter."""
        return self._counted is not None

    @property
    def is_gone(self) -> bool:
        """Return whether this is the share of a process that has ended."""
        return self._device is None and self._guarded.is_lost

    @property
    def refresh_s(self) -> float | None:
        """Time between two refreshes of its counter; None where it is not known."""
        return self._refreshes.period_s

    @property
    def benefits_from_dense_sampling(self) -> bool:
        """Return whether sampling the device more often makes short windows more accurate."""
        return self._guarded.tells_power and dense_sampling_helps(
            averaging_period_s=self._averaging_period_s,
            has_counter=self.has_counter,
            refresh_s=self.refresh_s,
        )

    def learn_refreshes_if_due(self) -> bool:
        """Learn the refresh times of the counter if that is due, and return whether it was.

        This helps only where there is also a power, which gives the energy since the last refresh.
        """
        is_of_use = self.has_counter and self._guarded.tells_power and not self.source.estimated
        return is_of_use and not self._guarded.is_lost and self._refreshes.learn_if_due()

    def sample(self) -> None:
        """Read the device's power, unless it is lost; a process's share is read only when it is due."""
        now_s = self._clock.now_s()
        if self._device is None:
            if now_s < self._sample_at_s:
                return
            self._sample_at_s = now_s + SEEN * self._period_s
        if not self._guarded.rests():
            self.observe(counter=False)

    def do_periodic_work(self) -> None:
        """Judge the counter and, from time to time, read the state and drop samples that no window needs.

        This is done between windows' edges, which it would delay.
        """
        self._judge()
        now_s = self._clock.now_s()
        if now_s >= self._state_at_s:
            self._state_at_s = now_s + STATE_EACH_S
            self._state = self._guarded.state()
        if now_s < self._forget_at_s:
            return
        self._forget_at_s = now_s + FORGET_EACH_S
        needed = [
            window.around_start_s(self.device_uuid, self._averaging_period_s)
            for window in self._open_windows(self.device_uuid)
        ]
        with self._lock:
            self._trace.forget_before(now_s - KEPT_S, except_within=needed)

    def observe(self, *, counter: bool) -> Observation | None:
        """Read the device and store the observation; None where it does not answer."""
        seen = self._guarded.ask(counter=counter)
        if seen is not None:
            self._take(seen)
        return seen

    def _poll_counter(self) -> Observation | None:
        """Read the counter, as is done each millisecond to find a refresh; store the power less often."""
        seen = self._guarded.ask(counter=True)
        if seen is not None and seen.time_s - self._trace.last_s >= DENSEST_S:
            self._take(seen)
        return seen

    def _take(self, seen: Observation) -> None:
        with self._lock:
            if seen.counter_j is not None:
                self._counted = seen
            sample = self._guarded.power(seen)
            if sample is None or sample.time_s <= self._trace.last_s:
                return
            within = self._refreshes.is_within(self._trace.last_s, sample.time_s)
            self._trace.append(sample, is_mean=seen.power_w is None)
            self._roughness.add(sample, refreshed_between=not within)
        self._keep(self.device_uuid, sample)

    def at_edge(self) -> Observation | None:
        """Read the counter at a window's edge."""
        self._samplers.edge()
        return self._refreshes.at_edge(self._observe_counter)

    def begin(self, window: OpenWindow) -> None:
        """Read the counter at a window's start; its time stamp shows how late that was.

        A counter that is refreshed rarely is read again after its next refresh, because the two values
        bracket the energy around the start.
        """
        if window.is_closing:
            return
        seen = window.at_start[self.device_uuid] = self.at_edge()
        next_s = (
            None
            if seen is None or not self.benefits_from_dense_sampling
            else self._refreshes.next_s(seen)
        )
        if next_s is not None:
            self.thread.later(next_s, partial(self._note_refresh, window))

    def _note_refresh(self, window: OpenWindow) -> None:
        seen = None if window.is_closing else self._refreshes.at_edge(self._observe_counter)
        if seen is not None and seen.counter_j is not None:
            window.refreshed[self.device_uuid] = seen

    def _observe_counter(self) -> Observation | None:
        return self.observe(counter=True)

    @property
    def state(self) -> BoardState:
        """State of the device as it was last reported."""
        return self._state

    def mean_power_w(self, start_s: float, stop_s: float) -> float | None:
        """Mean power; None when the device was observed for less than `LOWEST_COVERAGE` of the time."""
        with self._lock:
            integral = self._trace.integral(start_s, stop_s)
        if integral.energy_j is None or integral.coverage < LOWEST_COVERAGE:
            return None
        return integral.energy_j / (stop_s - start_s)

    def reading(self, window: OpenWindow, stop_s: float, at_stop: Observation | None) -> Reading:
        """Reading of the device over a window.

        Args:
            window: The window.
            stop_s: End of the window.
            at_stop: Observation at the end; None where the device did not answer.
        """
        self._judge()
        with self._lock:
            last_value = self._last_counter_value(window) if at_stop is None else None
            edges = WindowEdges(
                device_uuid=self.device_uuid,
                start_s=window.start_s,
                stop_s=stop_s,
                at_start=window.at_start.get(self.device_uuid),
                at_stop=at_stop or last_value,
                is_stop_stale=last_value is not None,
                refreshed=window.refreshed.get(self.device_uuid),
            )
            sensor = self._sensor(window.start_s)
            self._learn(edges.first_stretch(sensor))
            told, evidence = reading(edges, trace=self._trace, sensor=sensor)
            if evidence is not None:
                self._trust.wait_with(evidence)
        return replace(told, state=self._state, scope=self._scope)

    @property
    def _averaging_period_s(self) -> float:
        return 0.0 if self._device is None else self._device.averaging_period_s

    @property
    def _scope(self) -> Scope:
        if process_and_device(self.device_uuid) is not None:
            return Scope.PROCESSES
        is_board = self._device is None or self._device.component is Component.GPU
        return Scope.DEVICE if is_board else Scope.MACHINE

    def _limit_w(self, since_s: float) -> float | None:
        """Highest power that the device may have drawn since `since_s`; follows limits that change."""
        limit_w = None if self._device is None else self._device.power_limit_w
        if limit_w is None or self._limits is None:
            return limit_w
        return (
            self._limits.highest_limit_w(self.device_uuid, since_s - COUNTER_REFRESH_S) or limit_w
        )

    def _sensor(self, since_s: float) -> Sensor:
        return Sensor(
            period_s=self._period_s,
            has_counter=self.has_counter,
            estimated=self.source.estimated,
            power_limit_w=self._limit_w(since_s),
            averaging_period_s=self._averaging_period_s,
            update_period_s=0.0 if self._device is None else self._device.update_period_s,
            refresh_s=self.refresh_s,
            oldest_s=self._refreshes.oldest_s if self._guarded.tells_power else ALONE_OLDEST_S,
            trust=self._trust.now,
            roughness=self._roughness,
            persistence=self._persistence,
        )

    def _learn(self, stretch: Stretch | None) -> None:
        """Record how well the power reported at the start of a stretch predicted the stretch's energy."""
        if stretch is not None:
            self._persistence.add(
                reported_w=stretch.reported_w,
                reported_after_w=stretch.reported_after_w,
                mean_w=stretch.energy_j / stretch.length_s,
                length_s=stretch.length_s,
            )

    def _last_counter_value(self, window: OpenWindow) -> Observation | None:
        """Last value of the counter, where it is from within the window and later than any power sample."""
        last = self._counted
        if last is None or last.time_s <= max(self._trace.last_s, window.start_s):
            return None
        return last

    def _judge(self) -> None:
        """Judge the counter by the windows that have ended, and log each new verdict once.

        This is not done when a window ends, because its trial is waiting for the reading, but before the
        next window's reading.
        """
        with self._lock:
            trust = self._trust.judged()
        if trust.verdict not in self._told:
            self._told.add(trust.verdict)
            _log.warning(trust.words, self.device_uuid)
