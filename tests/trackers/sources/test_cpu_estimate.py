"""CPU time of real processes."""

import os
import platform
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.waiting import waited_for
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, process_device
from trackers.sources.cpu_estimate import (
    CHILDREN_REFRESH_S,
    CpuEstimateSource,
    ProcessTree,
    descendants,
)
from trackers.sources.cpu_share import machine_busy_seconds

BURNT_S = 0.5
WORDS = f"""
import os, sys, time

def burn(seconds={BURNT_S}):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass

def say(what):
    print(what, flush=True)

def say_used():
    say(time.process_time())

def wait():
    sys.stdin.readline()
"""


@contextmanager
def child(program: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs a program; it and its children are ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORDS + textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a process writes."""
    assert process.stdout is not None
    return process.stdout.readline()


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a process that waits go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_busy_process_is_counted_by_its_cpu_seconds() -> None:
    """What is counted between two moments is what the process says it has used between them."""
    with child("say_used(); wait(); burn(); say_used(); wait()") as process:
        used_before_s = float(line(process))
        tree = ProcessTree(process.pid)
        before_s = tree.cpu_seconds()

        go_on(process)
        used_s = float(line(process)) - used_before_s
        counted_s = tree.cpu_seconds() - before_s

    assert used_s >= BURNT_S
    assert counted_s == pytest.approx(used_s, rel=0.2)


def test_a_waiting_process_uses_nothing() -> None:
    """It is CPU time that is counted, and not time."""
    with child("say_used(); wait()") as process:
        line(process)
        tree = ProcessTree(process.pid)
        time.sleep(0.05)
        before_s = tree.cpu_seconds()

        time.sleep(0.3)

        assert tree.cpu_seconds() - before_s < 0.1


def test_children_of_children_are_counted_while_they_run() -> None:
    """Data loaders start workers of their own: all that run below the process are in its sum."""
    program = """
        if os.fork() == 0:
            if os.fork() == 0:
                burn()
                say_used()
            time.sleep(60)
        time.sleep(60)
        """
    with child(program) as process:
        used_s = float(line(process))

        counted_s = ProcessTree(process.pid).cpu_seconds()

    assert used_s >= BURNT_S
    assert counted_s >= 0.8 * used_s


def test_children_that_have_ended_stay_counted() -> None:
    """The time of a child goes over to its parent when it ends; the sum does not fall."""
    program = """
        pid = os.fork()
        if pid == 0:
            burn()
            say("done")
            wait()
            os._exit(0)
        os.waitpid(pid, 0)
        say("waited for")
        time.sleep(60)
        """
    with child(program) as process:
        assert line(process) == "done\n"
        tree = ProcessTree(process.pid)
        running_s = tree.cpu_seconds()

        go_on(process)
        assert line(process) == "waited for\n"
        ended_s = tree.cpu_seconds()

    assert running_s >= 0.8 * BURNT_S
    assert running_s <= ended_s <= running_s + 0.2


FORKS_WHEN_TOLD = """
    say("up")
    wait()
    if os.fork() == 0:
        burn()
        say("done")
    time.sleep(60)
    """


@pytest.mark.skipif(platform.system() != "Linux", reason="no other system tells the newest process")
def test_a_new_child_is_found_at_once() -> None:
    """Its time is of the window in which it was used, and not of the one that finds it."""
    clock = ManualClock()
    with child(FORKS_WHEN_TOLD) as process:
        line(process)
        tree = ProcessTree(process.pid, clock=clock)
        before_s = tree.cpu_seconds()
        go_on(process)
        line(process)

        assert tree.cpu_seconds() - before_s >= 0.8 * BURNT_S


def test_where_the_system_does_not_tell_children_are_found_after_a_while() -> None:
    """The machine is looked through each second, by the clock that is passed in."""
    clock = ManualClock()
    with child(FORKS_WHEN_TOLD) as process:
        line(process)
        tree = ProcessTree(process.pid, clock=clock, newest=lambda: None)
        before_s = tree.cpu_seconds()
        go_on(process)
        line(process)

        unseen_s = tree.cpu_seconds() - before_s
        clock.advance(CHILDREN_REFRESH_S)
        seen_s = tree.cpu_seconds() - before_s

    assert unseen_s < 0.5 * BURNT_S
    assert seen_s >= 0.8 * BURNT_S


@pytest.mark.slow
def test_workers_that_live_on_are_in_the_epochs_in_which_they_work() -> None:
    """As those of a DataLoader: started in the first epoch, and busy in each."""
    program = """
        workers = []
        for _ in range(2):
            into, out = os.pipe(), os.pipe()
            pid = os.fork()
            if pid == 0:
                while True:
                    os.read(into[0], 1)
                    burn(0.3)
                    os.write(out[1], b".")
            workers.append((into[1], out[0]))
            say("started")
            wait()
        for _ in range(3):
            for into, _ in workers:
                os.write(into, b".")
            for _, out in workers:
                os.read(out, 1)
            say("epoch")
            wait()
        """
    with child(program) as process:
        tree = ProcessTree(process.pid)
        epochs_s, before_s = [], tree.cpu_seconds()
        for _ in range(2):
            line(process)
            go_on(process)
        for _ in range(3):
            line(process)
            now_s = tree.cpu_seconds()
            epochs_s.append(now_s - before_s)
            before_s = now_s
            go_on(process)

    assert epochs_s == pytest.approx([0.6, 0.6, 0.6], abs=0.15)


def test_cpu_time_never_falls() -> None:
    """Whatever children come and go, the sum only rises."""
    program = """
        while True:
            pid = os.fork()
            if pid == 0:
                burn(0.02)
                os._exit(0)
            os.waitpid(pid, 0)
        """
    clock = ManualClock()
    with child(program) as process:
        tree = ProcessTree(process.pid, clock=clock)

        counted_s = [tree.cpu_seconds()]

        def has_risen() -> bool:
            clock.advance(CHILDREN_REFRESH_S)
            counted_s.append(tree.cpu_seconds())
            return counted_s[-1] > counted_s[0]

        for _ in range(200):
            has_risen()
        waited_for(has_risen, "CPU time of children")

    assert counted_s == sorted(counted_s)


def test_a_process_that_has_ended_is_a_lost_device() -> None:
    """It stays lost, and whoever looks for the first time is told the same."""
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
    """Rated watts of the machine, a share for each CPU, times CPU seconds of the process."""
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
    """A default is called a default; what the user gave is named after its option."""
    unknown = CpuEstimateSource(cpu_name="AMD EPYC 7B13 64-Core Processor").note
    of_the_chip = CpuEstimateSource(cpu_name="AMD Ryzen 5 5600X 6-Core Processor").note

    assert "x 5 W for each" in unknown
    assert "a default: no rating of AMD EPYC 7B13 64-Core Processor is published" in unknown
    assert "a default: a chip is rated at 65 W (CodeCarbon 3.3.2, cpu_power.csv)" in of_the_chip
    assert "give --cpu-watts 65" in of_the_chip
    assert "--cpu-watts" in CpuEstimateSource(cpu_watts=100).note


@pytest.mark.parametrize("device_uuid", ["GPU-1", "process:", "process:all", "process:-1", "", "1"])
def test_what_is_no_process_is_unknown(device_uuid: str) -> None:
    """Anything but this machine and a process number is refused with what is known."""
    with pytest.raises(UnknownDeviceError, match="shares of processes in it"):
        CpuEstimateSource().observe(device_uuid, counter=True)


def test_a_known_model_has_its_rating() -> None:
    """Without --cpu-watts the model's rating holds, and the note names model and source."""
    source = CpuEstimateSource(cpu_name="AMD EPYC 7763 64-Core Processor")

    (machine,) = source.devices()

    assert machine.power_limit_w == pytest.approx(280 / 128 * (os.cpu_count() or 1))
    assert "AMD EPYC 7763: 280 W for 128 threads" in source.note
    assert "product specifications" in source.note


def test_idle_power_is_shared_equally_among_those_measured() -> None:
    """One alone has all of it; two have a half each; a process that has ended has none."""
    clock = ManualClock()
    cpus = os.cpu_count() or 1
    source = CpuEstimateSource(cpu_watts=1000.0 * cpus, cpu_idle_watts=100.0, clock=clock)

    def both(*targets: str) -> list[float]:
        return [source.observe(each, counter=True).counter_j or 0.0 for each in targets]

    with child("wait()") as one, child("wait()") as other:
        first, second = process_device(one.pid), process_device(other.pid)
        (start_j,) = both(first)
        clock.advance(10.0)
        (alone_j,) = both(first)
        both(second)
        clock.advance(10.0)
        together_j = both(first, second)
        clock.advance(10.0)
        last_j = both(first, second)

    # A process that waits uses a few milliseconds of CPU time, here at 1 kW.
    assert alone_j - start_j == pytest.approx(1000.0, abs=100)
    assert together_j[0] - alone_j == pytest.approx(500.0, abs=100)
    assert last_j[1] - together_j[1] == pytest.approx(500.0, abs=100)


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
    """Such a pair is refused with both numbers and where the rating came from."""
    with pytest.raises(SourceUnavailableError, match="60 W when idle and 50 W at full load"):
        CpuEstimateSource(cpu_watts=50.0, cpu_idle_watts=60.0)


def test_children_that_may_not_be_known_are_none() -> None:
    """Where `/proc` is closed (hidepid), looking at all processes of the machine is forbidden."""

    class Hidden:
        pid = 2**22 + 1  # more than there are: its own lists are not there

        def children(self, *, recursive: bool) -> list[psutil.Process]:
            raise PermissionError(1, "Operation not permitted", "/proc/1/stat", recursive)

    assert descendants(Hidden()) == []  # type: ignore[arg-type]  # as much of a process as is asked


def test_a_machine_that_hides_its_cpu_time_is_a_failed_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Android: of the whole machine nothing is known, and the share of a process still is."""
    source = CpuEstimateSource(cpu_watts=10.0)
    (machine,) = source.devices()
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))

    with pytest.raises(ReadError, match="CPU time of this machine cannot be read"):
        source.observe(machine.uuid, counter=True)
    with pytest.raises(ReadError, match="CPU time of this machine cannot be read"):
        machine_busy_seconds()
