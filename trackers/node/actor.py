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
from typing import Any, TypeAlias, cast, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trackers.meter.meter import EnergyMeter
from trackers.meter.meter_values import OpenWindow
from trackers.meter.watched_device import KEPT_S
from trackers.node.ledger import (
    TRIAL,
    BookedPower,
    BookedWindow,
    Booking,
    TrackerFacts,
    WindowKey,
    charged,
)
from trackers.node.liveness import Liveness
from trackers.node.local_rpc import listen
from trackers.node.sharing import Sharing
from trackers.sample import Component, Reading
from trackers.sources.detect import Request, detect

Handle: TypeAlias = Any
"""A Ray actor's handle; its methods are made at run time."""

RETRIES = -1
"""A call that a dying tracker has not answered is repeated by Ray until it has started anew: on a
busy machine that takes many attempts. Who asks bounds the time, and not how often Ray tries."""

REMEMBERED_WINDOWS = 1_000
"""Closed windows that a tracker still knows, should a closing be asked for again."""

LOOK_FOR_THE_DEAD_S = 1.0
"""How often a tracker looks whether the processes of its trials are still there."""


@final
class Tracker:
    """Measures one node; an actor in one process with one sampling thread."""

    def __init__(self, request: Request, *, sampling_hz: float) -> None:
        """Open the node's power source and begin to sample.

        Raises:
            SourceUnavailableError: The source that was asked for cannot be used on this node.
        """
        detection = detect(request)
        self._refused = detection.refused
        self._meter = EnergyMeter(detection.source, sampling_hz=sampling_hz)
        self._meter.start()
        self._started_s = time.monotonic()
        self._idle_power_w: dict[str, float] = {}
        self._boards = {
            device.uuid: device
            for device in detection.source.devices()
            if device.component is Component.GPU and not device.for_whoever_asks
        }
        self._sharing = Sharing()
        self._living = Liveness()
        # The thread that looks for the dead and those of the lane open and close windows too.
        self._lock = threading.RLock()
        self._adopted: set[WindowKey] = set()
        self._closed: OrderedDict[WindowKey, Reading] = OrderedDict()
        self._booked: list[BookedWindow] = []
        self._lane = listen({"open": self.open, "close": cast("Any", self.close)})
        threading.Thread(target=self._look_for_the_dead, name="liveness", daemon=True).start()

    @ray.method(max_task_retries=RETRIES)
    def facts(self) -> TrackerFacts:
        """What is measured here, and how; the answer means that sampling has begun."""
        (source,) = self._meter.sources
        return TrackerFacts(
            node_id=ray.get_runtime_context().get_node_id(),
            hostname=socket.gethostname(),
            source=source.name,
            note=source.note,
            method=self._meter.method(source.devices()[0].uuid),
            refused=self._refused,
            devices=tuple(source.devices()),
            idle_power_w=self._idle_power_w,
            # Ray leaves it as it is on the node for an actor that asks for no GPU.
            visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
            lane=self._lane,
        )

    def open(
        self, key: WindowKey, target: str, start_s: float | None, pid: int
    ) -> OpenWindow | None:
        """Open a window on a device; a second call for the same key changes nothing.

        Args:
            key: Names the window.
            target: What to measure.
            start_s: When it began; None for now.
            pid: The process of the trial; when it has ended, its windows are closed.

        Returns:
            What a tracker needs that must close the window in this one's place; None where the
            window has been closed.
        """
        with self._lock:
            if key in self._closed:
                return None
            self._note_use(key, target, time.monotonic() if start_s is None else start_s, pid)
            if start_s is not None and target not in self._idle_power_w:
                since_s = max(self._started_s, start_s - KEPT_S)
                power_w = self._meter.mean_power_w(target, since_s, start_s)
                if power_w is not None:
                    self._idle_power_w[target] = power_w
            self._meter.open(key, devices=[target], start_s=start_s)
            return self._meter.opened(key)

    @ray.method(max_task_retries=RETRIES)
    def close(self, key: WindowKey, target: str, stop_s: float) -> Reading | None:
        """Close a window, book it and tell its energy; a second call tells the same.

        Returns:
            None where it is not open: this tracker has taken the place of the one that opened it.
        """
        with self._lock:
            if key not in self._closed:
                readings = self._meter.close(key, stop_s=stop_s)
                if target not in readings:
                    return None
                self._book(key, readings[target])
            return self._closed[key]

    @ray.method(max_task_retries=RETRIES)
    def adopt(self, key: WindowKey, target: str, opened: OpenWindow, pid: int) -> None:
        """Go on with a window that a tracker opened which is gone; see `open`."""
        with self._lock:
            if key not in self._closed and self._meter.opened(key) is None:
                self._note_use(key, target, opened.start_s, pid)
                self._meter.adopt(key, opened)
                self._adopted.add(key)

    def release(self, trial_id: str) -> None:
        """Close what a trial that is gone has left open, so that its energy is booked."""
        with self._lock:
            self._living.forget(trial_id)
            for key in reversed(self._meter.open_windows()):
                if isinstance(key, WindowKey) and key.trial_id == trial_id:
                    for reading in self._meter.close(key).values():
                        self._book(key, reading)

    def take(self) -> Booking:
        """Everything that was booked since the last call."""
        with self._lock:
            windows, self._booked = tuple(self._booked), []
        unix_minus_monotonic_s = time.time() - time.monotonic()
        power = tuple(
            BookedPower(
                device_uuid=sample.device_uuid,
                unix_time_s=sample.time_s + unix_minus_monotonic_s,
                power_w=sample.power_w,
                key=sample.window if isinstance(sample.window, WindowKey) else None,
            )
            for sample in self._meter.take_log()
        )
        return Booking(hostname=socket.gethostname(), windows=windows, power=power)

    def _note_use(self, key: WindowKey, target: str, time_s: float, pid: int) -> None:
        """Take note of who uses a device; the windows of one trial are one consumer."""
        if target in self._boards:
            self._sharing.enter(target, key.trial_id, time_s)
        if key.stage == TRIAL:
            self._living.watch(key.trial_id, pid)

    def _book(self, key: WindowKey, reading: Reading) -> None:
        if key in self._adopted:
            self._adopted.discard(key)
            reading = reading.degraded("the tracker was started anew in the window")
        board = self._boards.get(reading.device_uuid)
        if board is not None:
            stop_s = reading.start_s + reading.duration_s
            part = self._sharing.part(board.uuid, reading.start_s, stop_s)
            reading = charged(reading, board, part)
            if key.stage == TRIAL:
                self._sharing.leave(board.uuid, key.trial_id, stop_s)
        if key.stage == TRIAL:
            self._living.forget(key.trial_id)
        self._booked.append(BookedWindow(key=key, reading=reading))
        self._closed[key] = reading
        if len(self._closed) > REMEMBERED_WINDOWS:
            self._closed.popitem(last=False)

    def _look_for_the_dead(self) -> None:
        """Close the windows of trials whose process has ended, also where nobody says so."""
        while True:
            time.sleep(LOOK_FOR_THE_DEAD_S)
            for trial_id in self._living.dead():
                self.release(trial_id)


