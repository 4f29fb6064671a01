"""Waiting for something to be so, and not for a time after which it might be."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 240.0
"""More than a machine needs that is many times slower than ours; what never comes is still told."""

CHECK_EVERY_S = 0.05

Found = TypeVar("Found")


def waited_for(look: Callable[[], Found | None], what: str) -> Found:
    """What `look` finds, once it finds something that counts as true.

    Raises:
        TimeoutError: It has not for `PATIENCE_S`.
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
