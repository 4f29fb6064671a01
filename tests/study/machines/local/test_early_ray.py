"""A local Ray that starts in a process of its own while the command prepares."""

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
    """Return the temporary folder in which a test's Rays put their sessions."""
    with tempfile.TemporaryDirectory(prefix="e", dir="/tmp") as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder)


@pytest.mark.slow
def test_a_ray_that_is_not_needed_is_removed_at_once(rays: Path) -> None:
    """A command that refuses its input leaves neither a process nor a file, however far Ray had started."""
    early = EarlyRay(StudyOptions())
    folder = os.environ[MARK]
    # During exec, Linux shows an empty environment, so the process may not be found at once.
    waited_for(lambda: ray_processes(folder), "its first process")

    early.close()

    assert ray_processes(folder) == []
    assert list(rays.iterdir()) == []
    assert MARK not in os.environ


def test_a_ray_that_cannot_start_is_an_error(rays: Path) -> None:
    """The command ends with a message, as with a Ray in its own process."""
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


def test_where_ray_is_imported_already_it_starts_in_this_process() -> None:
    """In a notebook, for example, a separate process would only have to import it again."""
    with early_ray(StudyOptions()) as early:
        assert early is None


@pytest.mark.ray
def test_a_study_connects_to_it_and_nothing_is_left(rays: Path) -> None:
    """The study uses that Ray's own token; at the end, its processes and its folder are gone."""
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
