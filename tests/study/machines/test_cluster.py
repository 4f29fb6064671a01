"""Slow and lost trackers, as seen by a study's driver."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray

from study.machines.cluster import Cluster
from study.machines.nodes import Node, Share
from tests.actors import killed
from tests.waiting import PATIENCE_S, waited_for
from trackers.node.ledger import Booking

pytestmark = pytest.mark.ray


class SlowTracker:
    """Tracker that answers once a file exists, and counts how often it was asked."""

    def __init__(self, sign: Path) -> None:
        """Create a tracker that waits for the file `sign`."""
        self._sign = sign
        self._asked = 0

    def take(self) -> Booking:
        """Return new bookings, numbered by the call; no later call returns them again."""
        self._asked += 1
        while not self._sign.exists():
            time.sleep(0.02)
        return Booking(hostname=f"answer {self._asked}", windows=(), power=())


class Manager:
    """Manager with given trackers."""

    def __init__(self, trackers: dict[str, Any]) -> None:
        """Create a manager of trackers by node."""
        self._trackers = trackers

    def trackers(self) -> dict[str, Any]:
        """Return the trackers by node."""
        return self._trackers


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    """Start a Ray for this module."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def actor(kind: type, argument: object) -> Any:  # noqa: ANN401 - an actor's handle
    """Start an actor that claims no CPU."""
    return ray.remote(kind).options(num_cpus=0).remote(argument)


def cluster_with(trackers: dict[str, Any], *, answer_s: float) -> Cluster:
    """Return a cluster with these trackers and no nodes."""
    manager = actor(Manager, trackers)
    ray.get(manager.trackers.remote())  # a busy machine takes long to start it
    return Cluster(
        nodes=(),
        share=Share(cpus=1.0, gpus=0.0),
        manager=manager,
        facts={},
        answer_s=answer_s,
    )


def next_bookings(cluster: Cluster) -> list[Booking]:
    """Return the bookings of the first call that has any."""
    return waited_for(cluster.take_bookings, "a booking")


def test_a_late_answer_is_returned_by_a_later_call(tmp_path: Path) -> None:
    """A tracker hands over its bookings once, so a slow one is not asked again before it has answered."""
    sign = tmp_path / "go"
    cluster = cluster_with({"n": actor(SlowTracker, sign)}, answer_s=0.2)

    first = cluster.take_bookings()
    second = cluster.take_bookings()
    sign.touch()
    late, after = next_bookings(cluster), next_bookings(cluster)

    assert (first, second) == ([], [])
    assert [each.hostname for each in (*late, *after)] == ["answer 1", "answer 2"]


def test_a_lost_tracker_does_not_delay_the_bookings_of_others(tmp_path: Path) -> None:
    """Its node may be lost; the bookings of the others are returned all the same."""
    sign = tmp_path / "go"
    sign.touch()
    gone, there = actor(SlowTracker, sign), actor(SlowTracker, sign)
    cluster = cluster_with({"gone": gone, "there": there}, answer_s=PATIENCE_S)
    cluster.take_bookings()
    killed(gone)

    taken = cluster.take_bookings()

    assert [each.hostname for each in taken] == ["answer 2"]


def where_it_runs(*given: str) -> tuple[str, ...]:
    """Return the node that this runs on, and the arguments."""
    node_id: str = ray.get_runtime_context().get_node_id()
    return (node_id, *given)


def test_every_node_is_asked_and_a_lost_one_answers_none() -> None:
    """The function runs on each node itself; a study does not wait for a node that is gone."""
    here = Node(node_id=ray.get_runtime_context().get_node_id(), hostname="h", cpus=1, gpus=0)
    gone = replace(here, node_id="0" * len(here.node_id), hostname="gone")
    cluster = replace(cluster_with({}, answer_s=PATIENCE_S), nodes=(gone, here))

    answers = cluster.on_each_node(where_it_runs, "a", "b")

    assert answers == [(gone, None), (here, (here.node_id, "a", "b"))]
