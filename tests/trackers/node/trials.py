"""Trials that a tracker measures in a real Ray, and functions to run their windows."""

import itertools
import os
import signal
import time
from dataclasses import dataclass, field

import ray

from tests.actors import pid_of
from tests.waiting import PATIENCE_S, waited_for
from trackers.node.actor import Handle
from trackers.node.calls import Connect
from trackers.node.client import TrackerClient
from trackers.node.ledger import TRIAL, Booking, WindowKey
from trackers.node.local_rpc import LocalRpc, RpcAddress
from trackers.sample import Component, Reading, Status

POWER_W = 100.0
EPOCH_S = 0.2


def key(epoch: int, *, trial_id: str = "t", stage: str = "classifier") -> WindowKey:
    """Key of an epoch's window."""
    return WindowKey(trial_id=trial_id, attempt=1, stage=stage, epoch=epoch)


def windows_of_killed_trial(trial_id: str) -> set[WindowKey]:
    """Keys of all windows of a trial that `die_in_epoch` runs."""
    epochs = {key(epoch, trial_id=trial_id) for epoch in (1, 2)}
    return epochs | {final_window(trial_id), key(0, stage=TRIAL, trial_id=trial_id)}


def final_window(trial_id: str) -> WindowKey:
    """Key of a window that a trial closes just before it dies."""
    return key(0, stage="last word", trial_id=trial_id)


def client(manager: Handle, connect: Connect = LocalRpc.connected) -> TrackerClient:
    """A trial's client, in this process."""
    return TrackerClient(
        manager,
        accelerator_uuid=None,
        on_accelerator=False,
        answer_s=PATIENCE_S,
        connect=connect,
    )


def no_lane(address: object, *, timeout_s: float) -> None:
    """Make no lane: the tracker can be reached only through Ray."""
    del address, timeout_s


@dataclass
class Lanes:
    """A function that makes lanes to trackers and remembers them."""

    made: list[LocalRpc] = field(default_factory=list)

    def __call__(self, address: RpcAddress | None, *, timeout_s: float) -> LocalRpc | None:
        """Make and remember a lane."""
        lane = LocalRpc.connected(address, timeout_s=timeout_s)
        assert lane is not None
        self.made.append(lane)
        return lane


def tracker_of(manager: Handle) -> Handle:
    """The tracker of this node, once it samples."""
    tracker = ray.get(manager.tracker.remote(ray.get_runtime_context().get_node_id()))
    ray.get(tracker.facts.remote(), timeout=PATIENCE_S)
    return tracker


def take(tracker: Handle) -> Booking:
    """Take what a tracker has booked."""
    booking: Booking = ray.get(tracker.take.remote(), timeout=PATIENCE_S)
    return booking


def energy_j(reading: Reading) -> float:
    """The energy of a reading that has one."""
    assert reading.energy_j is not None, reading.note
    return reading.energy_j


def opened(trial: TrackerClient, manager: Handle, window: WindowKey) -> None:
    """Open a window, and wait until the tracker has observed the device within it."""
    trial.open(window)
    wait_until_opened(trial, window)
    tracker_of(manager)  # its answer comes after those to earlier calls


def wait_until_opened(trial: TrackerClient, window: WindowKey) -> None:
    """Wait for the tracker's answer to the opening of a window."""
    call = trial._windows[window].opened  # noqa: SLF001 - no other public call than `readings` waits for it
    assert call is not None
    trial._calls.answer(call)  # noqa: SLF001


def closed(trial: TrackerClient, window: WindowKey) -> Reading:
    """Close a window, and return the reading of the device that the trial computes on."""
    trial.close(window)
    return next(iter(trial.readings(window).values()))


def measured(trial: TrackerClient, manager: Handle, epoch: int) -> Reading:
    """The reading of an epoch in which nothing goes wrong."""
    opened(trial, manager, key(epoch))
    time.sleep(EPOCH_S)
    return closed(trial, key(epoch))


def measures_again(trial: TrackerClient, manager: Handle, epoch: int) -> Reading:
    """Measure epochs until the status of one is OK, and return its reading."""
    epochs = itertools.count(epoch)

    def ok() -> Reading | None:
        reading = measured(trial, manager, next(epochs))
        return reading if reading.status is Status.OK else None

    return waited_for(ok, "an epoch that is measured again")


def burn(seconds: float) -> None:
    """Use CPU time."""
    until_s = time.process_time() + seconds
    while time.process_time() < until_s:
        pass


@ray.remote(num_cpus=1, max_retries=0)
def train(
    manager: Handle, trial_id: str, epochs: int
) -> tuple[list[Reading], Component | None, float]:
    """Run a trial; return its readings, its device's component, and its CPU seconds in epochs."""
    trial = client(manager)
    readings, used_s = [], 0.0
    trial.open(key(0, trial_id=trial_id, stage=TRIAL))
    for epoch in range(1, epochs + 1):
        opened(trial, manager, key(epoch, trial_id=trial_id))
        before_s = time.process_time()
        burn(EPOCH_S)
        used_s += time.process_time() - before_s
        readings.append(closed(trial, key(epoch, trial_id=trial_id)))
    readings.append(closed(trial, key(0, trial_id=trial_id, stage=TRIAL)))
    return readings, None if trial.device is None else trial.device.component, used_s


@ray.remote(num_cpus=1, max_retries=0)
def die_in_epoch(manager: Handle, trial_id: str) -> None:
    """Run a trial that is killed in its second epoch, when the tracker has seen all that it used."""
    trial, last = client(manager), final_window(trial_id)
    trial.open(key(0, stage=TRIAL, trial_id=trial_id))
    trial.open(key(1, trial_id=trial_id))
    burn(EPOCH_S)
    trial.close(key(1, trial_id=trial_id))
    trial.open(key(2, trial_id=trial_id))
    burn(EPOCH_S)
    trial.open(last)
    closed(trial, last)
    os.kill(os.getpid(), signal.SIGKILL)


@ray.remote(num_cpus=1, max_retries=0)
def lose_tracker_in_epoch(manager: Handle, connection: str) -> tuple[Reading, float]:
    """Run a trial whose tracker is killed in mid-epoch; return its reading, and CPU seconds until it came."""
    trial = client(manager, no_lane) if connection == "ray" else client(manager)
    pid = pid_of(tracker_of(manager))
    before_s = time.process_time()
    trial.open(key(1))
    burn(EPOCH_S)
    os.kill(pid, signal.SIGKILL)
    burn(EPOCH_S)
    reading = closed(trial, key(1))
    return reading, time.process_time() - before_s
