"""The tracker of a node as a Ray actor.

    driver --owns--> TrackerManager --owns--> Tracker (one per node, pinned to it)
    trial  --asks--> TrackerManager for its node's Tracker, then talks to that one alone

The trial's side is `trackers.node.client`. It opens and closes windows by `trackers.node.local_rpc`, or by
Ray where that is broken. Trackers are not created inside a trial (they would die with it) and not detached
(they would outlive the study with old code). The manager creates them when they are first needed, so that
nodes which join late get theirs. In `trackers`, only modules of `trackers.node` import Ray.
"""

import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias, final

import ray

from trackers.exports.exporter import DeviceUse
from trackers.meter.meter import EnergyMeter
from trackers.meter.meter_values import LoggedSample, OpenWindow
from trackers.meter.watched_device import KEPT_S
from trackers.node.interim import interim_readings
from trackers.node.ledger import (
    INTERIM,
    TRIAL,
    Bill,
    BookedPower,
    BookedWindow,
    Booking,
    Readings,
    TrackerFacts,
    WindowKey,
)
from trackers.node.live.device_uses import DeviceUses, TrialOf
from trackers.node.liveness import Liveness
from trackers.node.local_rpc import listen
from trackers.node.orphans import end_with_parent
from trackers.node.plain import PlainKey, PlainReading, bill_of, key_of, plain_readings
from trackers.node.power_limiter import PowerLimiter
from trackers.node.shares.accounts import Accounts
from trackers.node.shares.neighbours import Neighbours
from trackers.sample import PowerLimits, Reading, process_and_device
from trackers.sources.detect import Request, detect

Handle: TypeAlias = Any
"""Handle of a Ray actor; `Any`, because its methods are created at run time."""

RETRIES = -1
"""Number of times that Ray repeats a call which a dying tracker has not answered; -1 is without limit, because on
a busy machine a restart takes many attempts. The caller's timeout bounds the wait instead."""

CLOSING_S = 10.0
"""Longest wait of a call for a window that another call is closing."""

REMEMBERED_WINDOWS = 1_000
"""Number of closed windows whose readings a tracker keeps, in case they are asked for again."""

LOOK_FOR_THE_DEAD_S = 1.0
"""Time between two checks whether the processes of the trials are still alive."""


