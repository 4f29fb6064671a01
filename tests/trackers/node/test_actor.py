"""Trackers in a real Ray: what a trial sees when all is well, and when everything breaks."""

import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray.exceptions import WorkerCrashedError

from tests.actors import killed, pid_of
from tests.waiting import PATIENCE_S, waited_for
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient
from trackers.node.ledger import SO_FAR, TRIAL, Booking, TrackerFacts, WindowKey
from trackers.node.nodes import start_manager
from trackers.sample import Component, Method, Reading, Status
from trackers.sources.detect import Request

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[3]
POWER_W = 100.0
EPOCH_S = 0.2
FROZEN_S = 1.5


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    """A Ray of this module's own."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device that draws 100 W."""
    path = tmp_path_factory.mktemp("recording") / "run.csv"
    path.write_text(f"time_s,power_w\n0,{POWER_W}\n1,{POWER_W}\n")
    return path


@pytest.fixture
def manager(recording: Path) -> Iterator[Handle]:
    """A manager whose trackers play the recording."""
    one = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture(scope="module")
def shared(recording: Path) -> Iterator[Handle]:
    """The same, for tests that neither harm it nor empty it; each has windows of its own."""
    one = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture
def estimating() -> Iterator[Handle]:
    """A manager whose trackers estimate."""
    one = start_manager(Request(tracker="estimate"), sampling_hz=50)
    yield one
    ray.kill(one)


def key(epoch: int, *, trial_id: str = "t", stage: str = "classifier") -> WindowKey:
    """The window of an epoch."""
    return WindowKey(trial_id=trial_id, attempt=1, stage=stage, epoch=epoch)


LAST_WORD = key(0, stage="last word")
"""A window that a trial closes just before it dies."""

OF_THE_DEAD = {key(1), key(2), LAST_WORD, key(0, stage=TRIAL)}


def client(manager: Handle) -> TrackerClient:
    """A trial's side, here."""
    return TrackerClient(manager, accelerator_uuid=None, on_accelerator=False, answer_s=PATIENCE_S)


def tracker_of(manager: Handle) -> Handle:
    """The tracker of this node, once it samples."""
    tracker = ray.get(manager.tracker.remote(ray.get_runtime_context().get_node_id()))
    ray.get(tracker.facts.remote(), timeout=PATIENCE_S)
    return tracker


def take(tracker: Handle) -> Booking:
    """What a tracker has booked."""
    booking: Booking = ray.get(tracker.take.remote(), timeout=PATIENCE_S)
    return booking


def energy_j(reading: Reading) -> float:
    """The energy of a reading that has one."""
    assert reading.energy_j is not None, reading.note
    return reading.energy_j


def opened(trial: TrackerClient, manager: Handle, window: WindowKey) -> None:
    """Open a window, and wait until the tracker has looked at the device within it."""
    trial.open(window)
    trial._take_answers()  # noqa: SLF001 - else only the closing waits for them
    tracker_of(manager)  # answers after what was asked before


def measured(trial: TrackerClient, manager: Handle, epoch: int) -> Reading:
    """An epoch in which nothing goes wrong."""
    opened(trial, manager, key(epoch))
    time.sleep(EPOCH_S)
    return trial.close(key(epoch))


def measures_again(trial: TrackerClient, manager: Handle, epoch: int) -> Reading:
    """The first epoch that is measured as if nothing had been, once there is one."""
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
    """A trial: epochs that compute; its readings, its device's kind, its CPU seconds in epochs."""
    trial = client(manager)
    readings, used_s = [], 0.0
    trial.open(key(0, trial_id=trial_id, stage=TRIAL))
    for epoch in range(1, epochs + 1):
        opened(trial, manager, key(epoch, trial_id=trial_id))
        before_s = time.process_time()
        burn(EPOCH_S)
        used_s += time.process_time() - before_s
        readings.append(trial.close(key(epoch, trial_id=trial_id)))
    readings.append(trial.close(key(0, trial_id=trial_id, stage=TRIAL)))
    return readings, None if trial.device is None else trial.device.component, used_s


@ray.remote(num_cpus=1, max_retries=0)
def die_in_epoch(manager: Handle) -> None:
    """A trial that is killed in its second epoch, of which the tracker has seen all it used."""
    trial = client(manager)
    trial.open(key(0, stage=TRIAL))
    trial.open(key(1))
    burn(EPOCH_S)
    trial.close(key(1))
    trial.open(key(2))
    burn(EPOCH_S)
    trial.open(LAST_WORD)
    trial.close(LAST_WORD)
    os.kill(os.getpid(), signal.SIGKILL)


