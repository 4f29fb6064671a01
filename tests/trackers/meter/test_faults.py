"""Sensors that report nonsense, hang, stall or disappear: faults that were once measured wrongly.

Tests of one board use a simulated clock and a load of known energy. Tests of several boards use real
threads, and do not depend on how long anything takes.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import final

import pytest

from tests.fake_nvml import UUIDS, Boards
from tests.trackers.known_curves import LEARN_S, START_S, told
from tests.trackers.scripted import BOARD, OTHER, ScriptedSource
from tests.waiting import PATIENCE_S, waited_for
from trackers.clock import MonotonicClock
from trackers.errors import DeviceLostError
from trackers.meter import watched_device
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Observation, Reading, Status

FIRST_S = START_S + LEARN_S
"""Start of the first window."""


def within(found: Reading, truth_j: float) -> bool:
    """Return whether the true energy lies within the own uncertainty of a reading."""
    return (
        found.energy_j is not None
        and found.uncertainty_own_j is not None
        and abs(found.energy_j - truth_j) <= found.uncertainty_own_j
    )


def faulty_counter(change: Callable[[float, float], float]) -> Callable[[Observation], Observation]:
    """A fault of the counter alone; `change` returns a faulty value for a time and the right value."""

    def altered(seen: Observation) -> Observation:
        if seen.counter_j is None:
            return seen
        return replace(seen, counter_j=change(seen.time_s, seen.counter_j))

    return altered


def test_a_single_reading_of_megawatts_is_ignored() -> None:
    """A board of 60 to 300 W without a counter reports 4 MW once; more than 1.5 x its limit is not accepted."""
    injected = 0

    def altered(seen: Observation) -> Observation:
        nonlocal injected
        is_due = seen.time_s > FIRST_S + 3 and not injected
        injected += is_due
        return replace(seen, power_w=4e6) if is_due else seen

    found = told(Boards(no_counter=1), length_s=2.0, epochs=4, altered=altered)

    assert injected == 1
    for reading, truth_j in found:
        assert reading.energy_j == pytest.approx(truth_j, rel=0.06)
        assert within(reading, truth_j)


@pytest.mark.parametrize("jump_j", [60.0, -60.0])
def test_a_window_in_which_the_counter_jumps_is_measured_by_power(jump_j: float) -> None:
    """The jump, up or down, is half of the energy of the window; the reading is degraded."""
    jump_s = FIRST_S + 5.5
    boards = Boards(low_w=120, high_w=130)

    found = told(
        boards,
        length_s=1.0,
        epochs=10,
        altered=faulty_counter(
            lambda time_s, right_j: right_j + (jump_j if time_s > jump_s else 0.0)
        ),
    )

    doubted = [reading for reading, _ in found if reading.status is not Status.OK]
    assert [reading.method for reading in doubted] == [Method.SAMPLED]
    assert all(reading.energy_j == pytest.approx(truth_j, rel=0.05) for reading, truth_j in found)
    assert all(within(reading, truth_j) for reading, truth_j in found)


def test_a_counter_that_stalls_and_catches_up_is_not_followed() -> None:
    """Energies stay near the truth in the windows of the stall of 2.5 s, and when the counter catches up."""
    stall_s, ends_s = FIRST_S + 3.4, FIRST_S + 5.9
    stood_j: list[float] = []

    def stalled_j(time_s: float, right_j: float) -> float:
        if not stall_s < time_s < ends_s:
            return right_j
        stood_j.append(right_j)
        return stood_j[0]

    found = told(Boards(), length_s=1.0, epochs=10, altered=faulty_counter(stalled_j))

    doubted = [reading for reading, _ in found if reading.status is not Status.OK]
    assert len(doubted) >= 2
    assert all(reading.energy_j == pytest.approx(truth_j, rel=0.25) for reading, truth_j in found)
    assert all(within(reading, truth_j) for reading, truth_j in found)


@pytest.mark.parametrize("factor", [0.001, 0.5, 1.43, 3.0])
@pytest.mark.parametrize("length_s", [1.0, 5.0])
def test_a_counter_with_a_constant_factor_is_corrected(factor: float, length_s: float) -> None:
    """Until there is a verdict power is integrated, then the scaled counter is used; readings are degraded."""
    found = told(
        Boards(),
        length_s=length_s,
        epochs=20,
        altered=faulty_counter(lambda _, right_j: factor * right_j),
    )

    *_, (last, truth_j) = found
    assert all(reading.status is Status.DEGRADED for reading, _ in found)
    assert sum(within(reading, true_j) for reading, true_j in found) >= 0.9 * len(found)
    assert last.method is Method.COUNTER
    assert last.energy_j == pytest.approx(truth_j, rel=0.05)
    assert last.counter_over_power == pytest.approx(factor, rel=0.35)


def test_a_counter_with_a_changing_factor_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Energies are those of the power, and one warning is logged."""
    # Another test of this process may have changed the level of the root logger.
    caplog.set_level(logging.WARNING, logger=watched_device.__name__)
    shares = (0.1, 3.0, 0.3, 2.5, 0.2)
    total_j, before_j = 0.0, 0.0

    def wild_j(time_s: float, right_j: float) -> float:
        nonlocal total_j, before_j
        before_j = before_j or right_j
        total_j += shares[int(time_s / 4.0) % 5] * (right_j - before_j)
        before_j = right_j
        return total_j

    found = told(Boards(), length_s=4.0, epochs=20, altered=faulty_counter(wild_j))

    for reading, truth_j in found:
        assert reading.energy_j == pytest.approx(truth_j, rel=0.25)
    assert found[-1][0].method is Method.SAMPLED
    assert "refused" in found[-1][0].note
    assert sum("it is refused" in record.message for record in caplog.records) == 1


