"""Energy estimated as CPU seconds x watts."""

import os
import time
from pathlib import Path

import psutil
import pytest

from tests.trackers.sources.cpu.programs import BURNT_S, child, line
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, process_device
from trackers.sources.cpu.cpu_estimate import CpuEstimateSource
from trackers.sources.cpu.cpu_times import machine_busy_seconds
from trackers.sources.cpu.process_tree import ProcessTree


def test_a_process_that_has_ended_is_a_lost_device() -> None:
    """Every later reading fails, and so does a new process tree."""
    source = CpuEstimateSource()
    with child("wait()") as process:
        target = process_device(process.pid)
        source.observe(target, counter=True)

    for _ in range(2):
        with pytest.raises(DeviceLostError, match=f"process {process.pid} has ended"):
            source.observe(target, counter=True)
    with pytest.raises(DeviceLostError, match=f"process {process.pid} has ended"):
        ProcessTree(process.pid)


def test_the_estimate_is_cpu_seconds_times_watts() -> None:
    """The watts are the machine's rated ones, divided by its number of CPUs."""
    cpus = os.cpu_count() or 1
    source = CpuEstimateSource(cpu_watts=7.0 * cpus)
    target = process_device(os.getpid())
    first = source.observe(target, counter=True)
    used_s = time.process_time()
    until_s = time.process_time() + 0.3
    while time.process_time() < until_s:
        pass
    used_s = time.process_time() - used_s

    last = source.observe(target, counter=True)

    assert first.counter_j is not None
    assert last.counter_j is not None
    assert last.counter_j - first.counter_j == pytest.approx(7.0 * used_s, rel=0.2)


@pytest.mark.slow
def test_the_machine_counts_what_its_processes_use() -> None:
    """The machine's counter rises by at least what one busy process has used."""
    source = CpuEstimateSource(cpu_watts=float(os.cpu_count() or 1))
    (machine,) = source.devices()
    first = source.observe(machine.uuid, counter=True)

    with child("burn(); say_used(); wait()") as process:
        line(process)
    last = source.observe(machine.uuid, counter=True)

    assert machine.component is Component.CPU
    assert first.counter_j is not None
    assert last.counter_j is not None
    assert last.counter_j - first.counter_j >= 0.8 * BURNT_S


def test_the_note_tells_where_the_watts_come_from() -> None:
    """A default is called a default; the user's watts are named after their option."""
    unknown = CpuEstimateSource(cpu_name="AMD EPYC 7B13 64-Core Processor").note
    of_the_chip = CpuEstimateSource(cpu_name="AMD Ryzen 5 5600X 6-Core Processor").note

    assert "x 5 W for each" in unknown
    assert "a default: no rating of AMD EPYC 7B13 64-Core Processor is published" in unknown
    assert "a default: a chip is rated at 65 W (CodeCarbon 3.3.2, cpu_power.csv)" in of_the_chip
    assert "give --cpu-watts 65" in of_the_chip
    assert "--cpu-watts" in CpuEstimateSource(cpu_watts=100).note


@pytest.mark.parametrize("device_uuid", ["GPU-1", "process:", "process:all", "process:-1", "", "1"])
def test_what_is_no_process_is_unknown(device_uuid: str) -> None:
    """Anything but this machine and a process number is refused; the message says what is known."""
    with pytest.raises(UnknownDeviceError, match="shares of processes in it"):
        CpuEstimateSource().observe(device_uuid, counter=True)


def test_a_known_model_has_its_rating() -> None:
    """Without --cpu-watts the model's rating is used; the note names model and source."""
    source = CpuEstimateSource(cpu_name="AMD EPYC 7763 64-Core Processor")

    (machine,) = source.devices()

    assert machine.power_limit_w == pytest.approx(280 / 128 * (os.cpu_count() or 1))
    assert "AMD EPYC 7763: 280 W for 128 threads" in source.note
    assert "product specifications" in source.note


def test_idle_power_is_shared_equally_among_those_measured() -> None:
    """One process alone has all of it, and two have half each, until one of them is seen to have ended."""
    clock = ManualClock()
    cpus = os.cpu_count() or 1
    source = CpuEstimateSource(cpu_watts=1000.0 * cpus, cpu_idle_watts=100.0, clock=clock)

    def counters_j(*targets: str) -> list[float]:
        return [source.observe(each, counter=True).counter_j or 0.0 for each in targets]

    with child("wait()") as one:
        first = process_device(one.pid)
        (start_j,) = counters_j(first)
        clock.advance(10.0)
        (alone_j,) = counters_j(first)
        with child("wait()") as other:
            second = process_device(other.pid)
            counters_j(second)
            clock.advance(10.0)
            together_j = counters_j(first, second)
            clock.advance(10.0)
            last_j = counters_j(first, second)
        with pytest.raises(DeviceLostError):
            counters_j(second)
        clock.advance(10.0)
        (alone_again_j,) = counters_j(first)

    # A process that waits uses a few milliseconds of CPU time, here at 1 kW.
    assert alone_j - start_j == pytest.approx(1000.0, abs=100)
    assert together_j[0] - alone_j == pytest.approx(500.0, abs=100)
    assert last_j[1] - together_j[1] == pytest.approx(500.0, abs=100)
    assert alone_again_j - last_j[0] == pytest.approx(1000.0, abs=100)


def test_the_machine_draws_between_idle_and_rated_watts() -> None:
    """At full load the estimate is the rated power, not the rated and the idle power."""
    clock = ManualClock()
    source = CpuEstimateSource(cpu_watts=50.0, cpu_idle_watts=49.0, clock=clock)
    (machine,) = source.devices()
    start = source.observe(machine.uuid, counter=True)

    clock.advance(1000.0)
    stop = source.observe(machine.uuid, counter=True)

    assert machine.power_limit_w == 50.0
    assert start.counter_j is not None
    assert stop.counter_j is not None
    assert stop.counter_j - start.counter_j == pytest.approx(49_000, rel=0.01)
    assert "49 W idle (--cpu-idle-watts)" in source.note


def test_idle_watts_must_be_below_rated_watts() -> None:
    """The message has both numbers."""
    with pytest.raises(SourceUnavailableError, match="60 W when idle and 50 W at full load"):
        CpuEstimateSource(cpu_watts=50.0, cpu_idle_watts=60.0)


def test_a_machine_that_hides_its_cpu_time_is_a_failed_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Android, for example, the CPU time of the whole machine cannot be read; that of a process can."""
    source = CpuEstimateSource(cpu_watts=10.0)
    (machine,) = source.devices()
    for folder in Path("/proc").iterdir():
        if folder.name != "stat":
            (tmp_path / folder.name).symlink_to(folder)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))

    with pytest.raises(ReadError, match="CPU time of this machine cannot be read"):
        source.observe(machine.uuid, counter=True)
    with pytest.raises(ReadError, match="CPU time of this machine cannot be read"):
        machine_busy_seconds()
    assert source.observe(process_device(os.getpid()), counter=True).counter_j is not None
