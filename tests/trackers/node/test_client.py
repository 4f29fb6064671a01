"""A trial's client in a real Ray: it closes a window at one time, and takes the readings at another."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import pytest
import ray

from tests.actors import pid_of
from tests.trackers.node.trials import (
    EPOCH_S,
    POWER_W,
    Lanes,
    burn,
    client,
    closed,
    energy_j,
    key,
    measured,
    measures_again,
    no_lane,
    opened,
    take,
    tracker_of,
)
from tests.waiting import PATIENCE_S, waited_for
from trackers.node.actor import Handle
from trackers.node.client import MOST_KEPT, TrackerClient
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Reading, Status

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]

SILENT_S = 0.5


@contextmanager
def frozen(manager: Handle) -> Iterator[psutil.Process]:
    """Suspend the tracker's process within the block, and give that process."""
    process = psutil.Process(pid_of(tracker_of(manager)))
    process.suspend()
    try:
        waited_for(lambda: process.status() == psutil.STATUS_STOPPED, "the tracker's stop")
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def reading_of(trial: TrackerClient, window: WindowKey) -> Reading:
    """The reading of a closed window, of the device that the trial computes on."""
    return next(iter(trial.readings(window).values()))


class UnhashableInTracker:
    """An object that is unpickled as a list in the tracker, and so cannot be part of a window's key."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Unpickle as a list."""
        return list, ()


def test_closing_a_window_does_not_wait_for_the_tracker(shared: Handle) -> None:
    """`close` returns while the tracker is frozen, and the window ends where it was closed."""
    trial = client(shared)
    opened(trial, shared, key(1))

    with frozen(shared) as tracker:
        trial.close(key(1))
        closed_s = time.monotonic()
        was_frozen = tracker.status() == psutil.STATUS_STOPPED
    reading = reading_of(trial, key(1))

    assert was_frozen
    assert reading.start_s + reading.duration_s <= closed_s
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_unread_windows_are_booked_before_the_trial_ends(emptied: Handle) -> None:
    """Taking the attempt's readings waits for all earlier calls."""
    trial, windows = (
        client(emptied),
        [key(0, trial_id="unread", stage=each) for each in (TRIAL, SETUP)],
    )
    for window in windows:
        trial.open(window)
    for window in reversed(windows):
        trial.close(window)

    trial.readings(windows[0])

    booked = [each.key for each in take(tracker_of(emptied)).windows]
    assert [each for each in booked if each in windows] == windows[::-1]


def test_unread_readings_are_dropped(shared: Handle) -> None:
    """Many unread readings do not block the lane; a dropped one is asked for again."""
    trial, first = client(shared), key(1, trial_id="many")
    for epoch in range(1, 3 * MOST_KEPT):
        trial.open(key(epoch, trial_id="many"))
        trial.close(key(epoch, trial_id="many"))
    kept = list(trial._windows)  # noqa: SLF001

    reading = reading_of(trial, first)

    assert first not in kept
    assert len(kept) <= 2 * MOST_KEPT
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_an_estimate_ends_where_its_window_is_closed(emptied_estimating: Handle) -> None:
    """What the trial computes before it takes the readings is not counted."""
    reading = ray.get(estimate_and_go_on.remote(emptied_estimating), timeout=PATIENCE_S)

    assert 0.8 <= energy_j(reading) / (5.0 * EPOCH_S) <= 2


@ray.remote(num_cpus=1, max_retries=0)
def estimate_and_go_on(manager: Handle) -> Reading:
    """Run a trial that computes for three more epochs' time before it takes the readings."""
    trial, window = client(manager), key(1, trial_id="goes on")
    opened(trial, manager, window)
    burn(EPOCH_S)
    trial.close(window)
    burn(3 * EPOCH_S)
    return reading_of(trial, window)


def test_a_lane_that_breaks_after_a_close_loses_nothing(shared: Handle) -> None:
    """The call is repeated through Ray, and the reading is complete."""
    lanes = Lanes()
    trial = client(shared, lanes)
    opened(trial, shared, key(2))

    trial.close(key(2))
    lanes.made[-1].close()
    reading = reading_of(trial, key(2))

    assert reading.status is Status.OK
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_a_silent_tracker_costs_readings_and_a_limited_wait(shared: Handle) -> None:
    """The trial waits for a limited time; the reading is missing with a note, and later ones are measured."""
    trial = TrackerClient(shared, accelerator_uuid=None, on_accelerator=False, answer_s=SILENT_S)
    trial.open(key(3))

    with frozen(shared):
        trial.close(key(3))
        reading = reading_of(trial, key(3))

    assert reading.status is Status.MISSING
    assert "did not answer" in reading.note
    assert energy_j(measures_again(trial, shared, 100)) > 0


def test_an_answer_of_a_tracker_that_died_is_still_read(manager: Handle) -> None:
    """The answer is still in the lane, so no other tracker is asked."""
    lanes = Lanes()
    trial, tracker = client(manager, lanes), pid_of(tracker_of(manager))
    opened(trial, manager, key(1))

    trial.close(key(1))
    link = lanes.made[-1]._link  # noqa: SLF001 - to wait for an answer without taking it
    waited_for(lambda: select.select([link], [], [], 0)[0], "the tracker's answer")
    os.kill(tracker, signal.SIGKILL)
    reading = reading_of(trial, key(1))

    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)
    assert "restarted during" not in reading.note


def test_a_tracker_that_dies_after_a_close_costs_no_window(manager: Handle) -> None:
    """The new tracker books every closed window, read or not, and notes what it does not know."""
    trial = client(manager)
    attempt, setup, epoch = key(0, stage=TRIAL), key(0, stage=SETUP), key(1)
    for window in (attempt, setup, epoch):
        opened(trial, manager, window)

    with frozen(manager) as tracker:
        trial.close(setup)
        trial.close(epoch)
        tracker.kill()
    lost = reading_of(trial, epoch)
    whole = closed(trial, attempt)

    booked = {each.key: each.reading for each in take(tracker_of(manager)).windows}
    assert set(booked) == {attempt, setup, epoch}
    assert booked[epoch] == lost
    for reading in booked.values():
        assert "restarted during" in reading.note
    assert booked[setup].duration_s < lost.start_s + lost.duration_s - booked[setup].start_s
    assert lost.start_s + lost.duration_s < whole.start_s + whole.duration_s


@pytest.mark.parametrize("was_lost", [True, False])
def test_without_a_lane_windows_are_measured_through_ray(shared: Handle, *, was_lost: bool) -> None:
    """A broken lane is replaced after Ray's answer; where there is none, all calls go through Ray."""
    lanes = Lanes()
    trial = client(shared, lanes if was_lost else no_lane)
    if was_lost:
        lanes.made[-1].close()

    first = 11 + 10 * was_lost
    readings = [measured(trial, shared, epoch) for epoch in (first, first + 1)]

    for reading in readings:
        assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)
        assert "restarted during" not in reading.note
    assert len(lanes.made) == 2 * was_lost


def test_an_error_inside_the_tracker_is_a_missing_reading(shared: Handle) -> None:
    """An exception that a call raises in the tracker is a missing reading in the trial."""
    trial = client(shared)
    unhashable_id: Any = UnhashableInTracker()
    unhashable = WindowKey(trial_id=unhashable_id, attempt=1, stage="classifier", epoch=1)

    trial.open(unhashable)
    reading = closed(trial, unhashable)

    assert reading.status is Status.MISSING
    assert "TypeError" in reading.note
    assert energy_j(measured(trial, shared, 31)) > 0