def test_a_board_that_returns_in_a_window_is_measured_from_then_on() -> None:
    """It answers again soon after the start of a window of 5 s, whose reading is degraded."""
    absent_s = (FIRST_S + 4.9, FIRST_S + 5.4)

    def altered(seen: Observation) -> Observation:
        if absent_s[0] < seen.time_s < absent_s[1]:
            message = "the board is away"
            raise DeviceLostError(message)
        return seen

    found = told(Boards(), length_s=5.0, epochs=3, altered=altered)

    (reading, truth_j), _ = found
    assert reading.status is Status.DEGRADED
    assert reading.energy_j == pytest.approx(truth_j, rel=0.15)
    assert reading.coverage > 0.8
    assert within(reading, truth_j)


@final
class HangingBoard:
    """Two boards, the second of which hangs in a call while the test wants it to."""

    name, note, estimated, counter_persists = "hanging", "what the test says", False, True

    def __init__(self) -> None:
        """Start with both boards answering."""
        self._both = ScriptedSource(
            MonotonicClock(),
            power_w=lambda _: 100.0,
            counter_j=lambda time_s: 100 * time_s,
            uuids=(BOARD, OTHER),
        )
        self.devices, self.close = self._both.devices, self._both.close
        self.answers = threading.Event()
        self.answers.set()
        self.is_asked = threading.Event()

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        if device_uuid == OTHER and not self.answers.is_set():
            self.is_asked.set()
            self.answers.wait()
        return self._both.observe(device_uuid, counter=counter)


@contextmanager
def hanging() -> Iterator[tuple[HangingBoard, EnergyMeter]]:
    """A meter whose second board hangs in a call until the end of the block."""
    source = HangingBoard()
    with EnergyMeter(source, sampling_hz=50) as meter:
        source.answers.clear()
        assert source.is_asked.wait(PATIENCE_S)
        try:
            yield source, meter
        finally:
            source.answers.set()


def test_a_hanging_board_does_not_block_windows_of_others() -> None:
    """While a call of its driver hangs, windows of another board open, close and are exact."""
    with hanging() as (source, meter):
        readings = []
        for number in range(3):
            with meter.window(number, devices=[BOARD]) as window:
                pass
            readings.append(window.readings[BOARD])

        assert not source.answers.is_set()
    for reading in readings:
        assert reading.method is Method.COUNTER
        # The thread may be suspended between clock and counter, for microseconds at 100 W.
        assert reading.energy_j == pytest.approx(100 * reading.duration_s, abs=1e-3)


