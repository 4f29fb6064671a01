"""The meter on sensors whose energy is known in closed form."""

import logging
import math
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trackers.scripted import BOARD, OTHER, ScriptedSource, after, each
from tests.waiting import waited_for
from trackers.clock import Clock, ManualClock, MonotonicClock
from trackers.errors import DeviceLostError, ReadError
from trackers.meter.meter import LOG_LENGTH, EnergyMeter
from trackers.meter.watched_device import FORGET_EACH_S, KEPT_S
from trackers.sample import Method, Reading, Status
from trackers.source import PowerSource
from trackers.sources.detect import Detection
from trackers.sources.recorded import RecordedSource

PERIOD_S = 0.125
"""A power of two, so that sums of it are exact."""


def metered(source: PowerSource, clock: Clock) -> EnergyMeter:
    """A meter that watches all devices and is sampled by the test, without a thread."""
    meter = EnergyMeter(source, sampling_hz=1 / PERIOD_S, clock=clock)
    for device in source.devices():
        meter.watch(device.uuid)
    return meter


def run(meter: EnergyMeter, clock: ManualClock, duration_s: float) -> None:
    """Let time pass and sample each period, as the thread would."""
    for _ in range(round(duration_s / PERIOD_S)):
        clock.advance(PERIOD_S)
        meter.sample()


def energy_j(reading: Reading) -> float:
    """The energy of a reading that has one."""
    assert reading.energy_j is not None, reading.note
    return reading.energy_j


def only(readings: dict[str, Reading]) -> Reading:
    """The reading of the one device."""
    (reading,) = readings.values()
    return reading


@given(
    power_w=st.floats(min_value=0, max_value=700), periods=st.integers(min_value=1, max_value=200)
)
def test_constant_power_is_power_times_time(power_w: float, periods: int) -> None:
    """P x t, ok, covered."""
    clock = ManualClock(1000.0)
    meter = metered(RecordedSource(lambda _: power_w, clock=clock), clock)

    with meter.window("epoch") as window:
        run(meter, clock, periods * PERIOD_S)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(power_w * periods * PERIOD_S)
    assert (reading.method, reading.status) == (Method.SAMPLED, Status.OK)
    assert (reading.start_s, reading.coverage) == (1000.0, 1.0)
    assert reading.duration_s == periods * PERIOD_S


def test_a_ramp_is_met_exactly() -> None:
    """Each sample stands for the time around it, so that a slope is seen neither early nor late."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda time_s: 10 * time_s, clock=clock), clock)

    with meter.window("epoch") as window:
        run(meter, clock, 20.0)

    assert energy_j(only(window.readings)) == pytest.approx(10 * 20.0**2 / 2)


@given(step_s=st.floats(min_value=0.5, max_value=2.5))
def test_a_step_is_met_to_half_a_period(step_s: float) -> None:
    """60 W, then 300 W; exactly where it lies half-way between two samples."""
    clock = ManualClock()
    meter = metered(
        RecordedSource(lambda time_s: 60 if time_s < step_s else 300, clock=clock), clock
    )

    with meter.window("epoch") as window:
        run(meter, clock, 3.0)

    truth_j = 60 * step_s + 300 * (3 - step_s)
    from_middle_s = abs((step_s / PERIOD_S) % 1 - 0.5) * PERIOD_S
    error_j = abs(energy_j(only(window.readings)) - truth_j)
    assert error_j == pytest.approx((300 - 60) * from_middle_s, abs=1e-6)


def test_a_counter_is_met_exactly_whatever_lies_between_samples() -> None:
    """Bursts that no sample sees are in the counter, and so in the reading."""
    clock = ManualClock()
    source = ScriptedSource(
        clock, power_w=lambda _: 60.0, counter_j=lambda time_s: 1e6 + 70 * time_s
    )
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 3.0)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(210.0)
    assert reading.method is Method.COUNTER
    assert meter.method(BOARD) is Method.COUNTER


def test_a_counter_is_asked_for_at_edges_only() -> None:
    """Polling a counter fast makes some boards' counters wrong."""
    asked: list[float] = []

    def counter_j(time_s: float) -> float:
        asked.append(time_s)
        return 60 * time_s

    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 60.0, counter_j=counter_j)
    meter = metered(source, clock)

    with meter.window("epoch"):
        run(meter, clock, 3.0)

    assert set(asked) == {0.0, 3.0}


