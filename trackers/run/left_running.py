"""Processes of a command that are still running when it has ended, found by a variable in their environment.

Once their parents have ended they are no longer descendants of the command, so the process tree cannot tell.
"""

import os
import secrets
from collections.abc import Mapping

import psutil

MARK = "POWER_OF_TRAINING_RUN"
"""Environment variable that the processes of a command inherit; a run within a run adds its own mark."""

PATIENCE_S = 0.5
"""Seconds that workers get to end by themselves after their parent has ended."""


def new_mark() -> str:
    """Return a mark that no other run has."""
    return secrets.token_hex(8)


def marked(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return an environment with a mark added."""
    return {**environment, MARK: f"{environment.get(MARK, '')} {mark}".strip()}


def left_running(mark: str) -> tuple[str, ...]:
    """Return the running processes that have a mark, each as its name and process ID.

    Processes that have overwritten their environment or belong to another user are not found.
    """
    found = [each for each in psutil.process_iter() if _has(each, mark)]
    _, left = psutil.wait_procs(found, timeout=PATIENCE_S)
    return tuple(name for each in left if (name := _name(each)))


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.pid != os.getpid() and mark in process.environ().get(MARK, "").split()
    except (psutil.Error, OSError):
        return False


def _name(process: psutil.Process) -> str | None:
    """Return a process's name and ID; None if it has ended, even if nobody has reaped it yet."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return None
