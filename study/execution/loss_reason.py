"""Short explanations of why a trial's process was lost, from Ray's error message and the tracker."""

import re
from pathlib import Path
from typing import Any

NODE_LOST = "its machine was lost, or cannot be reached"
LOW_MEMORY = "Ray ended its process, because the machine ran low on memory"
TERMINATED = "its process got SIGTERM"

_RELIABLE_PHRASES = (
    ("its node has died", NODE_LOST),
    ("node was terminated", NODE_LOST),
    ("receives a SIGTERM", TERMINATED),
    ("low on memory", LOW_MEMORY),
)
"""Phrases of Ray's messages that are more reliable than what the tracker of the machine knows."""

_STATUS = re.compile(r"exit code (\d+)")
_LONGEST_REASON = 300


def errors_of(trial: Any) -> str:  # noqa: ANN401 - Tune's trial
    """Return the text of the error file that Tune keeps of a trial on this machine; empty if there is none."""
    place = getattr(trial, "error_file", None)
    try:
        return Path(place).read_text(errors="replace") if place else ""
    except OSError:
        return ""


def why_lost(error_text: str, told_by_tracker: str | None) -> str:
    """Return why a trial's process was lost.

    Args:
        error_text: Content of Tune's error file for the trial; may be empty.
        told_by_tracker: Reason that the tracker of its machine gives; None if it knows none.

    >>> why_lost("... Worker exits with an exit code 1. The process receives a SIGTERM.", None)
    'its process got SIGTERM'
    """
    text = error_text.rpartition("Failure #")[2]
    for pattern, words in _RELIABLE_PHRASES:
        if pattern in text:
            return words
    return told_by_tracker or _reason_from_ray(text)


def _reason_from_ray(text: str) -> str:
    if status := _STATUS.search(text):
        return f"its process ended with status {status[1]}"
    if "connection error code 2" in text:
        return "its process ended without an error message: killed (SIGKILL), a crash, or os._exit"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_REASON] if lines else "its process was lost, for an unknown reason"
