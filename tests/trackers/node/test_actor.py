"""Trackers in a real Ray: readings in normal operation, and after trials, trackers or managers die."""

import itertools
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import ray
from ray.exceptions import WorkerCrashedError

from tests.actors import killed, pid_of
from tests.trackers.node.trials import (
    EPOCH_S,
    POWER_W,
    client,
    closed,
    die_in_epoch,
    energy_j,
    key,
    lose_tracker_in_epoch,
    measured,
    measures_again,
    opened,
    take,
    tracker_of,
    train,
    windows_of_killed_trial,
)
from tests.waiting import PATIENCE_S, waited_for
from trackers.node.actor import Handle
from trackers.node.ledger import INTERIM, TRIAL, TrackerFacts, WindowKey
from trackers.node.nodes import start_manager
from trackers.sample import Component, Method, Reading, Status
from trackers.sources.detect import Request

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]

FROZEN_S = 1.5


def test_a_trial_measures_its_epochs(shared: Handle) -> None:
    """In a worker process each epoch has power x time, and their sum is within the trial's energy."""
    readings, kind, _ = ray.get(train.remote(shared, "a", 3), timeout=PATIENCE_S)

    *epochs, trial = readings
    assert kind is Component.GPU
    for reading in epochs:
        assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)
        assert reading.duration_s >= EPOCH_S / 2
        assert reading.method is Method.SAMPLED
    assert sum(map(energy_j, epochs)) <= energy_j(trial) * (1 + 1e-6)


def test_an_estimate_is_the_trials_own_and_labelled(emptied_estimating: Handle) -> None:
    """An estimate is the worker's own CPU seconds x the watts of one CPU, without those of other trials."""
    other = train.remote(emptied_estimating, "other", 4)
    readings, kind, used_s = ray.get(train.remote(emptied_estimating, "own", 4), timeout=PATIENCE_S)
    ray.get(other, timeout=PATIENCE_S)

    *epochs, _ = readings
    assert kind is Component.CPU
    assert {reading.method for reading in readings} == {Method.ESTIMATED}
    assert {reading.uncertainty_j for reading in readings} == {None}
    assert sum(map(energy_j, epochs)) == pytest.approx(5.0 * used_s, rel=0.25)


def test_a_tracker_says_what_it_measures(shared: Handle, recording: Path) -> None:
    """A tracker's facts name node, source, method and devices, for the manifest."""
    facts: TrackerFacts = ray.get(tracker_of(shared).facts.remote(), timeout=PATIENCE_S)

    assert facts.node_id == ray.get_runtime_context().get_node_id()
    assert (facts.source, facts.method) == ("recorded", Method.SAMPLED)
    assert [device.uuid for device in facts.devices] == [f"recorded:{recording.name}"]


def test_each_node_has_one_tracker(shared: Handle) -> None:
    """Asking again gives the same tracker, and the manager lists it for the driver."""
    first, second = tracker_of(shared), tracker_of(shared)

    assert first == second
    assert list(ray.get(shared.trackers.remote()).values()) == [first]


def test_closing_twice_returns_and_books_the_same_reading(emptied: Handle) -> None:
    """Repeating a call after a timeout does no harm, nor does opening the window again."""
    trial, tracker, window = client(emptied), tracker_of(emptied), key(41)

    first = measured(trial, emptied, window.epoch)
    second = closed(trial, window)
    trial.open(window)
    third = closed(trial, window)

    assert energy_j(first) > 0
    assert first == second == third
    assert [(each.key, each.reading) for each in take(tracker).windows] == [(window, first)]


def test_taking_what_is_booked_empties_the_tracker(emptied: Handle) -> None:
    """Windows and power are handed over once; power carries the window in which it was drawn."""
    trial, tracker = client(emptied), tracker_of(emptied)
    outer, inner = key(51), key(52)
    now_s = time.time()
    opened(trial, emptied, outer)
    measured(trial, emptied, inner.epoch)  # observes the device within the outer window
    closed(trial, outer)

    first, second = take(tracker), take(tracker)

    assert [window.key for window in first.windows] == [inner, outer]
    assert second.windows == ()
    in_epoch = [sample for sample in first.power if sample.key == outer]
    assert in_epoch
    assert all(sample.power_w == POWER_W for sample in first.power)
    assert all(abs(sample.unix_time_s - now_s) < PATIENCE_S for sample in in_epoch)
    stamps = [{sample.unix_time_s for sample in booking.power} for booking in (first, second)]
    assert max(stamps[0]) < min(stamps[1], default=float("inf"))