def test_a_source_with_a_counter_only_has_power_too() -> None:
    """Its power is the counter's rise, so that the log and the integral know it."""
    clock = ManualClock()
    source = ScriptedSource(clock, counter_j=lambda time_s: 50 * time_s)
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 3.0)

    assert energy_j(only(window.readings)) == pytest.approx(150.0)
    log = meter.take_log()
    assert len(log) == 3.0 / PERIOD_S
    assert {round(sample.power_w, 6) for sample in log} == {50.0}


def test_power_is_not_made_of_two_readings_close_together() -> None:
    """A counter that rises in steps, asked twice in a millisecond, gives no spike of kilowatts."""
    clock = ManualClock()
    source = ScriptedSource(clock, counter_j=lambda time_s: 50 * round(time_s, 2))
    meter = metered(source, clock)

    for _ in range(100):
        with meter.window("short"):
            clock.advance(0.006)
        clock.advance(0.019)
        meter.sample()

    assert max(sample.power_w for sample in meter.take_log()) < 60


def test_windows_nest_and_overlap() -> None:
    """Each has its own energy, whichever opens and closes first."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda time_s: 10 * time_s, clock=clock), clock)

    meter.open("outer")
    run(meter, clock, 1.0)
    meter.open("inner")
    run(meter, clock, 1.0)
    meter.open("across")
    run(meter, clock, 1.0)
    inner = only(meter.close("inner"))
    run(meter, clock, 1.0)
    outer = only(meter.close("outer"))
    across = only(meter.close("across"))

    assert energy_j(inner) == pytest.approx(15 + 25)
    assert energy_j(outer) == pytest.approx(5 + 15 + 25 + 35)
    assert energy_j(across) == pytest.approx(25 + 35)


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=10))
def test_epochs_add_up_to_the_trial(cuts: list[int]) -> None:
    """Windows in a row have the energy of the one around them."""
    clock = ManualClock()
    meter = metered(
        RecordedSource(lambda time_s: 100 + 50 * math.sin(7 * time_s), clock=clock), clock
    )

    epochs = []
    meter.open("trial")
    for number, periods in enumerate(cuts):
        with meter.window(number) as window:
            run(meter, clock, periods * PERIOD_S)
        epochs.append(only(window.readings))
    trial = only(meter.close("trial"))

    assert math.fsum(map(energy_j, epochs)) == pytest.approx(energy_j(trial))


def test_each_device_has_its_own_reading() -> None:
    """All devices where none is named; only the named ones else."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0, uuids=(BOARD, OTHER))
    meter = metered(source, clock)

    with meter.window("all") as both, meter.window("one", devices=[OTHER]) as one:
        run(meter, clock, 1.0)

    assert set(both.readings) == {BOARD, OTHER}
    assert set(one.readings) == {OTHER}


def test_a_window_that_began_a_moment_ago_has_all_its_energy() -> None:
    """The one who opens it may be another process, whose message took 50 ms."""
    clock = ManualClock()
    meter = metered(
        ScriptedSource(clock, power_w=lambda _: 80.0, counter_j=lambda time_s: 80 * time_s), clock
    )
    run(meter, clock, 1.0)

    start_s = clock.now_s()
    clock.advance(0.05)
    meter.open("epoch", start_s=start_s)
    run(meter, clock, 1.0)
    stop_s = clock.now_s()
    clock.advance(0.05)
    reading = only(meter.close("epoch", stop_s=stop_s))

    assert energy_j(reading) == pytest.approx(80 * (stop_s - start_s))
    assert (reading.method, reading.status) == (Method.COUNTER, Status.OK)


