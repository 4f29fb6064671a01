"""EnergyMeter: watches devices in the background and tells the energy of windows.

Usable without Ray and without the rest of the project:

    with EnergyMeter(detect()) as meter:
        with meter.window("epoch-1") as window:
            train_one_epoch()
        print(window.readings)

Windows may nest and overlap, and may be opened and closed from any thread. What a sensor does never
raises out of a window: the reading's status says it.
"""

import logging
import threading
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self, final

from trackers.clock import Clock, MonotonicClock
from trackers.meter.guarded_source import GuardedSource
from trackers.meter.integrate import PowerTrace
from trackers.meter.meter_values import LoggedSample, OpenWindow, Window, logged
from trackers.meter.pace import Pace, gains_by_more
from trackers.meter.refresh_watch import RefreshWatch
from trackers.meter.state_watch import StateWatch
from trackers.meter.window import LOWEST_COVERAGE, WindowEdges, reading
from trackers.sample import Method, Observation, Reading
from trackers.source import PowerSource
from trackers.sources.detect import Detection

DEFAULT_SAMPLING_HZ = 10.0
LOG_LENGTH = 200_000
"""Power samples that are kept until somebody takes them; the oldest go first."""

KEPT_S = 60.0
"""Power is kept at least for so long, so that an idle power can be asked for."""

FORGET_EACH_S = 10.0
"""What is older, and not needed for an open window, is dropped so often."""

_log = logging.getLogger(__name__)