@pytest.mark.slow
def test_a_window_over_a_hanging_board_closes_and_is_not_ok() -> None:
    """Training does not wait for a driver; the energy of the board comes from earlier values, or is missing."""
    with hanging() as (source, meter):
        with meter.window("epoch") as window:
            pass

        assert not source.answers.is_set()
    assert window.readings[BOARD].method is Method.COUNTER
    assert window.readings[OTHER].status is not Status.OK


@pytest.mark.slow
def test_a_meter_stops_although_a_board_hangs() -> None:
    """The thread of the hanging call is abandoned, and ends when the call returns."""
    with hanging() as (source, meter):
        meter.stop()

        assert not source.answers.is_set()


def test_a_board_that_has_hung_is_measured_again() -> None:
    """Once the call has returned, its windows are counted as before."""
    with hanging() as (source, meter):
        source.answers.set()

        def measured() -> Reading | None:
            with meter.window("epoch", devices=[OTHER]) as window:
                pass
            reading = window.readings[OTHER]
            return reading if reading.method is Method.COUNTER else None

        reading = waited_for(measured, "a window that is counted")

    assert reading.energy_j == pytest.approx(100 * reading.duration_s, rel=1e-6, abs=1e-8)


@final
class SlowBoard:
    """Eight boards of 100 W, the last of which is always in the middle of a slow call."""

    name, note, estimated, counter_persists = "slow", "what the test says", False, True

    def __init__(self) -> None:
        """Start with all boards answering at once."""
        self._all = ScriptedSource(
            MonotonicClock(),
            power_w=lambda _: 100.0,
            counter_j=lambda time_s: 100 * time_s,
            uuids=UUIDS,
        )
        self.devices, self.close = self._all.devices, self._all.close
        self.is_slow = threading.Event()
        self.is_asked = threading.Semaphore(0)
        self._may_answer = threading.Semaphore(0)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        if device_uuid == UUIDS[-1] and self.is_slow.is_set():
            self.is_asked.release()
            self._may_answer.acquire()
        return self._all.observe(device_uuid, counter=counter)

    def answer(self) -> None:
        """Let the present call return; the next one blocks again."""
        self._may_answer.release()

    def heal(self) -> None:
        """Let all calls return at once from now on."""
        self.is_slow.clear()
        self._may_answer.release(1000)


def test_a_slow_board_does_not_delay_windows_of_others() -> None:
    """While its calls are pending, windows of seven other boards open, close and are exact."""
    source = SlowBoard()
    with EnergyMeter(source, sampling_hz=50) as meter:
        source.is_slow.set()
        readings: list[Reading] = []
        for number in range(4):
            assert source.is_asked.acquire(timeout=PATIENCE_S)  # a call is pending all the time
            with meter.window(number, devices=UUIDS[:-1]) as window:
                pass
            readings += window.readings.values()
            source.answer()
        source.heal()

    assert len(readings) == 28
    for reading in readings:
        assert reading.method is Method.COUNTER
        # The thread may be suspended between clock and counter, for microseconds at 100 W.
        assert reading.energy_j == pytest.approx(100 * reading.duration_s, abs=1e-3)


@pytest.mark.slow
def test_a_slow_board_does_not_delay_others_in_its_window() -> None:
    """The others are read at the edges themselves, so their energy is exactly that of the window."""
    source = SlowBoard()
    with EnergyMeter(source, sampling_hz=50) as meter:
        source.is_slow.set()
        assert source.is_asked.acquire(timeout=PATIENCE_S)
        with meter.window("all") as window:
            pass
        source.heal()

    *others, slow = (window.readings[each] for each in UUIDS)
    assert slow.status is not Status.OK
    for reading in others:
        assert reading.method is Method.COUNTER
        # The thread may be suspended between clock and counter, for microseconds at 100 W.
        assert reading.energy_j == pytest.approx(100 * reading.duration_s, abs=1e-3)
