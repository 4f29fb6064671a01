"""Fixture that undoes what importing a framework changes in the process."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """Restore the environment after each test, for the programs that later tests start.

    Importing Lightning sets a variable that makes every torch which inherits it ask NVML for CUDA.
    """
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
