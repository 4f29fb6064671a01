"""Which consumers' processes are still there."""

import os
import signal
import subprocess
import sys

from trackers.node.liveness import Liveness


def sleeping() -> "subprocess.Popen[bytes]":
    """A process that waits."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_killed_process_is_dead_even_before_anybody_waited_for_it() -> None:
    """A zombie runs no more."""
    living = Liveness()
    with sleeping() as process:
        living.watch("own", os.getpid())
        living.watch("killed", process.pid)
        before = living.dead()
        process.send_signal(signal.SIGKILL)
        while not living.dead():
            pass

        assert before == []
        assert living.dead() == ["killed"]
        process.communicate()

    assert living.dead() == ["killed"]


def test_who_is_forgotten_is_not_dead() -> None:
    """A trial that ended as it should is no longer looked for; one that never lived is dead."""
    living = Liveness()
    with sleeping() as process:
        living.watch("ended", process.pid)
        process.communicate()

    living.watch("late", process.pid)
    living.forget("ended")

    assert living.dead() == ["late"]
