"""A meter over sensors that fail: readings lose coverage or are missing, and nothing raises."""

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
def test_a_time_that_is_none_is_refused_at_once(time_s: float) -> None:
    """Nothing is opened by it, and what was open can still be closed."""
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
    """Training that fails has used energy too."""
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
def test_sporadic_errors_cost_coverage_only(n: int) -> None:
    """Each n-th reading fails: the energy stays, and the status is never better than it is."""
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
    """The integral stands in, and the note says it."""
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


def test_a_device_lost_inside_a_window_degrades_it_and_ends_the_watch() -> None:
    """What was seen until then is told with its coverage; the next window is missing."""
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
    """Its counter's last word counts, with nothing added for the time after its end."""
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
def test_an_unforeseen_fault_is_told_once_and_ends_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A source that breaks its word costs a reading and one line, and no training."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0, fault=lambda _read, _now_s: error)
    meter = metered(source, clock)

    with caplog.at_level(logging.ERROR), meter.window("epoch") as window:
        run(meter, clock, 1.0)

    assert only(window.readings).status is Status.MISSING
    assert len(caplog.records) == 1
    assert "scripted: unexpected error" in caplog.text


@pytest.mark.parametrize("name", ["GPU-x", "process:1:GPU-x"])
def test_a_device_that_was_never_there_is_refused(name: str) -> None:
    """Its name is mistaken, and those that there are are told; no window is open after it."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0)
    meter = metered(source, clock)
    (there,) = (each.uuid for each in source.devices())

    with pytest.raises(UnknownDeviceError, match=f"no device '{name}'; there are {there}"):
        meter.open("epoch", devices=[name])

    assert meter.open_windows() == []
    with pytest.raises(UnknownDeviceError), meter.window("epoch", devices=[there, name]):
        pass
    with pytest.raises(UnknownDeviceError):
        meter.watch(name)


def test_who_cannot_know_what_is_there_gets_a_missing_reading() -> None:
    """As a tracker that has taken the place of one that had a board which is gone since."""
    clock = ManualClock()
    meter = metered(ScriptedSource(clock, power_w=lambda _: 100.0), clock)

    meter.open("epoch", devices=["GPU-x"], checked=False)
    run(meter, clock, 1.0)

    assert meter.close("epoch")["GPU-x"].status is Status.MISSING


def test_a_device_that_is_gone_is_a_missing_reading() -> None:
    """It was there when the meter was made: its name is right, and nothing is raised."""
    clock = ManualClock()
    is_gone: list[bool] = []

    def fault(_: int, __: float) -> DeviceLostError | None:
        return DeviceLostError("it fell off the bus") if is_gone else None

    source = ScriptedSource(clock, power_w=lambda _: 100.0, fault=fault)
    meter = metered(source, clock)
    (there,) = (each.uuid for each in source.devices())
    is_gone.append(True)
    run(meter, clock, 10.0)

    with meter.window("epoch", devices=[there]) as window:
        run(meter, clock, 1.0)

    assert window.readings[there].status is Status.MISSING


@pytest.mark.parametrize("sampling_hz", [0, -1, math.nan])
def test_a_rate_that_is_none_is_refused(sampling_hz: float) -> None:
    """The message says what was got and what is allowed."""
    with pytest.raises(ValueError, match="must be more than 0"):
        EnergyMeter(ScriptedSource(ManualClock()), sampling_hz=sampling_hz)


def test_a_source_that_exits_ends_no_training() -> None:
    """Carbontracker's `sys.exit` in its thread has ended trainings (its issue 44)."""
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
    """The machine's clock; whoever waits for it in the main thread is interrupted."""

    def now_s(self) -> float:
        """See `Clock`."""
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return time.monotonic()

    def wait(self, wake: threading.Event, duration_s: float) -> bool:
        """See `Clock`."""
        return wake.wait(duration_s)


def test_a_start_that_is_interrupted_closes_the_sources() -> None:
    """`with` ends nothing that it could not begin; in a notebook the process goes on."""
    source = ScriptedSource(ManualClock(), power_w=lambda _: 100.0)

    with pytest.raises(KeyboardInterrupt), EnergyMeter(source, clock=Interrupting()):
        pass

    assert source.closed == 1