def test_idle_power_is_measured_before_a_window(tmp_path: Path) -> None:
    """Idle power is the mean from the tracker's start to the first window with enough samples before it."""
    recording, rise_w_per_s = tmp_path / "rising.csv", 100.0
    lines = (
        f"{time_s:g},{time_s * rise_w_per_s:g}\n" for time_s in (n / 20 for n in range(20_000))
    )
    recording.write_text("time_s,power_w\n" + "".join(lines))
    manager = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    tracker, trial, epochs = tracker_of(manager), client(manager), itertools.count(1)

    def idle_power_w() -> list[float]:
        facts: TrackerFacts = ray.get(tracker.facts.remote(), timeout=PATIENCE_S)
        return list(facts.idle_power_w.values())

    def found() -> tuple[list[float], Reading] | None:
        # Much longer than from the start of the recording to that of sampling.
        time.sleep(5 * EPOCH_S)
        window = key(next(epochs))
        opened(trial, manager, window)
        idle_w = idle_power_w()
        reading = closed(trial, window)
        return (idle_w, reading) if idle_w else None

    (idle_w,), reading = waited_for(found, "an idle power")
    measured(trial, manager, next(epochs))
    later = idle_power_w()
    ray.kill(manager)

    at_start_w = energy_j(reading) / reading.duration_s - rise_w_per_s * reading.duration_s / 2
    assert 0.45 * at_start_w <= idle_w <= 0.75 * at_start_w  # half of it, and what began late
    assert later == [idle_w]


def test_the_energy_of_a_killed_trial_is_booked(emptied_estimating: Handle) -> None:
    """Windows that a killed trial left open are closed for it, with the energy that it had used."""
    tracker = tracker_of(emptied_estimating)
    with pytest.raises(WorkerCrashedError):
        ray.get(die_in_epoch.remote(emptied_estimating, "killed"), timeout=PATIENCE_S)

    ray.get(tracker.release.remote("killed"), timeout=PATIENCE_S)
    booked = {window.key: window.reading for window in take(tracker).windows}

    first, second = (key(epoch, trial_id="killed") for epoch in (1, 2))
    whole = key(0, stage=TRIAL, trial_id="killed")
    assert set(booked) == windows_of_killed_trial("killed")
    for left_open in (second, whole):
        assert booked[left_open].method is Method.ESTIMATED
    assert energy_j(booked[second]) >= 5.0 * EPOCH_S * 0.8
    assert energy_j(booked[whole]) >= energy_j(booked[first])


def test_what_an_open_attempt_has_come_to_is_handed_over(emptied: Handle) -> None:
    """The driver knows what an attempt used until it last asked, even if the machine is lost later."""
    trial, attempt = client(emptied), key(0, stage=TRIAL, trial_id="open")
    trial.open(attempt)

    def so_far() -> Reading | None:
        booked = take(tracker_of(emptied)).windows
        interim = replace(attempt, stage=INTERIM)
        return next((each.reading for each in booked if each.key == interim), None)

    first = waited_for(so_far, "the interim energy of the attempt")
    time.sleep(EPOCH_S)
    second = waited_for(so_far, "a later interim energy")
    closed(trial, attempt)

    assert first.status is Status.DEGRADED
    assert energy_j(first) == pytest.approx(POWER_W * first.duration_s)
    assert energy_j(second) > energy_j(first)
    assert so_far() is None


def test_release_closes_the_windows_of_one_trial(emptied: Handle) -> None:
    """Other trials' windows stay open; closing a released window later returns the booked reading."""
    trial, tracker = client(emptied), tracker_of(emptied)
    own, others = key(61, trial_id="lost"), key(61, trial_id="other")
    opened(trial, emptied, own)
    opened(trial, emptied, others)

    ray.get(tracker.release.remote("lost"), timeout=PATIENCE_S)
    (released,) = take(tracker).windows

    assert released.key == own
    assert closed(trial, own) == released.reading
    assert take(tracker).windows == ()
    assert energy_j(closed(trial, others)) > 0


