"""CPU seconds of a process and of all its descendants."""

import platform
import subprocess
import time

import psutil
import pytest

from tests.trackers.sources.cpu.programs import BURNT_S, child, line
from tests.waiting import waited_for
from trackers.clock import ManualClock
from trackers.sources.cpu.process_tree import (
    CHILDREN_REFRESH_S,
    ProcessTree,
    descendants,
)


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a process that waits for input continue."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
def test_a_busy_process_is_counted_by_its_cpu_seconds() -> None:
    """The CPU seconds counted are those that the process itself says it has used."""
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
    """CPU time is counted, not elapsed time."""
    with child("say_used(); wait()") as process:
        line(process)
        tree = ProcessTree(process.pid)
        time.sleep(0.05)
        before_s = tree.cpu_seconds()

        time.sleep(0.3)

        assert tree.cpu_seconds() - before_s < 0.1


@pytest.mark.slow
def test_children_of_children_are_counted_while_they_run() -> None:
    """Data loaders start workers of their own, so all descendants are included."""
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


@pytest.mark.slow
def test_children_that_have_ended_stay_counted() -> None:
    """The time of a child passes to its parent when it ends; the sum does not fall."""
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


ORPHAN = """
    pid = os.fork()
    if pid == 0:
        parent = os.getpid()
        if os.fork() == 0:
            burn()
            say("done")
            while os.getppid() == parent:
                time.sleep(0.01)
            ENDS
        time.sleep(60)
    import signal
    wait()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    if os.fork() == 0:
        os._exit(0)
    say("killed")
    burn()
    say("burnt")
    time.sleep(60)
    """


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["os._exit(0)", "time.sleep(60)"])
def test_an_orphans_time_stays_counted_and_hides_no_later_time(ends: str) -> None:
    """When a shell is killed, its child's time is passed to no process, but stays in the sum."""
    with child(ORPHAN.replace("ENDS", ends)) as process:
        assert line(process) == "done\n"
        tree = ProcessTree(process.pid)
        before_s = tree.cpu_seconds()
        go_on(process)
        assert line(process) == "killed\n"
        killed_s = tree.cpu_seconds()
        assert line(process) == "burnt\n"
        burnt_s = tree.cpu_seconds()

    assert before_s >= 0.8 * BURNT_S
    assert before_s <= killed_s <= before_s + 0.8 * BURNT_S
    assert burnt_s - before_s == pytest.approx(BURNT_S, rel=0.3)


@pytest.mark.slow
def test_a_child_that_nobody_waits_for_stays_counted() -> None:
    """Where the parent ignores SIGCHLD, the system passes the child's time to no process."""
    program = """
        import signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        pid = os.fork()
        if pid == 0:
            burn()
            say("done")
            wait()
            os._exit(0)
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass
        say("ended")
        time.sleep(0.5)
        burn()
        say("burnt")
        time.sleep(60)
        """
    with child(program) as process:
        assert line(process) == "done\n"
        tree = ProcessTree(process.pid)
        tree.cpu_seconds()
        go_on(process)
        assert line(process) == "ended\n"
        before_s = tree.cpu_seconds()
        assert line(process) == "burnt\n"

        assert tree.cpu_seconds() - before_s == pytest.approx(BURNT_S, rel=0.3)


FORKS_ON_INPUT = """
    say("up")
    wait()
    if os.fork() == 0:
        burn()
        say("done")
    time.sleep(60)
    """


@pytest.mark.skipif(
    platform.system() != "Linux", reason="no other system reports the newest process"
)
@pytest.mark.slow
def test_a_new_child_is_found_at_once() -> None:
    """The child's time counts in the window in which it was used, not in a later one."""
    clock = ManualClock()
    with child(FORKS_ON_INPUT) as process:
        line(process)
        tree = ProcessTree(process.pid, clock=clock)
        before_s = tree.cpu_seconds()
        go_on(process)
        line(process)

        assert tree.cpu_seconds() - before_s >= 0.8 * BURNT_S


@pytest.mark.slow
def test_without_the_newest_process_children_are_found_later() -> None:
    """Where the system does not report it, all processes are searched each second of the given clock."""
    clock = ManualClock()
    with child(FORKS_ON_INPUT) as process:
        line(process)
        tree = ProcessTree(process.pid, clock=clock, newest=lambda: None)
        before_s = tree.cpu_seconds()
        go_on(process)
        line(process)

        before_search_s = tree.cpu_seconds() - before_s
        clock.advance(CHILDREN_REFRESH_S)
        after_search_s = tree.cpu_seconds() - before_s

    assert before_search_s < 0.5 * BURNT_S
    assert after_search_s >= 0.8 * BURNT_S


@pytest.mark.slow
def test_workers_that_live_on_are_in_the_epochs_in_which_they_work() -> None:
    """Workers of a DataLoader start in the first epoch, and are busy in each."""
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
    """The sum only rises, whatever children start and end."""
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


def test_children_that_cannot_be_listed_are_none() -> None:
    """Where `/proc` is closed (hidepid), listing the machine's processes is forbidden."""

    class Hidden:
        pid = 2**22 + 1  # more than there can be, so that it has no folder of its own in /proc

        def children(self, *, recursive: bool) -> list[psutil.Process]:
            raise PermissionError(1, "Operation not permitted", "/proc/1/stat", recursive)

    assert descendants(Hidden()) == []  # type: ignore[arg-type]  # as much of a process as is asked
