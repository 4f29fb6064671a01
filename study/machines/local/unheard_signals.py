"""Signals that what a study starts is not to hear, because the study takes them and ends all in order.

What is blocked stays so in the processes that are started; their guardian ends them.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SCHEDULER = "SLURM_JOB_ID"
"""Variable of all processes of a job of SLURM."""


@contextmanager
def deaf_to_hangups() -> Iterator[None]:
    """Have what is started meanwhile ignore SIGHUP: a terminal that goes tells all of its processes.

    The study takes it, and ends its Ray when what is known has been written.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def deaf_to_schedulers() -> Iterator[None]:
    """Within a job of SLURM, have what is started meanwhile wait for the study's own end.

    `scancel` and preemption send SIGTERM to every process of a job at once. Ray would be gone before the
    study has asked its trackers for the last time.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if SCHEDULER not in os.environ or not is_main:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