def test_a_killed_tracker_costs_one_reading(manager: Handle) -> None:
    """After SIGKILL in mid-window, without a counter, that reading is missing and later ones are complete."""
    trial, pid = client(manager), pid_of(tracker_of(manager))
    assert energy_j(measured(trial, manager, 1)) > 0

    opened(trial, manager, key(2))
    os.kill(pid, signal.SIGKILL)
    lost = closed(trial, key(2))
    later = measures_again(trial, manager, 3)

    assert (lost.energy_j, lost.status) == (None, Status.MISSING)
    assert "restarted during" in lost.note
    assert energy_j(later) == pytest.approx(POWER_W * later.duration_s, rel=1e-6, abs=1e-8)
    assert pid_of(tracker_of(manager)) != pid


@pytest.mark.parametrize("connection", ["lane", "ray"])
def test_a_restarted_tracker_uses_the_counters_first_value(
    estimating: Handle, connection: str
) -> None:
    """The new tracker uses the counter's value that the killed one read at the start of the window."""
    reading, used_s = ray.get(
        lose_tracker_in_epoch.remote(estimating, connection), timeout=PATIENCE_S
    )

    # Ray itself uses some CPU time while the tracker starts; a CPU's clock has steps of 10 ms.
    assert (reading.method, reading.status) == (Method.ESTIMATED, Status.DEGRADED)
    assert 5.0 * 2 * EPOCH_S * 0.8 <= energy_j(reading) <= 5.0 * used_s * 1.1


def test_windows_of_a_killed_trial_are_closed_without_release(emptied_estimating: Handle) -> None:
    """The tracker notices by itself that a trial's process has died."""
    tracker, expected = tracker_of(emptied_estimating), windows_of_killed_trial("dead")
    with pytest.raises(WorkerCrashedError):
        ray.get(die_in_epoch.remote(emptied_estimating, "dead"), timeout=PATIENCE_S)

    booked: set[WindowKey] = set()

    def all_are_booked() -> bool:
        booked.update(window.key for window in take(tracker).windows)
        return booked >= expected

    waited_for(all_are_booked, "the windows of the killed trial")
    assert {each for each in booked if each.stage != INTERIM} == expected


def test_a_trial_that_starts_while_the_tracker_restarts_is_measured(manager: Handle) -> None:
    """The trial waits for the new tracker instead of running unmeasured."""
    tracker = tracker_of(manager)
    os.kill(pid_of(tracker), signal.SIGKILL)

    trial = client(manager)

    assert trial.note == ""
    assert energy_j(measures_again(trial, manager, 1)) > 0


def test_a_tracker_that_died_for_good_is_replaced_once(manager: Handle) -> None:
    """All trials of the node get the same new tracker, and the manager lists it."""
    old = tracker_of(manager)
    trials = [client(manager), client(manager)]

    killed(old)
    for trial in trials:
        trial.open(key(1))
        assert closed(trial, key(1)).status is Status.MISSING
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


def test_a_frozen_tracker_leaves_a_degraded_reading(manager: Handle) -> None:
    """After SIGSTOP in mid-window the reading is degraded and covers less; its energy is power x length."""
    trial, pid = client(manager), pid_of(tracker_of(manager))
    opened(trial, manager, key(1))

    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(FROZEN_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    reading = closed(trial, key(1))

    assert reading.status is Status.DEGRADED
    assert reading.coverage * reading.duration_s <= reading.duration_s - FROZEN_S / 2
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_a_missing_source_is_a_note_and_no_exception(tmp_path: Path) -> None:
    """The trial continues; its reading is missing, and the note names the missing file."""
    broken = start_manager(Request(tracker=str(tmp_path / "gone.csv")), sampling_hz=10)

    trial = client(broken)
    trial.open(key(1))
    reading = closed(trial, key(1))

    assert trial.device is None
    assert reading.status is Status.MISSING
    assert "gone.csv" in reading.note
    ray.kill(broken)


def test_without_manager_and_tracker_a_trial_goes_on(recording: Path) -> None:
    """With both dead for good, earlier and new trials continue with missing readings."""
    manager = start_manager(Request(tracker=str(recording)), sampling_hz=10)
    before = client(manager)
    killed(tracker_of(manager))
    killed(manager)

    after = client(manager)

    for trial in (before, after):
        for epoch in (1, 2):
            trial.open(key(epoch))
            reading = closed(trial, key(epoch))
            assert reading.status is Status.MISSING
            assert reading.note
