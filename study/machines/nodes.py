"""The machines of a cluster: their resources, how many trials fit, and what devices those train on.

A trial requests the same resources on every machine. If the machines have different devices, energies of
trials are not comparable, so a study warns of that or refuses to start. Does not import Ray.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from study.errors import ClusterError
from study.record.manifest import ComponentFacts, DeviceFacts, NodeFacts
from trackers.errors import TrackerError
from trackers.node.ledger import TrackerFacts
from trackers.sample import Component, Device
from trackers.sources.nvml.visible_devices import resolve

ACCELERATOR = "accelerator_type:"
"""Prefix of the resource that Ray gives a machine whose GPU model it knows; the model follows."""

SLIVER = 0.001
"""Amount of that resource that a trial requests, just so that it must be present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the cluster, and what Ray may use of it.

    Attributes:
        node_id: Ray's identifier of the node.
        hostname: Name of the machine.
        cpus: Number of CPUs.
        gpus: Number of GPUs.
        accelerator: Model of its GPUs as Ray names it; None if Ray does not know it.
    """

    node_id: str
    hostname: str
    cpus: float
    gpus: float
    accelerator: str | None = None

    @classmethod
    def from_ray(cls, node: Mapping[str, Any]) -> Self:
        """Create a machine from an entry of `ray.nodes()`."""
        resources = node["Resources"]
        models = (name.removeprefix(ACCELERATOR) for name in resources if ACCELERATOR in name)
        return cls(
            node_id=node["NodeID"],
            hostname=node["NodeManagerHostname"],
            cpus=resources.get("CPU", 0.0),
            gpus=resources.get("GPU", 0.0),
            accelerator=next(models, None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Resources of a trial.

    Attributes:
        cpus: Number of CPUs; may be a fraction.
        gpus: Number of GPUs; may be a fraction, 0 for none.
        accelerator: The only GPU model that the trial may get, as Ray names it; None for any.
        device: The value of `--device`.
        workers: Number of processes that train the trial together, on one machine or several; they
            share its CPUs and GPUs equally.
    """

    cpus: float
    gpus: float
    accelerator: str | None = None
    device: str = "auto"
    workers: int = 1

    def workers_on(self, node: Node) -> int:
        """Return the number of trials' processes that fit on a machine at the same time."""
        by_cpu = int(node.cpus * self.workers // self.cpus)
        return min(by_cpu, int(node.gpus * self.workers // self.gpus)) if self.gpus else by_cpu

    def trials_on(self, nodes: Iterable[Node]) -> int:
        """Return the number of trials that fit on the machines at the same time."""
        return sum(self.workers_on(node) for node in nodes) // self.workers

    def bundles(self) -> list[dict[str, float]]:
        """Return the Ray resources of each process of a trial, as placement group bundles."""
        asked = {"CPU": self.cpus / self.workers}
        if self.gpus:
            asked["GPU"] = self.gpus / self.workers
        if self.accelerator:
            asked[f"{ACCELERATOR}{self.accelerator}"] = SLIVER
        return [dict(asked) for _ in range(self.workers)]


def check_resources(nodes: Sequence[Node], share: Share) -> None:
    """Refuse a cluster on which no trial can run.

    Raises:
        ClusterError: The machines lack the resources that one trial requests.
    """
    if not share.trials_on(nodes):
        lacking = (
            "the nodes do not have that many" if share.workers > 1 else "no node has that many"
        )
        message = (
            f"a trial asks for {share.cpus:g} CPUs and {share.gpus:g} GPUs, and {lacking} "
            f"({'; '.join(_has(node) for node in nodes)}). "
            "Lower --cpus-per-trial or --gpus-per-trial."
        )
        raise ClusterError(message)


def trained_on(node: Node, facts: TrackerFacts, share: Share) -> tuple[str, ...]:
    """Return the names of the devices on a machine that its trials can train on, each once.

    Args:
        node: The machine.
        facts: What its tracker measures.
        share: Resources of a trial.
    """
    recordings = [each.name for each in facts.devices if each.is_recording]
    if recordings:
        return tuple(dict.fromkeys(recordings))
    boards = [each.name for each in _visible(facts)]
    if share.gpus and not boards:
        return (f"GPU {node.accelerator}" if node.accelerator else "GPU of unknown model",)
    on_boards = share.gpus > 0 or share.device != "cpu"
    others = [each.name for each in facts.devices if each.component is Component.CPU]
    return tuple(dict.fromkeys(boards if boards and on_boards else others))


def measured_kinds(kinds: Collection[str], facts: Iterable[TrackerFacts]) -> set[str]:
    """Return the kinds of device that a tracker measures; a board that none measures is in no record."""
    return {device.name for each in facts for device in each.devices}.intersection(kinds)


def _visible(facts: TrackerFacts) -> list[Device]:
    """Return the boards of a machine that its trials may use; all of them if that cannot be told."""
    boards = {
        each.uuid: each
        for each in facts.devices
        if each.component is Component.GPU and not each.is_recording
    }
    try:
        entries = (facts.visible or ",".join(boards)).split(",")
        return [boards[resolve(each, list(boards), parts_of=lambda _: ())] for each in entries]
    except TrackerError:
        return list(boards.values())


Kinds = Mapping[str, Sequence[str]]
"""Names of the devices that trials train on, each with the host names of the machines that have it."""


def kinds_of(
    nodes: Iterable[Node], facts: Mapping[str, TrackerFacts], share: Share
) -> dict[str, list[str]]:
    """Return the kinds of device in a cluster that trials train on.

    Args:
        nodes: Machines of the cluster.
        facts: What each machine's tracker measures, by Ray's node identifier.
        share: Resources of a trial.
    """
    kinds: dict[str, list[str]] = {}
    for node in nodes:
        if node.node_id in facts and share.workers_on(node):
            for name in trained_on(node, facts[node.node_id], share):
                kinds.setdefault(name, []).append(node.hostname)
    return kinds


def refuse_mixed(kinds: Kinds, *, ran_on: Collection[str]) -> None:
    """Refuse devices of more than one kind, counting those of earlier trials.

    Args:
        kinds: Devices that trials would train on.
        ran_on: Names of the devices that earlier trials of the study trained on.

    Raises:
        ClusterError: There is more than one kind of device.
    """
    before = {name: ["trials that ended before"] for name in sorted(ran_on) if name not in kinds}
    if len(kinds) + len(before) > 1:
        message = (
            "--mixed-devices refuse: trials would train on different devices: "
            f"{_listed({**kinds, **before})}. Take a cluster of one kind, or --device cpu where "
            "only the GPUs differ, or leave the option out: each row then names its device."
        )
        raise ClusterError(message)


def only_model(nodes: Iterable[Node], share: Share) -> str | None:
    """Return the GPU model that all machines share; None if there is no single known model, or no GPU is used.

    Trials request it, so that Ray does not place them on a machine that joins with another model.
    """
    models = {node.accelerator for node in nodes if share.workers_on(node)}
    return models.pop() if share.gpus and len(models) == 1 else None


def mix_warnings(kinds: Kinds) -> tuple[str, ...]:
    """Return a warning if a study runs on devices of several kinds; otherwise empty."""
    if len(kinds) < 2:  # noqa: PLR2004 - more than one
        return ()
    warning = (
        f"trials train on different devices: {_listed(kinds)}. Their energies and times are not "
        "comparable; each row names its device. --mixed-devices refuse does not start such a study."
    )
    return (warning,)


def idle_warnings(nodes: Iterable[Node], share: Share) -> tuple[str, ...]:
    """Return a warning that names the machines that no trial fits on; empty if there are none."""
    idle = [_has(node) for node in nodes if not share.workers_on(node)]
    if not idle:
        return ()
    warning = (
        f"no trial runs on {'; '.join(idle)}: each asks for {share.cpus:g} CPUs and "
        f"{share.gpus:g} GPUs."
    )
    return (warning,)


def node_facts(node: Node, facts: TrackerFacts | None) -> NodeFacts:
    """Return the facts of a machine for the manifest; `facts` is None if it has no tracker."""
    if facts is None:
        return NodeFacts(
            hostname=node.hostname,
            cpus=node.cpus,
            gpus=node.gpus,
            source=None,
            method=None,
            note="No trial fits on it.",
            refused={},
            devices=(),
        )
    return NodeFacts(
        hostname=node.hostname,
        cpus=node.cpus,
        gpus=node.gpus,
        source=facts.source,
        method=facts.method,
        note=facts.note,
        refused=facts.refused,
        devices=tuple(
            DeviceFacts(
                uuid=device.uuid,
                name=device.name,
                kind="recording" if device.is_recording else device.component.value,
                power_limit_w=device.power_limit_w,
                idle_power_w=facts.idle_power_w.get(device.uuid),
                driver=device.driver,
            )
            for device in facts.devices
        ),
        components=_components(facts),
    )


def _components(facts: TrackerFacts) -> tuple[ComponentFacts, ...]:
    """Return source and method of each component of a machine, without duplicates."""
    found = {
        ComponentFacts(
            component=device.component.value,
            source=facts.sources.get(device.uuid, facts.source),
            method=facts.methods.get(device.uuid, facts.method),
        )
        for device in facts.devices
    }
    return tuple(sorted(found, key=lambda each: (each.component, each.source)))


def _has(node: Node) -> str:
    return f"{node.hostname}: {node.cpus:g} CPUs, {node.gpus:g} GPUs"


def _listed(kinds: Kinds) -> str:
    return ", ".join(f"{name} ({', '.join(dict.fromkeys(who))})" for name, who in kinds.items())
