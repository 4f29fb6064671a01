"""Admission of trials to machines: closing a machine, and occupying its resources so that none start there."""

from collections.abc import Iterable
from typing import final

import ray
from ray.exceptions import RayError

from study.machines.cluster import Cluster, listed, pinned
from trackers.node.actor import Handle


@final
class Admissions:
    """Closes machines of a cluster to trials."""

    def __init__(self, cluster: Cluster) -> None:
        """Begin with all machines of `cluster` open."""
        self._cluster = cluster

    def used(self) -> list[str]:
        """Return Ray's identifiers of the nodes that trials fit on."""
        return [
            node.node_id for node in self._cluster.nodes if self._cluster.share.workers_on(node)
        ]

    def close(self, node_id: str) -> None:
        """Let no trial begin on a machine from now on."""
        self._cluster.manager.close_node.remote(node_id)

    def waiting(self) -> frozenset[str]:
        """Return the identifiers of trials that wait on closed machines; none if the manager is gone."""
        try:
            found: frozenset[str] = ray.get(
                self._cluster.manager.waiting.remote(), timeout=self._cluster.answer_s
            )
        except RayError:
            return frozenset()
        return found

    def release_waiting(self) -> None:
        """Tell the trials that wait on closed machines to end without having begun."""
        self._cluster.manager.release_waiting.remote()

    def occupy(self, node_ids: Iterable[str]) -> list[Handle]:
        """Occupy all resources of closed machines, so that no trial is placed there.

        Args:
            node_ids: Ray's identifiers of the closed machines.

        Returns:
            Actors that hold the resources until they are killed.
        """
        asked = self._cluster.share.bundles()[0]
        cpus, gpus = asked.pop("CPU"), asked.pop("GPU", 0.0)
        place = ray.remote(_Placeholder)
        return [
            place.options(
                num_cpus=cpus, num_gpus=gpus, resources=asked, scheduling_strategy=pinned(node)
            ).remote()
            for node in self._cluster.nodes
            if node.node_id in set(node_ids)
            for _ in range(self._cluster.share.workers_on(node))
        ]

    def name_of(self, node_id: str) -> str:
        """Return the host name of a node, for messages; its identifier if Ray does not list it."""
        found = (each["NodeManagerHostname"] for each in listed() if each["NodeID"] == node_id)
        return next(found, node_id)


class _Placeholder:
    """Actor that occupies one trial's resources on a machine and does nothing."""