@final
class TrackerManager:
    """Knows each node's tracker and makes it on first need; an actor that the driver owns."""

    def __init__(self, request: Request, *, sampling_hz: float) -> None:
        """Hand `request` and `sampling_hz` to each tracker."""
        self._request = request
        self._sampling_hz = sampling_hz
        self._trackers: dict[str, Handle] = {}

    def tracker(self, node_id: str, *, instead_of: Handle | None = None) -> Handle:
        """The tracker of a node; a new one where there is none.

        Args:
            node_id: The node.
            instead_of: One that has died. It is replaced by whoever says so first, so that all
                trials of a node have the same.
        """
        tracker = self._trackers.get(node_id)
        if tracker is None or tracker == instead_of:
            self._trackers[node_id] = _actor(Tracker, node_id, max_restarts=-1).remote(
                self._request, sampling_hz=self._sampling_hz
            )
        return self._trackers[node_id]

    def trackers(self) -> dict[str, Handle]:
        """All trackers, by node."""
        return dict(self._trackers)


def start_manager(request: Request, *, sampling_hz: float) -> Handle:
    """Start the manager beside the driver, which owns it: it ends when the driver does."""
    here = ray.get_runtime_context().get_node_id()
    return _actor(TrackerManager, here).remote(request, sampling_hz=sampling_hz)


def _actor(kind: type, node_id: str, **options: Any) -> Any:  # noqa: ANN401
    """An actor's maker, pinned to a node and without a claim to its CPUs."""
    pinned = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=pinned, **options)
