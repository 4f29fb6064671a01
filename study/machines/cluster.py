"""The machines of a study: reach Ray, see what it has, put a tracker on each node.

A local Ray is started with authentication on, because it listens on the machine's network
addresses, and with a dashboard only on request; it is shut down at the end. A cluster that was there
before is left as it was.
"""

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.errors import ClusterError
from study.machines.local.early_ray import EarlyRay
from study.machines.local.private_ray import private_ray
from study.machines.nodes import (
    Kinds,
    Node,
    Share,
    check_resources,
    idle_warnings,
    kinds_of,
    mix_warnings,
    node_facts,
    only_model,
    refuse_mixed,
)
from study.machines.ray_session import quiet_process, start_ray
from study.machines.storage_visibility import StorageVisibility, reach_warnings, reached
from study.machines.upload import Upload, upload_of
from study.options import StudyOptions
from study.record.manifest import NodeFacts
from study.store.folder import StudyFolder
from study.store.parts import WORKER_LOST, named_in_study
from trackers.node.actor import Handle
from trackers.node.ledger import Booking, TrackerFacts
from trackers.node.nodes import start_manager
from trackers.sample import PowerLimits
from trackers.sources.calibrated import Calibration
from trackers.sources.detect import Request, is_file

TRACKER_START_S = 120.0
ANSWER_S = 10.0
WHY_S = 3.0
"""For how long the trackers are asked why a process has ended, while other trials report."""

