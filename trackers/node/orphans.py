"""No process outlives the one that started it: each of ours watches its parent itself.

A worker of Ray whose raylet is gone may live on for a minute or more, and a tracker with it would go on
to sample. The parent of a worker is its machine's raylet, so this also ends what a machine that was cut
off from its cluster still runs when its raylet gives up.
"""

import os
import select
import threading
import time
from collections.abc import Callable

CHECK_EVERY_S = 0.5
ENDED = 1
"""Exit status of a process that has lost its parent."""

_watching = threading.Event()


def end_with_parent(
    parent: int | None = None, *, leave: Callable[[int], object] = os._exit
) -> None:
    """End this process at once when its parent is gone; a second call changes nothing.

    Args:
        parent: The process that started it, which may be gone already; left out: its parent now.
        leave: Ends it.
    """
    if _watching.is_set():
        return
    _watching.set()
    parent = os.getppid() if parent is None else parent

    def watch() -> None:
        wait_for_the_end_of(parent)
        leave(ENDED)

    threading.Thread(target=watch, name="orphans", daemon=True).start()


def wait_for_the_end_of(parent: int) -> None:
    """Return when this process has another parent than that one."""
    ended = _ending(parent)
    while os.getppid() == parent:
        if ended is None:
            time.sleep(CHECK_EVERY_S)
        else:
            ended.poll()


def _ending(parent: int) -> "select.poll | None":
    """Poll that tells at once that a process has ended; None where the system has no such thing."""
    try:
        told = select.poll()
        told.register(os.pidfd_open(parent), select.POLLIN)
    except (OSError, AttributeError):
        return None
    return told
