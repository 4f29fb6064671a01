"""Processes of a command that still run when it has ended, found by a mark in their environment.

They are no children of the command any more: its parents have left them to the system.
"""

import os
import secrets
from collections.abc import Mapping

import psutil

MARK = "POWER_OF_TRAINING_RUN"
"""Variable that a command's processes inherit; of a run within a run it has both marks."""

PATIENCE_S = 0.5
"""Time in which workers end that hear of their parent's end."""


def new_mark() -> str:
    """A mark that no other run has."""
    return secrets.token_hex(8)


def marked(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return the environment of a command with a mark."""
    return {**environment, MARK: f"{environment.get(MARK, '')} {mark}".strip()}


def left_running(mark: str) -> tuple[str, ...]:
    """Names and numbers of the processes that have a mark and go on, as far as they may be known.

    One that has overwritten its environment, or is another user's, is not found.
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
    """Name and number of a process; None of one that has ended and was not waited for."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return None
