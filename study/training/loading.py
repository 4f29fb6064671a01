"""Loading of libraries that take seconds, as torch and Ray do."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quickly_loading() -> Iterator[None]:
    """Look for no garbage while libraries are loaded.

    What they make stays. That Python looks through all of it again and again, as it grows, is a seventh of
    the processor time that torch and Ray Tune take to load. Afterwards all of it counts as old: processes
    that are forked then, as those that read data are, do not look through it either, and share its memory.
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
