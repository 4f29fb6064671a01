"""Frameworks leave the process as it was: the tests after these have programs of their own started."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Put the environment back: importing Lightning has every later torch ask NVML whether there is CUDA."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