@ray.remote(num_cpus=1, max_retries=0)
def lose_tracker_in_epoch(manager: Handle, way: str) -> tuple[Reading, float]:
    """A trial whose tracker is killed in mid-epoch; its reading, and CPU seconds until it came."""
    trial, pid = client(manager), pid_of(tracker_of(manager))
    if way == "ray":
        trial._lane = None  # noqa: SLF001 - nobody else has to know that there is one
    before_s = time.process_time()
    trial.open(key(1))
    burn(EPOCH_S)
    os.kill(pid, signal.SIGKILL)
    burn(EPOCH_S)
    reading = trial.close(key(1))
    return reading, time.process_time() - before_s


def test_a_trial_measures_its_epochs(shared: Handle) -> None:
    """From a worker process: power x time for each epoch, and their sum is within the trial's."""
    readings, kind, _ = ray.get(train.remote(shared, "a", 3), timeout=PATIENCE_S)

    *epochs, trial = readings
    assert kind is Component.GPU
    for reading in epochs:
        assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)
        assert reading.duration_s >= EPOCH_S / 2
        assert reading.method is Method.SAMPLED
    assert sum(map(energy_j, epochs)) <= energy_j(trial) * (1 + 1e-6)


def test_an_estimate_is_the_trials_own_and_labelled(estimating: Handle) -> None:
    """The CPU seconds of the worker's epochs x the watts of one CPU, not those of others."""
    other = train.remote(estimating, "other", 4)
    readings, kind, used_s = ray.get(train.remote(estimating, "own", 4), timeout=PATIENCE_S)
    ray.get(other, timeout=PATIENCE_S)

    *epochs, _ = readings
    assert kind is Component.CPU
    assert {reading.method for reading in readings} == {Method.ESTIMATED}
    assert {reading.uncertainty_j for reading in readings} == {None}
    assert sum(map(energy_j, epochs)) == pytest.approx(5.0 * used_s, rel=0.25)


def test_a_tracker_says_what_it_measures(shared: Handle, recording: Path) -> None:
    """Its facts hold node, source, method and devices, for the manifest."""
    facts: TrackerFacts = ray.get(tracker_of(shared).facts.remote(), timeout=PATIENCE_S)

    assert facts.node_id == ray.get_runtime_context().get_node_id()
    assert (facts.source, facts.method) == ("recorded", Method.SAMPLED)
    assert [device.uuid for device in facts.devices] == [f"recorded:{recording.name}"]


def test_each_node_has_one_tracker(shared: Handle) -> None:
    """Who asks again gets the same one; all of them are known to the driver."""
    first, second = tracker_of(shared), tracker_of(shared)

    assert first == second
    assert list(ray.get(shared.trackers.remote()).values()) == [first]


def test_closing_twice_tells_and_books_the_same(manager: Handle) -> None:
    """A call that is repeated after a time-out does no harm; opening it again neither."""
    trial, tracker = client(manager), tracker_of(manager)

    first = measured(trial, manager, 1)
    second = trial.close(key(1))
    trial.open(key(1))
    third = trial.close(key(1))

    assert energy_j(first) > 0
    assert first == second == third
    assert [(each.key, each.reading) for each in take(tracker).windows] == [(key(1), first)]


def test_taking_empties(manager: Handle) -> None:
    """Windows and power are told once; power carries the window in which it was drawn."""
    trial, tracker = client(manager), tracker_of(manager)
    now_s = time.time()
    opened(trial, manager, key(1))
    measured(trial, manager, 2)  # looks at the device within the window around it
    trial.close(key(1))

    first, second = take(tracker), take(tracker)

    assert [window.key for window in first.windows] == [key(2), key(1)]
    assert second.windows == ()
    in_epoch = [sample for sample in first.power if sample.key == key(1)]
    assert in_epoch
    assert all(sample.power_w == POWER_W for sample in first.power)
    assert all(abs(sample.unix_time_s - now_s) < PATIENCE_S for sample in in_epoch)
    stamps = [{sample.unix_time_s for sample in booking.power} for booking in (first, second)]
    assert max(stamps[0]) < min(stamps[1], default=float("inf"))


def test_idle_power_is_known_before_the_first_window(manager: Handle) -> None:
    """The mean from the tracker's start to the first window before which it had sampled enough."""
    tracker, trial, epochs = tracker_of(manager), client(manager), itertools.count(1)

    def idle_power_w() -> list[float]:
        measured(trial, manager, next(epochs))
        facts: TrackerFacts = ray.get(tracker.facts.remote(), timeout=PATIENCE_S)
        return list(facts.idle_power_w.values())

    assert waited_for(idle_power_w, "an idle power") == [pytest.approx(POWER_W)]