NODE_ANSWER_S = 60.0
"""For how long a machine is waited for that is asked something before the first trial; it starts a
process for that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cluster:
    """A reached cluster with its trackers.

    Attributes:
        nodes: Its machines.
        share: What each trial gets of a machine.
        manager: The study's `TrackerManager`.
        facts: What each node's tracker measures, by node; nodes that no trial fits on have none.
        reach: Which nodes see the study's folder.
        sent: What of the working folder travelled to the machines; None on this machine alone.
        dashboard: Where Ray's dashboard is, for people; None unless it was asked for.
        answer_s: For how long the trackers are waited for when they are all asked something.
    """

    nodes: tuple[Node, ...]
    share: Share
    manager: Handle
    facts: dict[str, TrackerFacts]
    reach: StorageVisibility | None = None
    sent: Upload | None = None
    dashboard: str | None = None
    answer_s: float = ANSWER_S
    _asked: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return self.share.trials_on(self.nodes)

    def take_bookings(self) -> list[Booking]:
        """Return the trackers' bookings since the last call.

        All are asked at once. One that is silent is not waited for long: its answer is taken by a
        later call, because a tracker hands out its bookings only once.
        """
        for node_id, tracker in self._trackers_by_node().items():
            if node_id not in self._asked:
                self._asked[node_id] = tracker.take.remote()
        nodes = {answer: node_id for node_id, answer in self._asked.items()}
        bookings = []
        for answer in _answered(nodes, self.answer_s):
            del self._asked[nodes[answer]]
            try:
                bookings.append(ray.get(answer))
            except RayError as error:
                logging.getLogger(__name__).warning("a tracker did not answer: %s", error)
        return bookings

    def on_each_node(
        self, function: Callable[..., Any], *arguments: object
    ) -> list[tuple[Node, Any]]:
        """Run a function on every machine at once; None where it does not answer in time.

        Args:
            function: One of a module that the machines can import.
            arguments: What it is given.
        """
        task = ray.remote(num_cpus=0, max_retries=0)(function)
        asked = {
            task.options(scheduling_strategy=pinned(node)).remote(*arguments): node
            for node in self.nodes
        }
        answers: dict[str, Any] = {}
        for answer in _answered(asked, NODE_ANSWER_S):
            with contextlib.suppress(RayError):
                answers[asked[answer].node_id] = ray.get(answer)
        return [(node, answers.get(node.node_id)) for node in self.nodes]

    def why_ended(self, trial_id: str) -> str | None:
        """Return what a tracker knows of why a trial's process has ended; None where none does.

        Of several, that of the one whose end was the others'.
        """
        why = self._why_ended(trial_id)
        if why is None or f"({WORKER_LOST})" not in why:
            return why
        of_workers = filter(None, map(self._why_ended, self._parts(trial_id)))
        return next(of_workers, why)

    def _why_ended(self, name: str) -> str | None:
        asked = [tracker.why_ended.remote(name) for tracker in self.trackers()]
        for answer in _answered(asked, min(WHY_S, self.answer_s)):
            with contextlib.suppress(RayError):
                told: str | None = ray.get(answer)
                if told is not None:
                    return told
        return None

    def release(self, trial_id: str) -> None:
        """Have the windows closed that a trial which is gone has left open."""
        for tracker in self.trackers():
            for name in (trial_id, *self._parts(trial_id)):
                tracker.release.remote(name)

    def _parts(self, trial_id: str) -> list[str]:
        """Names by which trackers know the other processes of a trial."""
        return [named_in_study(trial_id, rank) for rank in range(1, self.share.workers)]

    def node_facts(self) -> tuple[NodeFacts, ...]:
        """Facts of the machines, for the manifest."""
        return tuple(node_facts(node, self.facts.get(node.node_id)) for node in self.nodes)

    def power_limits(self) -> dict[str, tuple[PowerLimits, ...]]:
        """Return the power limits that may be set on each machine's boards; before the first trial."""
        hosts = {node.node_id: node.hostname for node in self.nodes}
        asked = {
            tracker.power_limits.remote(): hosts.get(node_id, node_id)
            for node_id, tracker in self._trackers_by_node().items()
        }
        return {asked[each]: ray.get(each) for each in _answered(asked, NODE_ANSWER_S)}

    def kinds(self) -> Kinds:
        """Return the kinds of device that trials train on."""
        return kinds_of(self.nodes, self.facts, self.share)

    def warnings(self) -> tuple[str, ...]:
        """Return warnings about the machines."""
        found = (*mix_warnings(self.kinds()), *idle_warnings(self.nodes, self.share))
        return found if self.reach is None else (*found, *reach_warnings(self.reach))

    def refreshed(self) -> "Cluster":
        """The cluster as it is now: with nodes that have joined, and idle power where it is known.

        Where a tracker does not answer any more, what it said before is kept.
        """
        facts = dict(self.facts)
        asked = {t.facts.remote(): node_id for node_id, t in self._trackers_by_node().items()}
        for answer in _answered(asked, self.answer_s):
            with contextlib.suppress(RayError):
                facts[asked[answer]] = ray.get(answer)
        joined = (node for node in _nodes() if node.node_id in facts)
        nodes = {node.node_id: node for node in (*self.nodes, *joined)}
        return replace(self, nodes=tuple(nodes.values()), facts=facts)

    def trackers(self) -> list[Handle]:
        """Return all trackers."""
        return list(self._trackers_by_node().values())

    def _trackers_by_node(self) -> dict[str, Handle]:
        """All trackers; none where the manager does not answer: a study ends well without."""
        try:
            found: dict[str, Handle] = ray.get(self.manager.trackers.remote(), timeout=10)
        except RayError as error:
            logging.getLogger(__name__).warning("the trackers' manager is gone: %s", error)
            return {}
        return found


def _answered(asked: Iterable[Any], answer_s: float) -> list[Any]:
    """Those of the questions to all trackers that were answered, or failed, in time."""
    waiting = list(asked)
    if not waiting:
        return []
    answered: list[Any] = ray.wait(waiting, num_returns=len(waiting), timeout=answer_s)[0]
    return answered


