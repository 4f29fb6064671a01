"""Settings of all tests."""

import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from trackers.node.shares.neighbours import FOLDER

# Started in the background by a shell, this process ignores Ctrl-C, and the programs that tests
# start and interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine decides no test: neither how long an example takes nor how long it takes to make.
PROJECT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("project", PROJECT)
settings.register_profile("fast", PROJECT, max_examples=PROJECT.max_examples // 4)
settings.load_profile("project")  # scripts/test fast loads the other

# Each of several test processes, and the programs that it starts, would take all cores.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


OF_FEW_FILES = ("integrations", "faults")
"""Marks of tests that a command runs alone, and that are in few files."""

# Emulated boards have the same names in all tests, and are not the same boards: each process has a folder for them.
os.environ[FOLDER] = str(Path(tempfile.gettempdir()) / f"boards-of-test-{os.getpid()}")


def pytest_unconfigure() -> None:
    """Remove the folder of this process's emulated boards."""
    shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files without a mark unread where tests with it are all that is asked for: reading all takes seconds."""
    mark = config.getoption("markexpr")
    if mark not in OF_FEW_FILES or collection_path.suffix != ".py":
        return None
    return None if _names(mark, collection_path) else True


def _names(mark: str, path: Path) -> bool:
    return f"mark.{mark}" in path.read_text("utf-8")


def pytest_collection_finish() -> None:
    """Have the collector of garbage pass over what is imported now, a million objects that stay: a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those begin first that take longest: heavy parts without a Ray of their own are mostly one file's.

    A file that is begun last has one process alone at work.
    """

    def place(item: pytest.Item) -> int:
        is_ray = item.get_closest_marker("ray") is not None
        return 1 if is_ray else 0 if item.get_closest_marker("integrations") else 2

    items.sort(key=place)
    for mark in OF_FEW_FILES:
        marked = {each.path for each in items if each.get_closest_marker(mark)}
        unnamed = [str(path) for path in marked if not _names(mark, path)]
        if unnamed:
            message = (
                f"write pytest.mark.{mark} in {', '.join(unnamed)}: `make test-{mark}` goes by that"
            )
            raise pytest.UsageError(message)