def test_the_energy_of_a_killed_trial_is_booked(estimating: Handle) -> None:
    """Windows that a dead process left open are closed for it, with what it had used."""
    tracker = tracker_of(estimating)
    with pytest.raises(WorkerCrashedError):
        ray.get(die_in_epoch.remote(estimating), timeout=PATIENCE_S)

    ray.get(tracker.release.remote("t"), timeout=PATIENCE_S)
    booked = {window.key: window.reading for window in take(tracker).windows}

    assert set(booked) == OF_THE_DEAD
    for left_open in (key(2), key(0, stage=TRIAL)):
        assert booked[left_open].method is Method.ESTIMATED
    assert energy_j(booked[key(2)]) >= 5.0 * EPOCH_S * 0.8
    assert energy_j(booked[key(0, stage=TRIAL)]) >= energy_j(booked[key(1)])


def test_what_an_open_attempt_has_come_to_is_handed_over(manager: Handle) -> None:
    """Its machine may be lost before it ends: the driver knows what it used until it was last asked."""
    trial = client(manager)
    trial.open(key(0, stage=TRIAL))

    def so_far() -> Reading | None:
        booked = take(tracker_of(manager)).windows
        return next((each.reading for each in booked if each.key == key(0, stage=SO_FAR)), None)

    first = waited_for(so_far, "what the attempt has come to")
    time.sleep(EPOCH_S)
    second = waited_for(so_far, "what it has come to since")
    trial.close(key(0, stage=TRIAL))

    assert first.status is Status.DEGRADED
    assert energy_j(first) == pytest.approx(POWER_W * first.duration_s)
    assert energy_j(second) > energy_j(first)
    assert so_far() is None


def test_release_is_for_one_trial(manager: Handle) -> None:
    """Other trials' windows stay open; what was released and is closed late is told the same."""
    trial, tracker = client(manager), tracker_of(manager)
    opened(trial, manager, key(1))
    opened(trial, manager, key(1, trial_id="other"))

    ray.get(tracker.release.remote("t"), timeout=PATIENCE_S)
    (released,) = take(tracker).windows

    assert released.key == key(1)
    assert trial.close(key(1)) == released.reading
    assert take(tracker).windows == ()
    assert energy_j(trial.close(key(1, trial_id="other"))) > 0


@pytest.mark.parametrize("was_lost", [True, False])
def test_without_a_lane_windows_are_measured_through_ray(shared: Handle, *, was_lost: bool) -> None:
    """One that broke is found again after Ray's answer; where there is none nobody looks for it."""
    trial = client(shared)
    lane = trial._lane  # noqa: SLF001 - nobody else has to know that there is one
    assert lane is not None
    if was_lost:
        lane.close()
    else:
        trial._lane = None  # noqa: SLF001

    first = 11 + 10 * was_lost
    readings = [measured(trial, shared, epoch) for epoch in (first, first + 1)]

    for reading in readings:
        assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)
        assert "started anew" not in reading.note
    assert (trial._lane is not None) == was_lost  # noqa: SLF001


def test_a_killed_tracker_costs_one_reading(manager: Handle) -> None:
    """SIGKILL in mid-window, and no counter: that reading is missing; later ones are as before."""
    trial, pid = client(manager), pid_of(tracker_of(manager))
    assert energy_j(measured(trial, manager, 1)) > 0

    opened(trial, manager, key(2))
    os.kill(pid, signal.SIGKILL)
    lost = trial.close(key(2))
    later = measures_again(trial, manager, 3)

    assert (lost.energy_j, lost.status) == (None, Status.MISSING)
    assert "started anew" in lost.note
    assert energy_j(later) == pytest.approx(POWER_W * later.duration_s, rel=1e-6, abs=1e-8)
    assert pid_of(tracker_of(manager)) != pid


@pytest.mark.parametrize("way", ["lane", "ray"])
def test_a_restarted_tracker_keeps_the_truth_of_a_counter(estimating: Handle, way: str) -> None:
    """What the dead one read at the start of the window, the new one goes on from."""
    reading, used_s = ray.get(lose_tracker_in_epoch.remote(estimating, way), timeout=PATIENCE_S)

    # Ray itself uses some CPU time while the tracker starts; a CPU's clock has steps of 10 ms.
    assert (reading.method, reading.status) == (Method.ESTIMATED, Status.DEGRADED)
    assert 5.0 * 2 * EPOCH_S * 0.8 <= energy_j(reading) <= 5.0 * used_s * 1.1


def test_windows_of_the_dead_are_closed_though_nobody_says_so(estimating: Handle) -> None:
    """The tracker looks for the processes of its trials itself."""
    tracker = tracker_of(estimating)
    with pytest.raises(WorkerCrashedError):
        ray.get(die_in_epoch.remote(estimating), timeout=PATIENCE_S)

    booked: set[WindowKey] = set()

    def all_are_booked() -> bool:
        booked.update(window.key for window in take(tracker).windows)
        return booked >= OF_THE_DEAD

    waited_for(all_are_booked, "the windows of the dead")
    assert {each for each in booked if each.stage != SO_FAR} == OF_THE_DEAD


