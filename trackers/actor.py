"""The tracker of a node as a Ray actor, and the trial's side of it.

    driver --owns--> TrackerManager --owns--> Tracker (one per node, pinned to it)
    trial  --asks--> TrackerManager for its node's Tracker, then talks to that one alone

Trackers are not made inside a trial (they would die with it) and not detached (they would outlive
the study with old code). The manager makes them on first need, so nodes that join late get theirs.
This is the only file of `trackers` that imports Ray.
"""

import logging
import os
import socket
import time
from collections import OrderedDict
from typing import Any, TypeAlias, final

import ray
from ray.exceptions import ActorDiedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trackers.detect import Request, detect
from trackers.ledger import BookedPower, BookedWindow, Booking, TrackerFacts, WindowKey
from trackers.meter import KEPT_S, EnergyMeter
from trackers.sample import Device, Method, Reading

Handle: TypeAlias = Any
"""A Ray actor's handle; its methods are made at run time."""

CALL_TIMEOUT_S = 10.0
START_TIMEOUT_S = 60.0
RETRIES = 3
"""A call that a dying tracker has not answered is repeated by Ray when it has started anew."""

REMEMBERED_WINDOWS = 1_000
"""Closed windows that a tracker still knows, should a closing be asked for again."""

_log = logging.getLogger(__name__)


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
        self._closed: OrderedDict[WindowKey, Reading] = OrderedDict()
        self._booked: list[BookedWindow] = []

    @ray.method(max_task_retries=RETRIES)
    def facts(self) -> TrackerFacts:
        """What is measured here, and how; the answer means that sampling has begun."""
        source = self._meter.source
        return TrackerFacts(
            node_id=ray.get_runtime_context().get_node_id(),
            hostname=socket.gethostname(),
            source=source.name,
            note=source.note,
            method=self._meter.method,
            refused=self._refused,
            devices=tuple(source.devices()),
            idle_power_w=self._idle_power_w,
        )

    def open(self, key: WindowKey, target: str, start_s: float | None) -> None:
        """Open a window on a device; a second call for the same key changes nothing.

        Args:
            key: Names the window.
            target: What to measure.
            start_s: When it began; None for now.
        """
        if key in self._closed:
            return
        if start_s is not None and target not in self._idle_power_w:
            since_s = max(self._started_s, start_s - KEPT_S)
            power_w = self._meter.mean_power_w(target, since_s, start_s)
            if power_w is not None:
                self._idle_power_w[target] = power_w
        self._meter.open(key, devices=[target], start_s=start_s)

    @ray.method(max_task_retries=RETRIES)
    def close(self, key: WindowKey, target: str, stop_s: float) -> Reading:
        """Close a window, book it and tell its energy; a second call tells the same."""
        if key not in self._closed:
            readings = self._meter.close(key, stop_s=stop_s)
            reading = readings.get(target) or Reading.missing(
                target, note="the tracker was started anew while the window was open"
            )
            self._book(key, reading)
        return self._closed[key]

    def release(self, trial_id: str) -> None:
        """Close what a trial that is gone has left open, so that its energy is booked."""
        for key in reversed(self._meter.open_windows()):
            if isinstance(key, WindowKey) and key.trial_id == trial_id:
                for reading in self._meter.close(key).values():
                    self._book(key, reading)

    def take(self) -> Booking:
        """Everything that was booked since the last call."""
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

    def _book(self, key: WindowKey, reading: Reading) -> None:
        self._booked.append(BookedWindow(key=key, reading=reading))
        self._closed[key] = reading
        if len(self._closed) > REMEMBERED_WINDOWS:
            self._closed.popitem(last=False)


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


@final
class TrackerClient:
    """A trial's side: opens and closes windows on the trial's own device.

    Nothing here raises, whatever happens to the tracker, its manager or Ray: where there is no
    answer, the reading is missing and says why.
    """

    def __init__(
        self, manager: Handle, *, accelerator_uuid: str | None, on_accelerator: bool
    ) -> None:
        """Find the node's tracker, and wait until it samples."""
        self._manager = manager
        self._node_id = ""
        self._tracker: Handle = None
        self._target = ""
        self._estimated = False
        self.device: Device | None = None
        self.note = ""
        try:
            self._node_id = ray.get_runtime_context().get_node_id()
            facts = self._facts()
            self._estimated = facts.method is Method.ESTIMATED
            self._target, self.device = facts.target(
                accelerator_uuid=accelerator_uuid, on_accelerator=on_accelerator, pid=os.getpid()
            )
        except Exception as error:  # noqa: BLE001 - see the class
            self.note = f"no tracker: {error}"
            _log.warning("%s; the trial goes on unmeasured", self.note)

    def open(self, key: WindowKey) -> None:
        """Open a window from now on, without waiting for the tracker.

        Except for an estimate: it knows no power with which the moment until the tracker has read
        the CPU time could be put right, and an epoch may be as short as that moment.
        """
        if self.device is not None and ray.is_initialized():
            try:
                if self._estimated:
                    opened = self._tracker.open.remote(key, self._target, None)
                    ray.get(opened, timeout=CALL_TIMEOUT_S)
                else:
                    self._tracker.open.remote(key, self._target, time.monotonic())
            except Exception as error:  # noqa: BLE001 - see the class
                _log.warning("window not opened: %s", error)

    def close(self, key: WindowKey) -> Reading:
        """Close a window now; its reading."""
        stop_s = time.monotonic()
        if self.device is None:
            return Reading.missing("", note=self.note)
        if not ray.is_initialized():  # asking for something would start another Ray
            return Reading.missing(self._target, note="Ray was shut down")
        try:
            reading: Reading = ray.get(
                self._tracker.close.remote(key, self._target, stop_s), timeout=CALL_TIMEOUT_S
            )
        except Exception as error:  # noqa: BLE001 - see the class
            if isinstance(error, ActorDiedError):
                self._replace()
            note = f"the tracker did not answer ({type(error).__name__})"
            return Reading.missing(self._target, note=note)
        return reading

    def _replace(self) -> None:
        """Have the next window measured by a new tracker, if one can be had."""
        try:
            self._tracker = self._find()
        except Exception as error:  # noqa: BLE001 - see the class
            _log.warning("no tracker in the place of one that died: %s", error)

    def _facts(self) -> TrackerFacts:
        """What the node's tracker measures; of a new tracker where the old one has died."""
        self._tracker = self._find()
        try:
            facts: TrackerFacts = ray.get(self._tracker.facts.remote(), timeout=START_TIMEOUT_S)
        except ActorDiedError:
            self._tracker = self._find()
            facts = ray.get(self._tracker.facts.remote(), timeout=START_TIMEOUT_S)
        return facts

    def _find(self) -> Handle:
        """The node's tracker; another one than ours, should we have one."""
        asked = self._manager.tracker.remote(self._node_id, instead_of=self._tracker)
        return ray.get(asked, timeout=START_TIMEOUT_S)
