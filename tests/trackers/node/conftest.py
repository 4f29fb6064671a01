"""Managers of trackers in a real Ray; tests that use one also need `local_ray`."""

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
    """A local Ray for the tests of one module."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a device that draws 100 W."""
    path = tmp_path_factory.mktemp("recording") / "run.csv"
    path.write_text(f"time_s,power_w\n0,{POWER_W}\n1,{POWER_W}\n")
    return path


@pytest.fixture
def manager(recording: Path) -> Iterator[Handle]:
    """A manager for one test, whose trackers replay the recording."""
    one = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture(scope="module")
def shared(recording: Path) -> Iterator[Handle]:
    """A manager of the module, whose trackers replay the recording.

    For tests that neither damage nor empty it; each has windows of its own.
    """
    one = start_manager(Request(tracker=str(recording)), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture
def emptied(shared: Handle) -> Handle:
    """The shared manager without what earlier tests booked, for tests that take bookings."""
    take(tracker_of(shared))
    return shared


@pytest.fixture
def estimating() -> Iterator[Handle]:
    """A manager for one test, whose trackers estimate."""
    one = start_manager(Request(tracker="estimate"), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture(scope="module")
def shared_estimating() -> Iterator[Handle]:
    """A manager of the module, whose trackers estimate, for tests that do not damage it."""
    one = start_manager(Request(tracker="estimate"), sampling_hz=50)
    yield one
    ray.kill(one)


@pytest.fixture
def emptied_estimating(shared_estimating: Handle) -> Handle:
    """The shared manager of estimating trackers without what earlier tests booked.

    Each test has trials with names of their own.
    """
    take(tracker_of(shared_estimating))
    return shared_estimating
