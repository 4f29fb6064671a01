"""Admission of trials to a cluster's machines: a machine can be closed by taking all it offers."""

from collections.abc import Iterable
from typing import final

import ray
from ray.exceptions import RayError

from study.machines.cluster import Cluster, listed, pinned
from trackers.node.actor import Handle


@final
class Admissions:
    """Says which machines take trials."""

    def __init__(self, cluster: Cluster) -> None:
        """All of `cluster` do."""
        self._cluster = cluster

    def used(self) -> list[str]:
        """Return Ray's names of the machines that trials fit on."""
        return [
            node.node_id for node in self._cluster.nodes if self._cluster.share.workers_on(node)
        ]

    def close(self, node_id: str) -> None:
        """Let no trial begin on a machine from now on."""
        self._cluster.manager.close_node.remote(node_id)

    def waiting(self) -> frozenset[str]:
        """Return the trials that wait on closed machines."""
        try:
            found: frozenset[str] = ray.get(
                self._cluster.manager.waiting.remote(), timeout=self._cluster.answer_s
            )
        except RayError:
            return frozenset()
        return found

    def let_go(self) -> None:
        """Have the trials leave that wait on closed machines."""
        self._cluster.manager.let_go.remote()

    def occupied(self, node_ids: Iterable[str]) -> list[Handle]:
        """Take what closed machines have to give, so that no trial is sent there.

        Returns:
            What takes it, for as long as it is kept.
        """
        asked = self._cluster.share.bundles()[0]
        cpus, gpus = asked.pop("CPU"), asked.pop("GPU", 0.0)
        place = ray.remote(_Place)
        return [
            place.options(
                num_cpus=cpus, num_gpus=gpus, resources=asked, scheduling_strategy=pinned(node)
            ).remote()
            for node in self._cluster.nodes
            if node.node_id in set(node_ids)
            for _ in range(self._cluster.share.workers_on(node))
        ]

    def name_of(self, node_id: str) -> str:
        """Return the name of a machine, for people."""
        found = (each["NodeManagerHostname"] for each in listed() if each["NodeID"] == node_id)
        return next(found, node_id)


class _Place:
    """Takes a trial's share of a machine, and does nothing with it."""
