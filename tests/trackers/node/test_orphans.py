"""Processes that end with the process that started them, however that one ends."""

import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from tests.waiting import waited_for

CHILD = """
import sys, time
from trackers.node.orphans import end_with_parent
end_with_parent(*map(int, sys.argv[1:]))
print("watches", flush=True)
time.sleep(600)
"""

PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.slow
def test_a_process_ends_with_its_parent(number: signal.Signals) -> None:
    """A child ends even if its parent was killed and could not tell it."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(number)

    waited_for(lambda: not psutil.pid_exists(child), "the child's end")


def test_a_parent_that_ended_earlier_is_noticed() -> None:
    """A parent may be killed while its child still loads its modules."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    done = subprocess.run([sys.executable, "-c", CHILD, str(gone.pid)], check=False, timeout=60)

    assert done.returncode == 1
