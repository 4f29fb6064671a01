"""Manager of all nodes' trackers, and of which consumers may begin on which node: an actor of the driver."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trackers.node.actor import Handle, Tracker
from trackers.node.orphans import end_with_parent
from trackers.sources.detect import Request


class Admitted(Enum):
    """Instruction to a consumer that wants to begin on a node."""

    BEGIN = auto()
    WAIT = auto()
    """Ask again in a moment."""
    LEAVE = auto()
    """End without having begun."""


@final
@dataclass(slots=True)
class Admission:
    """Admission of consumers to nodes.

    Attributes:
        closed: Nodes on which no consumer may begin.
        releases_waiting: Whether consumers that wait on closed nodes are to leave.
        waiting: Consumers that wait on closed nodes.
    """

    closed: set[str] = field(default_factory=set)
    releases_waiting: bool = False
    waiting: set[str] = field(default_factory=set)

    def admits(self, node_id: str, consumer: str) -> Admitted:
        """Return the instruction to a consumer that wants to begin on a node."""
        if node_id not in self.closed:
            self.waiting.discard(consumer)
            return Admitted.BEGIN
        if self.releases_waiting:
            self.waiting.discard(consumer)
            return Admitted.LEAVE
        self.waiting.add(consumer)
        return Admitted.WAIT


@final
class TrackerManager:
    """Ray actor, owned by the driver, that creates each node's tracker when it is first needed."""

    def __init__(self, request: Request, *, sampling_hz: float) -> None:
        """Create a manager whose trackers are all created with `request` and `sampling_hz`."""
        end_with_parent()
        self._request = request
        self._sampling_hz = sampling_hz
        self._trackers: dict[str, Handle] = {}
        self._admission = Admission()

    def tracker(self, node_id: str, *, instead_of: Handle | None = None) -> Handle:
        """Return the tracker of a node; it is created where there is none.

        Args:
            node_id: Ray's identifier of the node.
            instead_of: A tracker that has died; None if none has. It is replaced on the first such
                call only, so that all trials of a node get the same new tracker.
        """
        tracker = self._trackers.get(node_id)
        if tracker is None or tracker == instead_of:
            self._trackers[node_id] = _actor(Tracker, node_id, max_restarts=-1).remote(
                self._request, sampling_hz=self._sampling_hz
            )
        return self._trackers[node_id]

    def admits(self, node_id: str, consumer: str) -> Admitted:
        """Return whether a consumer may begin on a node; see `Admission`."""
        return self._admission.admits(node_id, consumer)

    def close_node(self, node_id: str) -> None:
        """Admit no more consumers to a node."""
        self._admission.closed.add(node_id)

    def waiting(self) -> frozenset[str]:
        """Return the consumers that wait on closed nodes."""
        return frozenset(self._admission.waiting)

    def release_waiting(self) -> None:
        """Tell the consumers that wait on closed nodes to leave."""
        self._admission.releases_waiting = True

    def trackers(self) -> dict[str, Handle]:
        """Return all trackers by node."""
        return dict(self._trackers)


def start_manager(request: Request, *, sampling_hz: float) -> Handle:
    """Start the manager on the driver's node; the driver owns it, so that it ends with the driver."""
    here = ray.get_runtime_context().get_node_id()
    return _actor(TrackerManager, here).remote(request, sampling_hz=sampling_hz)


def _actor(kind: type, node_id: str, **options: Any) -> Any:  # noqa: ANN401
    """Return a Ray actor class pinned to a node, which reserves no CPUs there."""
    pinned = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=pinned, **options)
