"""Waiting for a condition instead of for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 240.0
"""Generous enough for a machine many times slower than ours, yet a condition that never holds is reported."""

CHECK_EVERY_S = 0.05

Found = TypeVar("Found")


def waited_for(look: Callable[[], Found | None], what: str) -> Found:
    """Call `look` until it returns something truthy; return that.

    Args:
        look: Looks once.
        what: What is waited for, for the message.

    Raises:
        TimeoutError: Nothing truthy came within `PATIENCE_S`.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline_s:
            message = f"{what}: not within {PATIENCE_S:g} s"
            raise TimeoutError(message)
        time.sleep(CHECK_EVERY_S)
