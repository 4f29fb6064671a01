"""A meter over hours, with threads, and in real time."""

import threading
import time

import pytest

from tests.trackers.meter.metered import PERIOD_S, energy_j, metered, only, run
from tests.trackers.scripted import BOARD, OTHER, ScriptedSource
from tests.waiting import waited_for
from trackers.clock import ManualClock, MonotonicClock
from trackers.meter.meter import LOG_LENGTH, EnergyMeter
from trackers.meter.watched_device import FORGET_EACH_S, KEPT_S
from trackers.sample import Reading, Status
from trackers.sources.recorded import RecordedSource


def test_the_log_names_the_innermost_window() -> None:
    """Each sample has the window that was opened last on its device, or None between windows."""
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
    """Number of samples that a meter keeps for its windows."""
    return sum(
        len(watched._trace)  # noqa: SLF001 - memory is internal
        for watched in meter._watched.values()  # noqa: SLF001
    )


@pytest.mark.slow
def test_memory_is_bounded_over_10_hours() -> None:
    """Neither the trace of a window that is always open nor the log grows without bound."""
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


@pytest.mark.slow
def test_no_drift_over_10_hours() -> None:
    """The energy of the last minute is as exact as that of the first one."""
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


def sampling_threads() -> int:
    """Number of threads of meters in this process."""
    return sum(thread.name == "energy-meter" for thread in threading.enumerate())


def test_the_thread_runs_while_the_block_does() -> None:
    """One thread samples during the block; after it the thread has ended and the source is closed."""
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


def test_a_block_is_measured_in_real_time() -> None:
    """On the clock of the machine, constant power gives power times the length of the block."""
    sampled_s: list[float] = []

    def power_w(time_s: float) -> float:
        sampled_s.append(time_s)
        return 100.0

    source = RecordedSource(power_w)
    with EnergyMeter(source, sampling_hz=100) as meter, meter.window("epoch") as window:
        start_s, before = time.monotonic(), len(sampled_s)
        waited_for(lambda: len(sampled_s) >= before + 3, "three samples")
        inside_s = time.monotonic() - start_s

    reading = only(window.readings)
    assert reading.duration_s >= inside_s
    assert energy_j(reading) == pytest.approx(100 * reading.duration_s, rel=1e-6, abs=1e-8)
    assert reading.power_samples >= 3


def test_windows_of_two_threads_are_independent() -> None:
    """Hundreds of windows from two threads, with sampling in a third one, each have P x their length."""
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
