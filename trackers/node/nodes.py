"""The trackers of all nodes, and which consumers may begin where: an actor that the driver owns."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trackers.node.actor import Handle, Tracker
from trackers.node.orphans import end_with_parent
from trackers.sources.detect import Request


class Admitted(Enum):
    """Instruction to a consumer."""

    BEGIN = auto()
    WAIT = auto()
    """Ask again in a moment."""
    LEAVE = auto()
    """End without having begun."""


@final
@dataclass(slots=True)
class Admission:
    """Admission of consumers, one after another.

    Attributes:
        closed: Nodes on which nobody may.
        releases_waiting: Whether those who wait there are to leave.
        waiting: Those who wait.
    """

    closed: set[str] = field(default_factory=set)
    releases_waiting: bool = False
    waiting: set[str] = field(default_factory=set)

    def admits(self, node_id: str, consumer: str) -> Admitted:
        """Return what a consumer is to do that wants to begin on a node."""
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
    """Knows each node's tracker and makes it on first need; an actor that the driver owns."""

    def __init__(self, request: Request, *, sampling_hz: float) -> None:
        """Hand `request` and `sampling_hz` to each tracker."""
        end_with_parent()
        self._request = request
        self._sampling_hz = sampling_hz
        self._trackers: dict[str, Handle] = {}
        self._admission = Admission()

    def tracker(self, node_id: str, *, instead_of: Handle | None = None) -> Handle:
        """The tracker of a node; a new one where there is none.

        Args:
            node_id: The node.
            instead_of: One that has died. It is replaced by whoever says so first, so that all
                trials of a node have the same.
        """
        tracker = self._trackers.get(node_id)
        if tracker is None or tracker == instead_of:
            self._trackers[node_id] = _actor(Tracker, node_id, max_restarts=-1).remote(
                self._request, sampling_hz=self._sampling_hz
            )
        return self._trackers[node_id]

    def admits(self, node_id: str, consumer: str) -> Admitted:
        """Say whether a consumer may begin on a node; see `Admission`."""
        return self._admission.admits(node_id, consumer)

    def close_node(self, node_id: str) -> None:
        """Let no consumer begin on a node from now on."""
        self._admission.closed.add(node_id)

    def waiting(self) -> frozenset[str]:
        """Return the consumers that wait on closed nodes."""
        return frozenset(self._admission.waiting)

    def release_waiting(self) -> None:
        """Have the consumers on closed nodes leave."""
        self._admission.releases_waiting = True

    def trackers(self) -> dict[str, Handle]:
        """All trackers, by node."""
        return dict(self._trackers)


def start_manager(request: Request, *, sampling_hz: float) -> Handle:
    """Start the manager beside the driver, which owns it: it ends when the driver does."""
    here = ray.get_runtime_context().get_node_id()
    return _actor(TrackerManager, here).remote(request, sampling_hz=sampling_hz)


def _actor(kind: type, node_id: str, **options: Any) -> Any:  # noqa: ANN401
    """An actor's maker, pinned to a node and without a claim to its CPUs."""
    pinned = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=pinned, **options)
