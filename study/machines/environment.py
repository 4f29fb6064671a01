"""Process settings that a study changes, restored at its end, because a notebook goes on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_environment(*names: str) -> Iterator[None]:
    """Let variables of the environment be changed, and put them back at the end."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
