"""Trackers in a real Ray: tests that take a manager start it with `local_ray` first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from tests.trackers.node.trials import POWER_W, take, tracker_of
from trackers.node.actor import Handle
from trackers.node.nodes import start_manager
from trackers.sources.detect import Request


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    """A Ray of a module's own."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device that draws 100 W."""
    path = tmp_path_factory.mktemp("recording") / "run.csv"
    path.write_text(f"time_s,power_w\n0,{POWER_W}\n1,{POWER_W}\n")
    return path


@pytest.fixture
def manager(recording: Path) -> Iterator[Handle]:
    """A manager whose trackers play the recording."""
    one = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture(scope="module")
def shared(recording: Path) -> Iterator[Handle]:
    """The same, for tests that neither harm it nor empty it; each has windows of its own."""
    one = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture
def emptied(shared: Handle) -> Handle:
    """The shared manager, holding nothing of earlier tests, for tests that take what their trials have booked."""
    take(tracker_of(shared))
    return shared


@pytest.fixture
def estimating() -> Iterator[Handle]:
    """A manager whose trackers estimate."""
    one = start_manager(Request(tracker="estimate"), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture(scope="module")
def unharmed() -> Iterator[Handle]:
    """A manager of estimating trackers, for tests that do not harm it."""
    one = start_manager(Request(tracker="estimate"), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture
def estimates(unharmed: Handle) -> Handle:
    """A shared manager of estimating trackers that holds nothing of earlier tests; trials need names of their own."""
    take(tracker_of(unharmed))
    return unharmed