def test_a_window_of_the_same_key_is_refused_in_words() -> None:
    """The one that is open stays as it is; its user is not told half of its energy in silence."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)

    meter.open("epoch")
    run(meter, clock, 1.0)
    with pytest.raises(ValueError, match="'epoch' is open already; close it first"):
        meter.open("epoch")
    run(meter, clock, 1.0)

    assert energy_j(only(meter.close("epoch"))) == pytest.approx(200.0)
    assert meter.open_windows() == []


def test_closing_what_is_not_open_is_harmless() -> None:
    """It has no readings."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)
    meter.open("epoch")
    meter.close("epoch")

    assert meter.close("epoch") == {}
    assert meter.close("never opened") == {}


@pytest.mark.parametrize("time_s", [math.nan, math.inf, "now"])
def test_a_time_that_is_none_is_refused_at_once(time_s: float) -> None:
    """Nothing is opened by it, and what was open can still be closed."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)
    meter.open("trial")

    with pytest.raises(ValueError, match=r"start_s is .*; allowed is a finite number of seconds"):
        meter.open("epoch", start_s=time_s)
    with pytest.raises(ValueError, match=r"stop_s is .*; allowed is a finite number of seconds"):
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
    assert "scripted: unforeseen fault" in caplog.text


def test_an_unknown_device_is_a_missing_reading() -> None:
    """A window on a device that is not there says so and raises nothing."""
    clock = ManualClock()
    meter = metered(ScriptedSource(clock, power_w=lambda _: 100.0), clock)

    with meter.window("epoch", devices=["GPU-x"]) as window:
        run(meter, clock, 1.0)

    assert window.readings["GPU-x"].status is Status.MISSING


def test_the_log_names_the_innermost_window() -> None:
    """Each sample with the window that was opened last on its device; None between windows."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda time_s: time_s, uuids=(BOARD, OTHER))
    meter = metered(source, clock)
    meter.take_log()

    run(meter, clock, PERIOD_S)
    meter.open("trial", devices=[BOARD])
    run(meter, clock, PERIOD_S)
    meter.open("epoch", devices=[BOARD])
    run(meter, clock, PERIOD_S)
    meter.close("epoch")
    run(meter, clock, PERIOD_S)
    meter.close("trial")
    log = meter.take_log()

    assert [sample.window for sample in log if sample.device_uuid == BOARD] == [
        None,
        "trial",
        "epoch",
        "trial",
    ]
    assert {sample.window for sample in log if sample.device_uuid == OTHER} == {None}
    assert all(sample.power_w == sample.time_s for sample in log)
    assert meter.take_log() == []


def traced_samples(meter: EnergyMeter) -> int:
    """Samples that a meter keeps for its windows."""
    return sum(
        len(watched._trace)  # noqa: SLF001 - memory is inside
        for watched in meter._watched.values()  # noqa: SLF001
    )


@pytest.mark.slow
def test_memory_is_bounded_over_10_hours() -> None:
    """Neither the trace of a window that is open all the time nor the log grows without end."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda time_s: 100 + time_s % 60)
    meter = EnergyMeter(source, sampling_hz=10, clock=clock)
    meter.watch(BOARD)
    most = round(10 * (KEPT_S + FORGET_EACH_S)) + 10

    meter.open("trial")
    kept = []
    for _ in range(600):
        with meter.window("epoch"):
            for _ in range(600):
                clock.advance(0.1)
                meter.sample()
        kept.append(traced_samples(meter))
    trial = only(meter.close("trial"))

    assert max(kept) <= most
    assert len(meter.take_log()) == LOG_LENGTH
    assert trial.power_samples == 360_001
    assert energy_j(trial) == pytest.approx(130 * 36_000, rel=0.001)
    assert trial.status is Status.OK


def test_no_drift_over_10_hours() -> None:
    """The last minute's energy of 10 hours is as exact as the first one's."""
    clock = ManualClock(1e6)
    meter = EnergyMeter(RecordedSource(lambda _: 123.4, clock=clock), sampling_hz=1, clock=clock)

    minutes = []
    for _ in range(600):
        with meter.window("minute") as window:
            for _ in range(60):
                clock.advance(1.0)
                meter.sample()
        minutes.append(energy_j(only(window.readings)))

    assert minutes == pytest.approx([123.4 * 60] * 600, rel=1e-9)


def test_mean_power_is_known_where_it_was_watched() -> None:
    """For idle power: the mean of a stretch, None for one that was not seen or has no length."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda time_s: 10 * time_s, clock=clock), clock)
    uuid = "recorded:function"

    run(meter, clock, 2.0)

    assert meter.mean_power_w(uuid, 0.0, 2.0) == pytest.approx(10.0)
    assert meter.mean_power_w(uuid, 1.0, 2.0) == pytest.approx(15.0)
    assert meter.mean_power_w(uuid, 1.0, 1.0) is None
    assert meter.mean_power_w(uuid, -10.0, 2.0) is None
    assert meter.mean_power_w("GPU-x", 0.0, 2.0) is None


