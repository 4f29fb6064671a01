"""Shielding of Ray's processes from signals that the study handles itself, so that it can end them in order.

Child processes inherit ignored and blocked signals; a guardian ends those that remain.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SCHEDULER = "SLURM_JOB_ID"
"""Environment variable that SLURM sets in all processes of a job."""


@contextmanager
def ignoring_sighup() -> Iterator[None]:
    """Make processes that are started in this context ignore SIGHUP, which a closing terminal sends to all.

    The study handles SIGHUP itself, and ends its Ray when the results are written. Outside the main
    thread this does nothing.
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
def blocking_sigterm_under_slurm() -> Iterator[None]:
    """Make processes that are started in this context block SIGTERM, if this is a SLURM job.

    `scancel` and preemption send SIGTERM to all processes of a job at once, and Ray would be gone before
    the study has collected the last readings of its trackers. Outside the main thread this does nothing.
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