def test_a_trial_that_starts_while_the_tracker_restarts_is_measured(manager: Handle) -> None:
    """It waits for the new process instead of going on unmeasured."""
    tracker = tracker_of(manager)
    os.kill(pid_of(tracker), signal.SIGKILL)

    trial = client(manager)

    assert trial.note == ""
    assert energy_j(measures_again(trial, manager, 1)) > 0


def test_a_tracker_that_died_for_good_is_replaced_once(manager: Handle) -> None:
    """All trials of the node get the same new one, and the manager knows it."""
    old = tracker_of(manager)
    trials = [client(manager), client(manager)]

    killed(old)
    for trial in trials:
        trial.open(key(1))
        assert trial.close(key(1)).status is Status.MISSING
    for number, trial in enumerate(trials, start=1):
        measures_again(trial, manager, 1000 * number)

    (new,) = ray.get(manager.trackers.remote()).values()
    assert new != old
    booked = {window.key for window in take(new).windows}
    assert {window.epoch // 1000 for window in booked} == {1, 2}


def test_a_trial_after_a_tracker_died_for_good_is_measured(manager: Handle) -> None:
    """A new trial does not inherit a dead tracker."""
    killed(tracker_of(manager))

    trial = client(manager)

    assert trial.note == ""
    assert energy_j(measures_again(trial, manager, 1)) > 0


def test_a_frozen_tracker_holds_up_no_longer_than_it_is_frozen(manager: Handle) -> None:
    """SIGSTOP in mid-window: the window keeps its length, its energy is told with its doubt."""
    trial, pid = client(manager), pid_of(tracker_of(manager))
    opened(trial, manager, key(1))

    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(FROZEN_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    reading = trial.close(key(1))

    assert reading.status is Status.DEGRADED
    assert reading.coverage * reading.duration_s <= reading.duration_s - FROZEN_S / 2
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_a_source_that_is_not_there_is_a_note_and_no_exception(tmp_path: Path) -> None:
    """The trial goes on, and its readings say what is in the way."""
    broken = start_manager(Request(tracker=str(tmp_path / "gone.csv")), sampling_hz=10)

    trial = client(broken)
    trial.open(key(1))
    reading = trial.close(key(1))

    assert trial.device is None
    assert reading.status is Status.MISSING
    assert "gone.csv" in reading.note
    ray.kill(broken)


def test_an_error_inside_the_tracker_stays_there(shared: Handle) -> None:
    """Whatever a call raises over there, here it is a missing reading."""
    trial = client(shared)
    unhashable: Any = ["no", "key"]

    trial.open(unhashable)
    reading = trial.close(unhashable)

    assert reading.status is Status.MISSING
    assert "TypeError" in reading.note
    assert energy_j(measured(trial, shared, 31)) > 0


def test_without_manager_and_tracker_a_trial_goes_on(recording: Path) -> None:
    """Both dead for good: missing readings from who was measured before, and from who comes new."""
    manager = start_manager(Request(tracker=str(recording)), sampling_hz=10)
    before = client(manager)
    killed(tracker_of(manager))
    killed(manager)

    after = client(manager)

    for trial in (before, after):
        for epoch in (1, 2):
            trial.open(key(epoch))
            reading = trial.close(key(epoch))
            assert reading.status is Status.MISSING
            assert reading.note


DRIVER = """
import json, os, sys
import ray
from trackers.node.nodes import start_manager
from trackers.node.client import TrackerClient
from trackers.sources.detect import Request
from trackers.node.ledger import WindowKey

def pid(actor):
    return ray.get(actor.__ray_call__.remote(lambda _: os.getpid()))

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
manager = start_manager(Request(tracker=sys.argv[1]), sampling_hz=10)
client = TrackerClient(manager, accelerator_uuid=None, on_accelerator=False)
(tracker,) = ray.get(manager.trackers.remote()).values()
pids = [pid(manager), pid(tracker)]
key = WindowKey(trial_id="t", attempt=1, stage="s", epoch=1)
client.open(key)
ray.shutdown()
reading = client.close(key)
said = {"pids": pids, "note": reading.note, "is_initialized": ray.is_initialized()}
print(json.dumps(said), flush=True)
sys.stdin.readline()
"""


def test_trackers_end_with_their_driver(recording: Path) -> None:
    """After `ray.shutdown` neither manager nor tracker runs, and a late client starts no Ray."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DRIVER), str(recording)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdout is not None
        said = json.loads(driver.stdout.readline())
        waited_for(lambda: not any(map(psutil.pid_exists, said["pids"])), "the trackers' end")
        driver.communicate("\n", timeout=PATIENCE_S)

    assert said["note"] == "Ray was shut down"
    assert not said["is_initialized"]
