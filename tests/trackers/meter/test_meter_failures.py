"""A meter with sensors that fail: readings lose coverage or are missing, and nothing is raised."""

import logging
import math
import threading
import time
from typing import final

import pytest

from tests.trackers.meter.metered import PERIOD_S, energy_j, metered, only, run
from tests.trackers.scripted import ScriptedSource, after, each
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError, UnknownDeviceError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Status
from trackers.sources.recorded import RecordedSource


@pytest.mark.parametrize("time_s", [math.nan, math.inf, "now"])
def test_an_invalid_time_is_refused_at_once(time_s: float) -> None:
    """No window is opened with it, and an open window can still be closed."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)
    meter.open("trial")

    with pytest.raises(ValueError, match=r"start_s is .*; allowed: a finite number of seconds"):
        meter.open("epoch", start_s=time_s)
    with pytest.raises(ValueError, match=r"stop_s is .*; allowed: a finite number of seconds"):
        meter.close("trial", stop_s=time_s)
    run(meter, clock, 1.0)

    assert meter.open_windows() == ["trial"]
    assert energy_j(only(meter.close("trial"))) == pytest.approx(100.0)


def test_an_exception_in_a_window_is_passed_on_and_measured() -> None:
    """A training that fails has used energy too."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)

    windows = []

    def epoch() -> None:
        with meter.window("epoch") as window:
            windows.append(window)
            run(meter, clock, 1.0)
            message = "out of memory"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="out of memory"):
        epoch()

    assert energy_j(only(windows[0].readings)) == pytest.approx(100.0)


@pytest.mark.parametrize("n", [2, 3, 7])
def test_sporadic_errors_cost_samples_only(n: int) -> None:
    """If each n-th reading fails, the energy stays right and the window stays covered."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0, fault=each(n, ReadError))
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 10.0)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(1000.0)
    assert reading.coverage > 0.9
    assert reading.power_samples < 10.0 / PERIOD_S


def test_a_counter_that_fails_at_an_edge_degrades() -> None:
    """The integral of the power is used instead, and the note says so."""
    clock = ManualClock()
    source = ScriptedSource(
        clock,
        power_w=lambda _: 100.0,
        counter_j=lambda time_s: 100 * time_s,
        fault=lambda _read, now_s: ReadError("timeout") if now_s == 5.0 else None,
    )
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 5.0)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(500.0)
    assert (reading.method, reading.status) == (Method.SAMPLED, Status.DEGRADED)
    assert "its power was integrated" in reading.note


def test_a_device_lost_during_a_window_degrades_it() -> None:
    """The coverage is that until the loss; the device is then hardly read, and the next window is missing."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0, fault=after(4.0, DeviceLostError))
    meter = metered(source, clock)

    with meter.window("lost in") as first:
        run(meter, clock, 10.0)
    reads = source.reads
    run(meter, clock, 10.0)
    with meter.window("lost before") as second:
        run(meter, clock, 1.0)

    reading = only(first.readings)
    assert reading.status is Status.DEGRADED
    assert reading.coverage == pytest.approx(0.4, abs=0.05)
    assert source.reads - reads < 10
    assert only(second.readings).energy_j is None
    assert only(second.readings).status is Status.MISSING


@pytest.mark.parametrize("estimated", [True, False])
def test_a_process_that_ends_inside_a_window_keeps_its_energy(*, estimated: bool) -> None:
    """The last value of its counter is used, and nothing is added for the time after its end."""
    clock = ManualClock()
    source = ScriptedSource(
        clock,
        counter_j=lambda time_s: 7 + 30 * time_s,
        fault=after(4.0, DeviceLostError),
        estimated=estimated,
    )
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 10.0)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(30 * (4.0 - PERIOD_S))
    assert reading.method is (Method.ESTIMATED if estimated else Method.COUNTER)
    assert reading.status is Status.DEGRADED
    assert reading.coverage == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("error", [OSError("bus"), ValueError("nan"), ZeroDivisionError()])
def test_an_unexpected_fault_is_logged_once_and_not_raised(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A source that breaks its contract costs a reading and one line in the log, but no training."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0, fault=lambda _read, _now_s: error)
    meter = metered(source, clock)

    with caplog.at_level(logging.ERROR), meter.window("epoch") as window:
        run(meter, clock, 1.0)

    assert only(window.readings).status is Status.MISSING
    assert len(caplog.records) == 1
    assert "scripted: unexpected error" in caplog.text


@pytest.mark.parametrize("name", ["GPU-x", "process:1:GPU-x"])
def test_an_unknown_device_is_refused(name: str) -> None:
    """The error has the known devices, and no window stays open."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0)
    meter = metered(source, clock)
    (known,) = (each.uuid for each in source.devices())

    with pytest.raises(UnknownDeviceError, match=f"no device '{name}'; there are {known}"):
        meter.open("epoch", devices=[name])

    assert meter.open_windows() == []
    with pytest.raises(UnknownDeviceError), meter.window("epoch", devices=[known, name]):
        pass
    with pytest.raises(UnknownDeviceError):
        meter.watch(name)


def test_an_unchecked_unknown_device_is_missing() -> None:
    """A tracker that replaces another may be asked for a board that is gone meanwhile."""
    clock = ManualClock()
    meter = metered(ScriptedSource(clock, power_w=lambda _: 100.0), clock)

    meter.open("epoch", devices=["GPU-x"], checked=False)
    run(meter, clock, 1.0)

    assert meter.close("epoch")["GPU-x"].status is Status.MISSING


def test_a_device_that_disappeared_is_missing() -> None:
    """It existed when the meter was created, so its name is valid and nothing is raised."""
    clock = ManualClock()
    is_gone: list[bool] = []

    def fault(_: int, __: float) -> DeviceLostError | None:
        return DeviceLostError("it fell off the bus") if is_gone else None

    source = ScriptedSource(clock, power_w=lambda _: 100.0, fault=fault)
    meter = metered(source, clock)
    (known,) = (each.uuid for each in source.devices())
    is_gone.append(True)
    run(meter, clock, 10.0)

    with meter.window("epoch", devices=[known]) as window:
        run(meter, clock, 1.0)

    assert window.readings[known].status is Status.MISSING


@pytest.mark.parametrize("sampling_hz", [0, -1, math.nan])
def test_an_invalid_sampling_rate_is_refused(sampling_hz: float) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValueError, match="must be more than 0"):
        EnergyMeter(ScriptedSource(ManualClock()), sampling_hz=sampling_hz)


def test_sys_exit_in_a_source_ends_no_training() -> None:
    """A `sys.exit` in the thread of Carbontracker has ended trainings (its issue 44)."""
    clock = ManualClock()
    source = ScriptedSource(
        clock, power_w=lambda _: 100.0, fault=lambda read, _: SystemExit(70) if read > 1 else None
    )
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 1.0)

    assert only(window.readings).status is not Status.OK


@final
class Interrupting:
    """The clock of the machine, which interrupts the main thread when it asks for the time."""

    def now_s(self) -> float:
        """See `Clock`."""
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return time.monotonic()

    def wait(self, wake: threading.Event, duration_s: float) -> bool:
        """See `Clock`."""
        return wake.wait(duration_s)


def test_an_interrupted_start_closes_the_sources() -> None:
    """`with` does not exit what it failed to enter, and in a notebook the process lives on."""
    source = ScriptedSource(ManualClock(), power_w=lambda _: 100.0)

    with pytest.raises(KeyboardInterrupt), EnergyMeter(source, clock=Interrupting()):
        pass

    assert source.closed == 1