@pytest.mark.parametrize("sampling_hz", [0, -1, math.nan])
def test_a_rate_that_is_none_is_refused(sampling_hz: float) -> None:
    """The message says what was got and what is allowed."""
    with pytest.raises(ValueError, match="must be more than 0"):
        EnergyMeter(ScriptedSource(ManualClock()), sampling_hz=sampling_hz)


def sampling_threads() -> int:
    """Threads of meters in this process."""
    return sum(thread.name == "energy-meter" for thread in threading.enumerate())


def test_the_thread_begins_and_ends_with_the_block() -> None:
    """One thread samples while the block runs; after it there is none, and the source is closed."""
    source = ScriptedSource(MonotonicClock(), power_w=lambda _: 100.0)
    before = sampling_threads()

    with EnergyMeter(source, sampling_hz=200) as meter:
        inside = sampling_threads()
        reads = source.reads
        waited_for(lambda: source.reads >= reads + 5, "five samples")
    meter.stop()

    assert inside == before + 1
    assert sampling_threads() == before
    assert source.closed >= 1


def test_a_real_block_is_measured() -> None:
    """On the machine's clock: constant power is power times the block's own length."""
    asked_s: list[float] = []

    def power_w(time_s: float) -> float:
        asked_s.append(time_s)
        return 100.0

    source = RecordedSource(power_w)
    with EnergyMeter(source, sampling_hz=100) as meter, meter.window("epoch") as window:
        start_s, already = time.monotonic(), len(asked_s)
        waited_for(lambda: len(asked_s) >= already + 3, "three samples")
        inside_s = time.monotonic() - start_s

    reading = only(window.readings)
    assert reading.duration_s >= inside_s
    assert energy_j(reading) == pytest.approx(100 * reading.duration_s, rel=1e-6, abs=1e-8)
    assert reading.power_samples >= 3


def test_windows_of_two_threads_do_not_disturb_each_other() -> None:
    """Hundreds of windows from two threads beside the sampling: each is P x its own length."""
    found: dict[str, list[Reading]] = {"a": [], "b": []}

    with EnergyMeter(RecordedSource(lambda _: 100.0), sampling_hz=500) as meter:

        def work(name: str) -> None:
            for number in range(200):
                with meter.window((name, number)) as window:
                    time.sleep(0.0005)
                found[name].append(only(window.readings))

        threads = [threading.Thread(target=work, args=(name,)) for name in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert meter.open_windows() == []
    readings = [*found["a"], *found["b"]]
    assert len(readings) == 400
    assert all(
        energy_j(reading) == pytest.approx(100 * reading.duration_s, rel=1e-6, abs=1e-8)
        for reading in readings
    )


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


def test_what_was_detected_can_be_metered_as_it_is() -> None:
    """`EnergyMeter(detect())` is all that another project needs."""
    source = ScriptedSource(ManualClock(), power_w=lambda _: 100.0)

    assert EnergyMeter(Detection(sources=(source,), refused={})).sources == (source,)
