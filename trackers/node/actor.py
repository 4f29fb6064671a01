"""The tracker of a node as a Ray actor, and the trial's side of it.

    driver --owns--> TrackerManager --owns--> Tracker (one per node, pinned to it)
    trial  --asks--> TrackerManager for its node's Tracker, then talks to that one alone

A trial's side is `trackers.node.client`. It opens and closes windows by `trackers.node.local_rpc`, and by Ray where
that is broken. Trackers are not made inside a trial (they would die with it) and not detached (they
would outlive the study with old code). The manager makes them on first need, so nodes that join
late get theirs.
Only this file and the client import Ray in `trackers`.
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
from trackers.node.ledger import (
    SO_FAR,
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
from trackers.node.so_far import readings_so_far
from trackers.sample import PowerLimits, Reading, process_and_device
from trackers.sources.detect import Request, detect

Handle: TypeAlias = Any
"""A Ray actor's handle; its methods are made at run time."""

RETRIES = -1
"""A call that a dying tracker has not answered is repeated by Ray until it has started anew: on a
busy machine that takes many attempts. Who asks bounds the time, and not how often Ray tries."""

CLOSING_S = 10.0
"""Who asks for a window that is being closed by another call waits for that one so long."""

REMEMBERED_WINDOWS = 1_000
"""Closed windows that a tracker still knows, should a closing be asked for again."""

LOOK_FOR_THE_DEAD_S = 1.0
"""How often a tracker looks whether the processes of its trials are still there."""


@final
class Tracker:
    """Measures one node; an actor in one process, with a sampling thread for each board."""

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
        # The thread that looks for the dead and those of the lane open and close windows too. It is held
        # for what is kept here, and never while the meter asks a sensor.
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
        """Devices and methods of this node; the answer means that sampling has begun."""
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
            # Ray leaves it as it is on the node for an actor that asks for no GPU.
            visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
            lane=self._lane,
        )

    def open(
        self, plain_key: PlainKey, packed_bill: bytes, start_s: float | None, pid: int
    ) -> OpenWindow | None:
        """Open a window on what a trial is charged for; a second call for a key changes nothing.

        Args:
            plain_key: Names the window.
            packed_bill: What to measure.
            start_s: When it began; None for now.
            pid: The process of the trial; when it has ended, its windows are closed.

        Returns:
            What a tracker needs that must close the window in this one's place; None where the
            window has been closed.
        """
        key, bill = key_of(plain_key), bill_of(packed_bill)
        with self._lock:
            if key in self._closed:
                return None
            self._note_use(key, bill, time.monotonic() if start_s is None else start_s, pid)
            if start_s is not None:
                self._note_idle_power(bill, start_s)
        if self._meter.opened(key) is None:
            with suppress(ValueError):  # asked for by the lane and by Ray at the same time
                targets = [item.target for item in bill]
                # A tracker in another's place may lack a board that is gone: no trial ends by that.
                self._meter.open(key, devices=targets, start_s=start_s, checked=False)
        return self._meter.opened(key)

    @ray.method(max_task_retries=RETRIES)
    def close(self, plain_key: PlainKey, stop_s: float | None) -> dict[str, PlainReading] | None:
        """Close a window, book it and tell its energies; a second call tells the same.

        Returns:
            By device. None where it is not open: this tracker has taken the place of the one that
            opened it.
        """
        return self._close_plainly(plain_key, stop_s)

    @ray.method(max_task_retries=RETRIES)
    def adopt(self, key: WindowKey, bill: Bill, opened: OpenWindow, pid: int) -> None:
        """Go on with a window that a tracker opened which is gone; see `open`."""
        with self._lock:
            if key in self._closed or self._meter.opened(key) is not None:
                return
            self._note_use(key, bill, opened.start_s, pid)
            self._adopted.add(key)
        self._meter.adopt(key, opened)

    @ray.method(max_task_retries=RETRIES)
    def power_limits(self) -> tuple[PowerLimits, ...]:
        """Return what power limits may be set on this node's boards."""
        return self._limiter.limits()

    def limits_of(self, device_uuid: str) -> PowerLimits:
        """Return what power limits may be set on one board; see `PowerLimiter.limits_of`."""
        return self._limiter.limits_of(device_uuid)

    def limit(self, trial_id: str, device_uuid: str, limit_w: float) -> float:
        """Set the power limit of a trial's board until the trial ends; see `PowerLimiter.limit`."""
        return self._limiter.limit(trial_id, device_uuid, limit_w)

    def why_ended(self, trial_id: str) -> str | None:
        """Return why a trial's process has ended; None where it has not, or is not known here."""
        with self._lock:
            return self._living.why(trial_id)

    def release(self, trial_id: str) -> None:
        """Close what a trial that is gone has left open, so that its energy is booked."""
        with self._lock:
            self._living.forget(trial_id)
        for key in reversed(self._meter.open_windows()):
            if isinstance(key, WindowKey) and key.trial_id == trial_id:
                self._close(key, None)
        self._limiter.set_back(trial_id)

    def take(self) -> Booking:
        """Everything that was booked since the last call."""
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
        """Return what each device has used since the last call, by trial; see `DeviceUses.take`."""
        with self._lock:
            return self._uses.take(time.monotonic(), trial_of)

    def _still_open(self) -> Iterator[BookedWindow]:
        """Windows of attempts that go on, as far as they have come."""
        now_s = time.monotonic()
        for key, bill in self._bills.items():
            readings = None
            if key.stage == TRIAL:
                readings = readings_so_far(self._meter, key, bill, now_s)
            if readings is not None:
                charges = self._accounts.charges(key.trial_id, bill, readings)
                yield _booked(replace(key, stage=SO_FAR), bill, charges)

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
                self._limiter.set_back(key.trial_id)
            with self._lock:
                return self._book(key, bill, readings)
        finally:
            with self._lock:
                del self._closing[key]
            own.set()

    def _window_of(self, sample: LoggedSample) -> WindowKey | None:
        """The window of a sample, if it is of what the window's trial computes on."""
        key = sample.window
        if isinstance(key, WindowKey) and self._accounts.is_main(key.trial_id, sample.device_uuid):
            return key
        return None

    def _note_use(self, key: WindowKey, bill: Bill, time_s: float, pid: int) -> None:
        """Take note of who uses what; the windows of one trial are one consumer."""
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
        """Keep a window's readings as its trial is charged them."""
        if key in self._adopted:
            self._adopted.discard(key)
            note = "the tracker was started anew in the window"
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
        """Close the windows of trials whose process has ended, also where nobody says so."""
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