@final
class EnergyMeter:
    """Samples a source's devices in one thread and integrates windows over them."""

    def __init__(
        self,
        source: PowerSource | Detection,
        *,
        sampling_hz: float = DEFAULT_SAMPLING_HZ,
        clock: Clock | None = None,
    ) -> None:
        """Take a source, or what `detect()` found; nothing is sampled before `start` or `with`.

        Raises:
            ValueError: `sampling_hz` is not positive.
        """
        if not sampling_hz > 0:
            message = f"sampling_hz is {sampling_hz}; it must be more than 0"
            raise ValueError(message)
        self.source = source = source.source if isinstance(source, Detection) else source
        self._period_s = 1 / sampling_hz
        self._clock = clock or MonotonicClock()
        self._lock = threading.RLock()
        self._devices = {device.uuid: device for device in source.devices()}
        self._traces: dict[str, PowerTrace] = {}
        self._counted: dict[str, Observation] = {}
        self._tells_power: dict[str, bool] = {}
        self._doubted: set[str] = set()
        self._answers = GuardedSource(source, shortest_s=self._period_s / 2, lost=self._lost)
        self._pace = Pace(self._period_s)
        self._states = StateWatch(source, self._clock)
        self._forget_at_s = self._clock.now_s()
        self._open: dict[Hashable, OpenWindow] = {}
        self._log: deque[LoggedSample] = deque(maxlen=LOG_LENGTH)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._refreshes = RefreshWatch(
            partial(self._answers.ask, counter=True), self._clock, self._stop
        )

    @property
    def method(self) -> Method:
        """How energies come about, as long as nothing goes wrong; known once it was started."""
        if self.source.estimated:
            return Method.ESTIMATED
        return Method.COUNTER if self._counted else Method.SAMPLED

    def start(self) -> None:
        """Watch all of the source's devices, from now on."""
        for device in self.source.devices():
            self.watch(device.uuid)
        self._thread = threading.Thread(target=self._run, name="energy-meter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the sampling and let go of the source; may be called twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None
        self.source.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @contextmanager
    def window(self, key: Hashable, *, devices: Sequence[str] | None = None) -> Iterator[Window]:
        """Measure a block; its `readings` are there once it has ended, also by an exception."""
        window = Window()
        self.open(key, devices=devices)
        try:
            yield window
        finally:
            window.readings = self.close(key)

    def watch(self, device_uuid: str) -> None:
        """Sample a device from now on, whether a window is open on it or not."""
        with self._lock:
            self._traces.setdefault(device_uuid, PowerTrace(period_s=self._period_s))
            self._observe(device_uuid, counter=True)

    def unwatch(self, device_uuid: str) -> None:
        """Sample a device no more."""
        with self._lock:
            self._traces.pop(device_uuid, None)
            self._counted.pop(device_uuid, None)
            self._tells_power.pop(device_uuid, None)
            self._answers.forget(device_uuid)

    def open(
        self,
        key: Hashable,
        *,
        devices: Sequence[str] | None = None,
        start_s: float | None = None,
    ) -> None:
        """Open a window; one that is open already stays as it is.

        Args:
            key: Names the window.
            devices: What to measure; left out: all of the source's devices.
            start_s: When it began, if that was a moment ago (in another process, say).
        """
        with self._lock:
            if key in self._open:
                return
            if devices is None:
                devices = [device.uuid for device in self.source.devices()]
            for device_uuid in devices:
                if device_uuid not in self._traces:
                    self.watch(device_uuid)
            at_start = {each: self._observe_edge(each) for each in devices}
            now_s = self._clock.now_s()
            self._pace.edge(now_s)
            self._open[key] = OpenWindow(
                start_s=now_s if start_s is None else min(start_s, now_s), at_start=at_start
            )

    def opened(self, key: Hashable) -> OpenWindow | None:
        """What is kept of a window that is open; None where it is not."""
        return self._open.get(key)

    def adopt(self, key: Hashable, window: OpenWindow) -> None:
        """Go on with a window that another process opened, and which has ended since.

        What a device's counter said there is believed only where it means the same here.
        """
        with self._lock:
            for device_uuid in window.at_start:
                if device_uuid not in self._traces:
                    self.watch(device_uuid)
            known = window.at_start if self.source.counter_outlives else {}
            self._open[key] = OpenWindow(
                start_s=window.start_s,
                at_start={each: known.get(each) for each in window.at_start},
            )

    def close(self, key: Hashable, *, stop_s: float | None = None) -> dict[str, Reading]:
        """Close a window and tell the energy of each of its devices; empty if it is not open."""
        with self._lock:
            window = self._open.get(key)
            if window is None:
                return {}
            now_s = self._clock.now_s()
            self._pace.edge(now_s)
            stop_s = now_s if stop_s is None else max(stop_s, window.start_s)
            readings = {each: self._reading(each, window, stop_s) for each in window.at_start}
            del self._open[key]
            return readings

    def open_windows(self) -> list[Hashable]:
        """The windows that are open, in the order in which they were opened."""
        return list(self._open)

    def sample(self) -> None:
        """Observe every watched device once, as the thread does each period."""
        self._sample(list(self._traces))
        with self._lock:
            self._forget()

    def take_log(self) -> list[LoggedSample]:
        """The power samples since the last call, and forget them."""
        with self._lock:
            taken = list(self._log)
            self._log.clear()
            return taken

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """Mean power of a watched device; None where it was not observed for most of the time."""
        with self._lock:
            trace = self._traces.get(device_uuid)
            if trace is None or stop_s <= start_s:
                return None
            integral = trace.integral(start_s, stop_s)
        if integral.energy_j is None or integral.coverage < LOWEST_COVERAGE:
            return None
        return integral.energy_j / (stop_s - start_s)

    def refresh_s(self, device_uuid: str) -> float | None:
        """Time between two refreshes of a device's counter; None where it is not known."""
        return self._refreshes.period_s(device_uuid)

    def _run(self) -> None:
        while True:
            if not self.source.estimated:
                self._refreshes.attend(list(self._counted))
            often = [each for each in list(self._traces) if self._gains(each)]
            wait_s = self._pace.wait_s(self._clock.now_s(), often=bool(often))
            if self._clock.wait(self._stop, wait_s):
                return
            if self._pace.all_are_due(self._clock.now_s()):
                self.sample()
                self._states.ask(list(self._traces))
            else:
                self._sample(often)

    def _gains(self, device_uuid: str) -> bool:
        device = self._devices.get(device_uuid)
        return self._tells_power.get(device_uuid, False) and gains_by_more(
            power_mean_s=0.0 if device is None else device.power_mean_s,
            has_counter=device_uuid in self._counted,
            refresh_s=self.refresh_s(device_uuid),
        )

    def _sample(self, devices: Sequence[str]) -> None:
        for device_uuid in devices:
            with self._lock:
                if device_uuid in self._traces:
                    self._observe(device_uuid, counter=self.source.estimated)

    def _observe_edge(self, device_uuid: str) -> Observation | None:
        """Ask a device for its counter at a window's edge."""
        return self._refreshes.at_edge(
            device_uuid, lambda: self._observe(device_uuid, counter=True)
        )

    def _observe(self, device_uuid: str, *, counter: bool) -> Observation | None:
        """Ask a device, and keep its power; None where it did not answer."""
        seen = self._answers.ask(device_uuid, counter=counter)
        if seen is None:
            return None
        if seen.counter_j is not None:
            self._counted[device_uuid] = seen
        self._tells_power[device_uuid] = seen.power_w is not None
        trace, sample = self._traces.get(device_uuid), self._answers.power(device_uuid, seen)
        if trace is not None and sample is not None and sample.time_s > trace.last_s:
            trace.append(sample, is_mean=seen.power_w is None)
            self._log.append(logged(device_uuid, sample, self._innermost(device_uuid)))
        return seen

    def _lost(self, device_uuid: str) -> None:
        """A device will not answer again."""
        if self._innermost(device_uuid) is None:
            self.unwatch(device_uuid)

    def _reading(self, device_uuid: str, window: OpenWindow, stop_s: float) -> Reading:
        trace = self._traces.get(device_uuid) or PowerTrace(period_s=self._period_s)
        at_stop = self._observe_edge(device_uuid)
        last_word = None
        if at_stop is None:
            # Where the counter is asked for in each period, it knows more than the power does.
            last_word = self._counted.get(device_uuid)
            if last_word is not None and last_word.time_s <= max(trace.last_s, window.start_s):
                last_word = None
        device = self._devices.get(device_uuid)
        measured = reading(
            WindowEdges(
                device_uuid=device_uuid,
                start_s=window.start_s,
                stop_s=stop_s,
                at_start=window.at_start[device_uuid],
                at_stop=at_stop or last_word,
                by_last_word=last_word is not None,
            ),
            trace=trace,
            has_counter=device_uuid in self._counted,
            estimated=self.source.estimated,
            power_limit_w=None if device is None else device.power_limit_w,
            period_s=self._period_s,
            power_mean_s=0.0 if device is None else device.power_mean_s,
        )
        if measured.is_disputed and device_uuid not in self._doubted:
            self._doubted.add(device_uuid)
            _log.warning("%s: %s", device_uuid, measured.note)
        return replace(measured, state=self._states.last(device_uuid))

    def _innermost(self, device_uuid: str) -> Hashable | None:
        """The window that was opened last on a device."""
        for key in reversed(self._open):
            if device_uuid in self._open[key].at_start:
                return key
        return None

    def _forget(self) -> None:
        """Drop the samples that no open window needs."""
        now_s = self._clock.now_s()
        if now_s < self._forget_at_s:
            return
        self._forget_at_s = now_s + FORGET_EACH_S
        for device_uuid, trace in self._traces.items():
            device = self._devices.get(device_uuid)
            needed = [
                window.around_start_s(device_uuid, 0.0 if device is None else device.power_mean_s)
                for window in self._open.values()
                if device_uuid in window.at_start
            ]
            trace.forget_before(now_s - KEPT_S, except_within=needed)
