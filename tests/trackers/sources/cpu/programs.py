"""Programs that use CPU time as a test asks."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

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
    """A Python process that runs a program; it and its children are killed when the block ends."""
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
