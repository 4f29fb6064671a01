"""Faster import of libraries that take seconds to load, such as torch and Ray."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Switch the garbage collector off while libraries are imported.

    The objects that an import creates stay alive; scanning them again and again as they grow in number takes
    a seventh of the CPU time of importing torch and Ray Tune. Afterwards they are moved to the oldest
    generation, so that forked processes, such as data loader workers, do not scan them and share their memory.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # into the oldest generation
        gc.enable()
