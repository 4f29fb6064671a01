"""End of a process when its parent is gone, which each of our actors checks for itself.

A Ray worker whose raylet is gone may live on for a minute or more, in which a tracker would continue to
sample. The parent of a worker is its node's raylet. So this also ends the processes of a node that was cut
off from its cluster, once its raylet gives up.
"""

import os
import select
import threading
import time
from collections.abc import Callable

CHECK_EVERY_S = 0.5
ENDED = 1
"""Exit status of a process that ends because its parent is gone."""

_watching = threading.Event()


def end_with_parent(
    parent: int | None = None, *, leave: Callable[[int], object] = os._exit
) -> None:
    """End this process as soon as its parent is gone; a second call changes nothing.

    Args:
        parent: Process ID of the process that started this one, which may be gone already; the present
            parent when left out.
        leave: Ends the process; called with its exit status.
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
    """Wait until `parent` is no longer the parent of this process."""
    ended = _ending(parent)
    while os.getppid() == parent:
        if ended is None:
            time.sleep(CHECK_EVERY_S)
        else:
            ended.poll()


def _ending(parent: int) -> "select.poll | None":
    """Poll object that wakes when a process ends; None where the system has no pidfd."""
    try:
        told = select.poll()
        told.register(os.pidfd_open(parent), select.POLLIN)
    except (OSError, AttributeError):
        return None
    return told
