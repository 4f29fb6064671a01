"""The machines of a cluster: what Ray may use of each, how many trials fit, what those train on.

A trial asks for the same on every machine. On a cluster whose machines have different devices the
energies of trials are not comparable, so a study says that, or refuses it. Nothing here knows Ray.
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
"""Ray's resource of a machine that has a GPU of a model it knows; the model follows."""

SLIVER = 0.001
"""How much of that resource a trial asks for, which only says that it must be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the cluster and what Ray may use of it.

    Attributes:
        node_id: Ray's identifier.
        hostname: Its name.
        cpus: CPUs.
        gpus: GPUs.
        accelerator: Model of its GPUs as Ray names it; None where Ray does not know.
    """

    node_id: str
    hostname: str
    cpus: float
    gpus: float
    accelerator: str | None = None

    @classmethod
    def from_ray(cls, node: Mapping[str, Any]) -> Self:
        """A machine as `ray.nodes()` lists it."""
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
        cpus: CPUs.
        gpus: GPUs.
        accelerator: The only model of GPU that it may get, as Ray names it; None for any.
        device: The value of `--device`.
        workers: Processes that train it together, on one machine or several; they share CPUs and
            GPUs equally.
    """

    cpus: float
    gpus: float
    accelerator: str | None = None
    device: str = "auto"
    workers: int = 1

    def workers_on(self, node: Node) -> int:
        """Number of processes of trials that run on a machine at the same time."""
        by_cpu = int(node.cpus * self.workers // self.cpus)
        return min(by_cpu, int(node.gpus * self.workers // self.gpus)) if self.gpus else by_cpu

    def trials_on(self, nodes: Iterable[Node]) -> int:
        """Number of trials that run on machines at the same time."""
        return sum(self.workers_on(node) for node in nodes) // self.workers

    def bundles(self) -> list[dict[str, float]]:
        """Ray resources of each process of a trial."""
        asked = {"CPU": self.cpus / self.workers}
        if self.gpus:
            asked["GPU"] = self.gpus / self.workers
        if self.accelerator:
            asked[f"{ACCELERATOR}{self.accelerator}"] = SLIVER
        return [dict(asked) for _ in range(self.workers)]


def check_resources(nodes: Sequence[Node], share: Share) -> None:
    """Refuse a cluster on which no trial can run.

    Raises:
        ClusterError: No machine has what one trial asks for.
    """
    if not share.trials_on(nodes):
        lacking = "the nodes have not that" if share.workers > 1 else "no node has that"
        message = (
            f"a trial asks for {share.cpus:g} CPUs and {share.gpus:g} GPUs, and {lacking} "
            f"({'; '.join(_has(node) for node in nodes)}). "
            "Lower --cpus-per-trial or --gpus-per-trial."
        )
        raise ClusterError(message)


def trained_on(node: Node, facts: TrackerFacts, share: Share) -> tuple[str, ...]:
    """The devices of a machine that its trials can train on, by name, each once.

    Args:
        node: The machine.
        facts: What its tracker measures.
        share: What a trial gets.
    """
    recordings = [each.name for each in facts.devices if each.for_whoever_asks]
    if recordings:
        return tuple(dict.fromkeys(recordings))
    boards = [each.name for each in _visible(facts)]
    if share.gpus and not boards:
        return (f"GPU {node.accelerator}" if node.accelerator else "GPU of unknown model",)
    on_boards = share.gpus > 0 or share.device != "cpu"
    others = [each.name for each in facts.devices if each.component is Component.CPU]
    return tuple(dict.fromkeys(boards if boards and on_boards else others))


def _visible(facts: TrackerFacts) -> list[Device]:
    """The boards of a machine that its trials may use; all of them where that cannot be told."""
    boards = {
        each.uuid: each
        for each in facts.devices
        if each.component is Component.GPU and not each.for_whoever_asks
    }
    try:
        entries = (facts.visible or ",".join(boards)).split(",")
        return [boards[resolve(each, list(boards), parts_of=lambda _: ())] for each in entries]
    except TrackerError:
        return list(boards.values())


Kinds = Mapping[str, Sequence[str]]
"""Names of the devices that trials train on, each with the machines that have it."""


def kinds_of(
    nodes: Iterable[Node], facts: Mapping[str, TrackerFacts], share: Share
) -> dict[str, list[str]]:
    """The kinds of device in a cluster that trials train on."""
    kinds: dict[str, list[str]] = {}
    for node in nodes:
        if node.node_id in facts and share.workers_on(node):
            for name in trained_on(node, facts[node.node_id], share):
                kinds.setdefault(name, []).append(node.hostname)
    return kinds


def refuse_mixed(kinds: Kinds, *, ran_on: Collection[str]) -> None:
    """Refuse devices of more than one kind.

    Args:
        kinds: What trials would train on.
        ran_on: What trials of the study trained on that ended before.

    Raises:
        ClusterError: There is more than one.
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
    """The model of all GPUs, by which Ray keeps trials off machines that join with another.

    None where trials get no GPU, or Ray does not know the model of each.
    """
    models = {node.accelerator for node in nodes if share.workers_on(node)}
    return models.pop() if share.gpus and len(models) == 1 else None


def mix_warnings(kinds: Kinds) -> tuple[str, ...]:
    """Return warnings about a study on devices of several kinds."""
    if len(kinds) < 2:  # noqa: PLR2004 - more than one
        return ()
    warning = (
        f"trials train on different devices: {_listed(kinds)}. Their energies and times are not "
        "comparable; each row names its device. --mixed-devices refuse does not start such a study."
    )
    return (warning,)


def idle_warnings(nodes: Iterable[Node], share: Share) -> tuple[str, ...]:
    """Return a warning that names the machines that no trial fits on; empty where there is none."""
    idle = [_has(node) for node in nodes if not share.workers_on(node)]
    if not idle:
        return ()
    warning = (
        f"no trial runs on {'; '.join(idle)}: each asks for {share.cpus:g} CPUs and "
        f"{share.gpus:g} GPUs."
    )
    return (warning,)


def node_facts(node: Node, facts: TrackerFacts | None) -> NodeFacts:
    """Facts of a machine, for the manifest; without `facts` it has no tracker."""
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
                kind="recording" if device.for_whoever_asks else device.component.value,
                power_limit_w=device.power_limit_w,
                idle_power_w=facts.idle_power_w.get(device.uuid),
                driver=device.driver,
            )
            for device in facts.devices
        ),
        components=_components(facts),
    )


def _components(facts: TrackerFacts) -> tuple[ComponentFacts, ...]:
    """Source and method of each component of a machine, each pair once."""
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