@final
class Tracker:
    """Tracker of one node: a Ray actor that samples all devices and measures its trials' windows."""

    def __init__(self, request: Request, *, sampling_hz: float) -> None:
        """Open the node's power sources and begin to sample.

        Raises:
            SourceUnavailableError: A source that was asked for cannot be used on this node.
        """
        end_with_parent()
        self._detection = detect(request)
        self._meter = EnergyMeter(self._detection, sampling_hz=sampling_hz, whole_machine=True)
        self._meter.start()
        self._limiter = PowerLimiter(self._detection.sources)
        self._accounts = Accounts(self._meter, Neighbours())
        self._uses = DeviceUses(self._meter, self._accounts, self._detection.devices)
        self._started_s = time.monotonic()
        self._idle_power_w: dict[str, float] = {}
        self._living = Liveness()
        # Windows are also opened and closed by the threads of the lane and by the one that looks for dead
        # processes. The lock guards the attributes below, and is never held while a sensor is read.
        self._lock = threading.RLock()
        self._adopted: set[WindowKey] = set()
        self._bills: dict[WindowKey, Bill] = {}
        self._closing: dict[WindowKey, threading.Event] = {}
        self._closed: OrderedDict[WindowKey, Readings] = OrderedDict()
        self._booked: list[BookedWindow] = []
        self._lane = listen(
            {
                "open": self.open,
                "close": self._close_plainly,
                "limit": self.limit,
                "limits_of": self.limits_of,
            }
        )
        threading.Thread(target=self._look_for_the_dead, name="liveness", daemon=True).start()

    @ray.method(max_task_retries=RETRIES)
    def facts(self) -> TrackerFacts:
        """Return devices and methods of this node; an answer implies that sampling has begun."""
        sources, devices = self._detection.sources, self._detection.devices
        return TrackerFacts(
            node_id=ray.get_runtime_context().get_node_id(),
            hostname=socket.gethostname(),
            source=" + ".join(source.name for source in sources),
            note="; ".join(source.note for source in sources),
            method=self._meter.method(devices[0].uuid),
            methods={device.uuid: self._meter.method(device.uuid) for device in devices},
            sources={device.uuid: source.name for source in sources for device in source.devices()},
            refused=self._detection.refused,
            devices=devices,
            idle_power_w=self._idle_power_w,
            # Ray does not change it for an actor that requests no GPU, so it is the node's own.
            visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
            lane=self._lane,
        )

    def open(
        self, plain_key: PlainKey, packed_bill: bytes, start_s: float | None, pid: int
    ) -> OpenWindow | None:
        """Open a window over the devices on a trial's bill; a second call for a key changes nothing.

        Args:
            plain_key: Key of the window, from `plain_key`.
            packed_bill: The trial's bill, from `packed_bill`.
            start_s: Start of the window; None for now.
            pid: Process ID of the trial, whose windows are closed when the process has ended.

        Returns:
            The window's state, with which another tracker could close it if this one dies; None where
            the window has been closed already.
        """
        key, bill = key_of(plain_key), bill_of(packed_bill)
        with self._lock:
            if key in self._closed:
                return None
            self._note_use(key, bill, time.monotonic() if start_s is None else start_s, pid)
            if start_s is not None:
                self._note_idle_power(bill, start_s)
        if self._meter.opened(key) is None:
            with suppress(ValueError):  # called through the lane and through Ray at the same time
                targets = [item.target for item in bill]
                # A tracker that replaced another may lack a board that is gone; that must not end a trial.
                self._meter.open(key, devices=targets, start_s=start_s, checked=False)
        return self._meter.opened(key)

    @ray.method(max_task_retries=RETRIES)
    def close(self, plain_key: PlainKey, stop_s: float | None) -> dict[str, PlainReading] | None:
        """Close a window, book it and return its readings; a second call returns the same.

        Args:
            plain_key: Key of the window, from `plain_key`.
            stop_s: End of the window; None for now.

        Returns:
            Packed reading by device; None where the window is not known, because this tracker has
            replaced the one that opened it.
        """
        return self._close_plainly(plain_key, stop_s)

    @ray.method(max_task_retries=RETRIES)
    def adopt(self, key: WindowKey, bill: Bill, opened: OpenWindow, pid: int) -> None:
        """Take over a window that was opened by a tracker which has died; see `open`."""
        with self._lock:
            if key in self._closed or self._meter.opened(key) is not None:
                return
            self._note_use(key, bill, opened.start_s, pid)
            self._adopted.add(key)
        self._meter.adopt(key, opened)

    @ray.method(max_task_retries=RETRIES)
    def power_limits(self) -> tuple[PowerLimits, ...]:
        """Return the power limits that this node's boards accept."""
        return self._limiter.limits()

    def limits_of(self, device_uuid: str) -> PowerLimits:
        """Return the power limits that one board accepts; see `PowerLimiter.limits_of`."""
        return self._limiter.limits_of(device_uuid)

    def limit(self, trial_id: str, device_uuid: str, limit_w: float) -> float:
        """Set the power limit of a trial's board until the trial ends; see `PowerLimiter.limit`."""
        return self._limiter.limit(trial_id, device_uuid, limit_w)

    def why_ended(self, trial_id: str) -> str | None:
        """Return why a trial's process has ended; None if it is running or is not known here."""
        with self._lock:
            return self._living.why(trial_id)

    def release(self, trial_id: str) -> None:
        """Close the windows that an ended trial has left open, so that their energy is booked."""
        with self._lock:
            self._living.forget(trial_id)
        for key in reversed(self._meter.open_windows()):
            if isinstance(key, WindowKey) and key.trial_id == trial_id:
                self._close(key, None)
        self._limiter.restore(trial_id)

    def take(self) -> Booking:
        """Return all bookings since the last call, and interim bookings of attempts that are still open."""
        with self._lock:
            windows, self._booked = tuple(self._booked), []
            windows += tuple(self._still_open())
        unix_minus_monotonic_s = time.time() - time.monotonic()
        power = tuple(
            BookedPower(
                device_uuid=sample.device_uuid,
                unix_time_s=sample.time_s + unix_minus_monotonic_s,
                power_w=sample.power_w,
                key=self._window_of(sample),
            )
            for sample in self._meter.take_log()
            if process_and_device(sample.device_uuid) is None or self._window_of(sample) is not None
        )
        return Booking(hostname=socket.gethostname(), windows=windows, power=power)

    def uses(self, trial_of: TrialOf) -> tuple[DeviceUse, ...]:
        """Return the use of each device since the last call, by trial; see `DeviceUses.take`."""
        with self._lock:
            return self._uses.take(time.monotonic(), trial_of)

    def _still_open(self) -> Iterator[BookedWindow]:
        """Yield the windows of running attempts, with their readings until now."""
        now_s = time.monotonic()
        for key, bill in self._bills.items():
            readings = None
            if key.stage == TRIAL:
                readings = interim_readings(self._meter, key, bill, now_s)
            if readings is not None:
                charges = self._accounts.charges(key.trial_id, bill, readings)
                yield _booked(replace(key, stage=INTERIM), bill, charges)

    def _close_plainly(
        self, plain_key: PlainKey, stop_s: float | None
    ) -> dict[str, PlainReading] | None:
        readings = self._close(key_of(plain_key), stop_s)
        return None if readings is None else plain_readings(readings)

    def _close(self, key: WindowKey, stop_s: float | None) -> Readings | None:
        with self._lock:
            if key in self._closed:
                return self._closed[key]
            bill = self._bills.get(key)
            if bill is None:
                return None
            others = self._closing.get(key)
            own = self._closing.setdefault(key, threading.Event())
        if others is not None:
            others.wait(CLOSING_S)
            return self._closed.get(key)
        try:
            readings = self._meter.close(key, stop_s=stop_s)
            if not readings:
                return None
            if key.stage == TRIAL:
                self._limiter.restore(key.trial_id)
            with self._lock:
                return self._book(key, bill, readings)
        finally:
            with self._lock:
                del self._closing[key]
            own.set()

    def _window_of(self, sample: LoggedSample) -> WindowKey | None:
        """Window of a sample, if the sample is of the device that the window's trial computes on."""
        key = sample.window
        if isinstance(key, WindowKey) and self._accounts.is_main(key.trial_id, sample.device_uuid):
            return key
        return None

    def _note_use(self, key: WindowKey, bill: Bill, time_s: float, pid: int) -> None:
        """Record the user of the devices on a bill; all windows of one trial count as one consumer."""
        self._bills[key] = bill
        self._accounts.enter(key.trial_id, bill, time_s, pid=pid)
        if key.stage == TRIAL:
            self._living.watch(key.trial_id, pid)

    def _note_idle_power(self, bill: Bill, start_s: float) -> None:
        since_s = max(self._started_s, start_s - KEPT_S)
        for item in bill:
            if item.target not in self._idle_power_w:
                power_w = self._meter.mean_power_w(item.target, since_s, start_s)
                if power_w is not None:
                    self._idle_power_w[item.target] = power_w

    def _book(self, key: WindowKey, bill: Bill, readings: Mapping[str, Reading]) -> Readings:
        """Book the readings that a trial is charged for a window, and return them."""
        if key in self._adopted:
            self._adopted.discard(key)
            note = "the tracker was restarted during the window"
            readings = {target: each.degraded(note) for target, each in readings.items()}
        charges = self._accounts.charges(key.trial_id, bill, readings)
        self._bills.pop(key, None)
        if key.stage == TRIAL:
            first = next(iter(readings.values()))
            self._accounts.leave(key.trial_id, first.start_s + first.duration_s)
            self._living.forget(key.trial_id)
        self._booked.append(_booked(key, bill, charges))
        self._closed[key] = charges
        if len(self._closed) > REMEMBERED_WINDOWS:
            self._closed.popitem(last=False)
        return charges

    def _look_for_the_dead(self) -> None:
        """Check periodically for trials whose process has ended without notice, and close their windows."""
        while True:
            time.sleep(LOOK_FOR_THE_DEAD_S)
            with self._lock:
                dead = self._living.dead()
                self._accounts.still_here()
            for trial_id in dead:
                self.release(trial_id)


def _booked(key: WindowKey, bill: Bill, charges: Readings) -> BookedWindow:
    main, *others = charges.values()
    devices = tuple(item.device for item in bill)
    return BookedWindow(key=key, reading=main, others=tuple(others), devices=devices)
