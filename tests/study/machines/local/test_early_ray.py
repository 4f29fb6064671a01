"""A Ray that starts beside its command: reached where it is wanted, gone where it is not."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from study.errors import ClusterError
from study.execution.interrupts import Interrupts
from study.machines.local.early_ray import EarlyRay, early_ray
from study.machines.local.guardian import MARK, ray_processes
from study.machines.ray_session import quiet_process, start_ray
from study.options import StudyOptions
from tests.waiting import waited_for


@pytest.fixture
def rays(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for Rays of a test."""
    with tempfile.TemporaryDirectory(prefix="e", dir="/tmp") as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder)


def test_one_that_nobody_wants_is_gone_at_once(rays: Path) -> None:
    """A command that refuses its input leaves neither a process nor a file, whatever Ray was at."""
    early = EarlyRay(StudyOptions())
    folder = os.environ[MARK]
    # While a process turns into the program that it starts, Linux shows an empty environment.
    waited_for(lambda: ray_processes(folder), "its first process")

    early.close()

    assert ray_processes(folder) == []
    assert list(rays.iterdir()) == []
    assert MARK not in os.environ


def test_one_that_cannot_start_says_why(rays: Path) -> None:
    """As one that starts in the command's own process; the command ends with it."""
    early = EarlyRay(StudyOptions())
    folder = os.environ[MARK]
    (child,) = waited_for(
        lambda: [each for each in ray_processes(folder) if each.ppid() == os.getpid()],
        "its first process",
    )
    child.kill()

    with quiet_process(), pytest.raises(ClusterError, match="first process has ended"):
        start_ray(StudyOptions(), early)

    early.close()
    assert list(rays.iterdir()) == []


def test_where_ray_is_loaded_it_starts_here() -> None:
    """As in a notebook: another process would have to load it first."""
    with early_ray(StudyOptions()) as early:
        assert early is None


@pytest.mark.ray
def test_a_study_reaches_it_and_nothing_is_left(rays: Path) -> None:
    """With the token of its own; at the end its processes have ended, and its folder is removed."""
    early = EarlyRay(StudyOptions())
    folder = os.environ[MARK]
    with quiet_process(), Interrupts():
        assert start_ray(StudyOptions(), early) is None
        answer = ray.get(ray.remote(lambda: os.environ[MARK]).remote())
        ray.shutdown()
        early.close()

    assert answer == folder
    assert ray_processes(folder) == []
    assert list(rays.iterdir()) == []
