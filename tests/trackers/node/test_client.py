"""A trial's side, in a real Ray: a closing is asked for at one moment, its readings taken at another."""

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
    """The tracker, which does nothing within the block."""
    process = psutil.Process(pid_of(tracker_of(manager)))
    process.suspend()
    try:
        waited_for(lambda: process.status() == psutil.STATUS_STOPPED, "the tracker's stop")
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def reading_of(trial: TrackerClient, window: WindowKey) -> Reading:
    """The reading of a window that was closed, of what the trial computes on."""
    return next(iter(trial.readings(window).values()))


class ListOverThere:
    """Something that is a list in the tracker, and so no part of a window's name."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Be unpacked as a list."""
        return list, ()


def test_a_trial_does_not_wait_for_the_closing(shared: Handle) -> None:
    """The tracker answers only when the trial is past it, and the window ends where it was closed."""
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


def test_windows_that_nobody_reads_are_booked_before_the_trial_has_ended(emptied: Handle) -> None:
    """Taking the attempt's readings waits for all that was asked for before them."""
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


def test_readings_that_nobody_takes_are_not_kept_for_ever(shared: Handle) -> None:
    """Nor do they fill the lane; of those that were forgotten the tracker is asked again."""
    trial, first = client(shared), key(1, trial_id="many")
    for epoch in range(1, 3 * MOST_KEPT):
        trial.open(key(epoch, trial_id="many"))
        trial.close(key(epoch, trial_id="many"))
    kept = list(trial._windows)  # noqa: SLF001

    reading = reading_of(trial, first)

    assert first not in kept
    assert len(kept) <= 2 * MOST_KEPT
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_an_estimate_ends_where_the_trial_closes_it(estimates: Handle) -> None:
    """What the trial computes until it takes the readings is not counted."""
    reading = ray.get(estimate_and_go_on.remote(estimates), timeout=PATIENCE_S)

    assert 0.8 <= energy_j(reading) / (5.0 * EPOCH_S) <= 2


@ray.remote(num_cpus=1, max_retries=0)
def estimate_and_go_on(manager: Handle) -> Reading:
    """A trial that computes three times as long as its epoch before it takes the readings."""
    trial, window = client(manager), key(1, trial_id="goes on")
    opened(trial, manager, window)
    burn(EPOCH_S)
    trial.close(window)
    burn(3 * EPOCH_S)
    return reading_of(trial, window)


def test_a_lane_that_breaks_after_the_closing_loses_nothing(shared: Handle) -> None:
    """The same is asked for through Ray, and tells the same readings."""
    lanes = Lanes()
    trial = client(shared, lanes)
    opened(trial, shared, key(2))

    trial.close(key(2))
    lanes.made[-1].close()
    reading = reading_of(trial, key(2))

    assert reading.status is Status.OK
    assert energy_j(reading) == pytest.approx(POWER_W * reading.duration_s, rel=1e-6, abs=1e-8)


def test_a_silent_tracker_costs_readings_and_no_endless_wait(shared: Handle) -> None:
    """They are missing with a note, and later ones are as before."""
    trial = TrackerClient(shared, accelerator_uuid=None, on_accelerator=False, answer_s=SILENT_S)
    trial.open(key(3))

    with frozen(shared):
        trial.close(key(3))
        reading = reading_of(trial, key(3))

    assert reading.status is Status.MISSING
    assert "did not answer" in reading.note
    assert energy_j(measures_again(trial, shared, 100)) > 0


def test_what_a_tracker_answered_before_it_died_is_known(manager: Handle) -> None:
    """It lies in the lane, and no other tracker is asked."""
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


def test_a_tracker_that_dies_after_the_closing_costs_no_window(manager: Handle) -> None:
    """The new one books all that was closed, read or not, and says what it does not know."""
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
    """One that broke is found again after Ray's answer; where there is none it goes on without."""
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


def test_an_error_inside_the_tracker_stays_there(shared: Handle) -> None:
    """Whatever a call raises over there, here it is a missing reading."""
    trial = client(shared)
    no_name: Any = ListOverThere()
    unhashable = WindowKey(trial_id=no_name, attempt=1, stage="classifier", epoch=1)

    trial.open(unhashable)
    reading = closed(trial, unhashable)

    assert reading.status is Status.MISSING
    assert "TypeError" in reading.note
    assert energy_j(measured(trial, shared, 31)) > 0
