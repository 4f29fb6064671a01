"""Liveness of trials' processes."""

import os
import signal
import subprocess
import sys

from trackers.node.liveness import Liveness


def sleeping() -> "subprocess.Popen[bytes]":
    """A process that waits for input."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_killed_process_is_dead_before_it_is_reaped() -> None:
    """A zombie counts as dead."""
    liveness = Liveness()
    with sleeping() as process:
        liveness.watch("own", os.getpid())
        liveness.watch("killed", process.pid)
        before = liveness.dead()
        process.send_signal(signal.SIGKILL)
        while not liveness.dead():
            pass

        assert before == []
        assert liveness.dead() == ["killed"]
        process.communicate()

    assert liveness.dead() == ["killed"]


def test_a_forgotten_process_is_not_dead() -> None:
    """A process that is no longer watched is not dead; one that had ended before it was watched is."""
    liveness = Liveness()
    with sleeping() as process:
        liveness.watch("ended", process.pid)
        process.communicate()

    liveness.watch("late", process.pid)
    liveness.forget("ended")

    assert liveness.dead() == ["late"]