@contextlib.contextmanager
def connect(
    options: StudyOptions,
    folder: StudyFolder,
    *,
    accelerator: bool,
    ran_on: Collection[str] = (),
    early: EarlyRay | None = None,
) -> Iterator[Cluster]:
    """Reach Ray, or start one here, and put a tracker on each node that trials fit on.

    Args:
        options: `address`, resources of a trial, and what concerns machines and trackers.
        folder: The study's; it is found out which nodes see it.
        accelerator: Whether this machine's torch can train on an accelerator.
        ran_on: Names of the devices that trials of this study trained on before.
        early: A local Ray whose start has begun; it is ended at the end.

    Raises:
        ClusterError: Ray cannot be reached, has not what one trial needs or an option asks for, or
            a node has not the tracker that was asked for.
    """
    with contextlib.ExitStack() as ends:
        ends.enter_context(quiet_process())
        where = _where(options, early, ends)
        ends.callback(ray.shutdown)
        sent = where if isinstance(where, Upload) else None
        dashboard = start_ray(options, where)
        nodes = _nodes()
        if sent is not None:
            _unpacked(nodes)
        share = _share(options, nodes)
        check_resources(nodes, share)
        request = Request(
            tracker=tuple(
                str(Path(word).resolve()) if is_file(word) else word for word in options.tracker
            ),
            accelerator=share.gpus > 0 or accelerator,
            cpu_watts=options.cpu_watts,
            cpu_idle_watts=options.cpu_idle_watts,
            calibrations=()
            if options.calibration is None
            else (Calibration.read(options.calibration),),
        )
        manager = start_manager(request, sampling_hz=options.sampling_hz)
        facts = _start_trackers(manager, [node for node in nodes if share.workers_on(node)])
        if options.exclusive:
            _refuse_shared(facts.values())
        if options.mixed_devices == "refuse":
            refuse_mixed(kinds_of(nodes, facts, share), ran_on=ran_on)
            share = replace(share, accelerator=only_model(nodes, share))
        cluster = Cluster(
            nodes=nodes, share=share, manager=manager, facts=facts, sent=sent, dashboard=dashboard
        )
        with reached(folder, cluster if options.address else None) as reach:
            yield replace(cluster, reach=reach)


def _where(
    options: StudyOptions, early: EarlyRay | None, ends: contextlib.ExitStack
) -> Path | EarlyRay | Upload:
    """Return what travels to a cluster, or where a local Ray is or is to be, which is ended at the end."""
    if options.address:
        return upload_of(Path.cwd())
    if early is None:
        return ends.enter_context(private_ray())
    ends.callback(early.close)
    return early


def _share(options: StudyOptions, nodes: Iterable[Node]) -> Share:
    gpus = options.gpus_per_trial
    if gpus is None:
        may_have_one = options.device in {"auto", "cuda"}
        has_any = may_have_one and any(node.gpus >= 1 for node in nodes)
        gpus = float(options.workers) if has_any else 0.0
    return Share(
        cpus=options.cpus_per_trial, gpus=gpus, device=options.device, workers=options.workers
    )


def listed() -> list[dict[str, Any]]:
    """Return all machines that Ray has known, as it lists them."""
    listed: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return listed


def _nodes() -> tuple[Node, ...]:
    return tuple(Node.from_ray(node) for node in listed() if node["Alive"])


def pinned(node: Node) -> NodeAffinitySchedulingStrategy:
    """Return what has Ray run something on one machine and no other."""
    return NodeAffinitySchedulingStrategy(node.node_id, soft=False)


def _refuse_shared(facts: Iterable[TrackerFacts]) -> None:
    shared = [
        f"{each.hostname}: {device.name} ({device.uuid})"
        for each in facts
        for device in each.devices
        if device.shared
    ]
    if shared:
        message = (
            f"--exclusive: these boards are split by MIG, so that others may use them: "
            f"{'; '.join(shared)}. Switch MIG off (`nvidia-smi -mig 0`), or leave --exclusive out."
        )
        raise ClusterError(message)


def _unpacked(nodes: Iterable[Node]) -> None:
    """Wait until every machine has unpacked what was sent.

    Of several nodes on one machine each unpacks it anew into the same folder (Ray 2.60), and so takes away what
    processes of the others have begun to import.
    """
    nothing = ray.remote(num_cpus=0, max_retries=0)(lambda: None)
    asked = [nothing.options(scheduling_strategy=pinned(node)).remote() for node in nodes]
    ray.wait(asked, num_returns=len(asked), timeout=NODE_ANSWER_S)


def _start_trackers(manager: Handle, nodes: Iterable[Node]) -> dict[str, TrackerFacts]:
    """Start the nodes' trackers, all at once, and wait until they sample."""
    starting = {node: manager.tracker.remote(node.node_id) for node in nodes}
    asked = {node: _answer(node, tracker).facts.remote() for node, tracker in starting.items()}
    return {node.node_id: _answer(node, facts) for node, facts in asked.items()}


def _answer(node: Node, asked: Any) -> Any:  # noqa: ANN401 - whatever was asked for
    try:
        return ray.get(asked, timeout=TRACKER_START_S)
    except RayError as error:
        message = f"no tracker could be started on {node.hostname}: {error}"
        raise ClusterError(message) from error
