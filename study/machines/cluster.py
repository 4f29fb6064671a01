"""The machines of a study: connect to Ray, list its nodes, start a tracker on each.

A local Ray asks for a token, because it listens on the machine's network addresses; it has a dashboard only
on request and is shut down at the end. An existing cluster is left as it was.
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
from study.machines.storage_visibility import StorageVisibility, check_visibility
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
WHY_ENDED_S = 3.0
"""Seconds to wait for the trackers to say why a process ended; other trials' reports wait meanwhile."""

NODE_ANSWER_S = 60.0
"""Seconds to wait for a node's answer before the first trial; it starts a process to answer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cluster:
    """A cluster that the study is connected to, with its trackers.

    Attributes:
        nodes: Machines of the cluster.
        share: Resources that each trial gets.
        manager: Handle of the study's `TrackerManager`.
        facts: What each node's tracker measures, by Ray's node identifier; none where no trial fits.
        visibility: Which nodes can reach the study's folder; None while that is not known.
        sent: Files of the working folder that were sent to the nodes; None for a local Ray.
        dashboard: Address of Ray's dashboard and how to reach it, as text; None unless asked for.
        answer_s: Seconds to wait when all trackers are asked something.
    """

    nodes: tuple[Node, ...]
    share: Share
    manager: Handle
    facts: dict[str, TrackerFacts]
    visibility: StorageVisibility | None = None
    sent: Upload | None = None
    dashboard: str | None = None
    answer_s: float = ANSWER_S
    _asked: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return self.share.trials_on(self.nodes)

    def take_bookings(self) -> list[Booking]:
        """Return what the trackers have booked since the last call.

        All trackers are asked at once, for at most `answer_s` seconds. A later call takes a late answer:
        a tracker hands out each booking only once.
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
        """Run a function on every node at once.

        Args:
            function: Function from a module that the nodes can import.
            arguments: Its positional arguments.

        Returns:
            Each node with the function's result; None for a node that failed or was not in time.
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
        """Return why a trial's process ended, as far as a tracker knows; None if none does.

        If several processes trained the trial, this is why the first of them ended.
        """
        why = self._why_ended(trial_id)
        if why is None or f"({WORKER_LOST})" not in why:
            return why
        of_workers = filter(None, map(self._why_ended, self._parts(trial_id)))
        return next(of_workers, why)

    def _why_ended(self, name: str) -> str | None:
        asked = [tracker.why_ended.remote(name) for tracker in self.trackers()]
        for answer in _answered(asked, min(WHY_ENDED_S, self.answer_s)):
            with contextlib.suppress(RayError):
                told: str | None = ray.get(answer)
                if told is not None:
                    return told
        return None

    def release(self, trial_id: str) -> None:
        """Have the trackers close the windows that a trial which is gone left open."""
        for tracker in self.trackers():
            for name in (trial_id, *self._parts(trial_id)):
                tracker.release.remote(name)

    def _parts(self, trial_id: str) -> list[str]:
        """Return the names under which trackers know a trial's workers."""
        return [named_in_study(trial_id, rank) for rank in range(1, self.share.workers)]

    def node_facts(self) -> tuple[NodeFacts, ...]:
        """Return the facts of each machine for the manifest."""
        return tuple(node_facts(node, self.facts.get(node.node_id)) for node in self.nodes)

    def power_limits(self) -> dict[str, tuple[PowerLimits, ...]]:
        """Return the settable power limits of each machine's boards, by host name; for use before trials run."""
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
        """Return warnings about mixed devices, idle machines, and machines that cannot reach the storage."""
        found = (*mix_warnings(self.kinds()), *idle_warnings(self.nodes, self.share))
        return found if self.visibility is None else (*found, *self.visibility.warnings())

    def refreshed(self) -> "Cluster":
        """Return the cluster as it is now, with nodes that have joined and newly learnt idle power.

        For a tracker that no longer answers, its earlier facts are kept.
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
        """Return all trackers by node; none if their manager is gone, without which a study can still end."""
        try:
            found: dict[str, Handle] = ray.get(self.manager.trackers.remote(), timeout=10)
        except RayError as error:
            logging.getLogger(__name__).warning("the trackers' manager is gone: %s", error)
            return {}
        return found


def _answered(asked: Iterable[Any], answer_s: float) -> list[Any]:
    """Return the object references that were ready, or failed, within `answer_s` seconds."""
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
    """Connect to Ray, or start a local one, and start a tracker on each node that trials fit on.

    Args:
        options: Options of the command: `address`, resources of a trial, machines and trackers.
        folder: The study's folder; each node is asked whether it can reach it.
        accelerator: Whether torch on this machine can train on an accelerator.
        ran_on: Names of the devices that earlier trials of this study trained on.
        early: A local Ray that is already starting; it is closed at the end. None to start one here.

    Raises:
        ClusterError: Ray cannot be reached or lacks what a trial or an option needs, or a tracker cannot start.
    """
    with contextlib.ExitStack() as ends:
        ends.enter_context(quiet_process())
        where = _where(options, early, ends)
        ends.callback(ray.shutdown)
        sent = where if isinstance(where, Upload) else None
        dashboard = start_ray(options, where)
        nodes = _nodes()
        if sent is not None:
            _wait_for_upload(nodes)
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
        with check_visibility(folder, cluster if options.address else None) as visibility:
            yield replace(cluster, visibility=visibility)


def _where(
    options: StudyOptions, early: EarlyRay | None, ends: contextlib.ExitStack
) -> Path | EarlyRay | Upload:
    """Return what `start_ray` needs: the upload to a cluster, or the folder or start of a local Ray."""
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
    """Return all machines that Ray knows or has known, as `ray.nodes()` lists them."""
    listed: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return listed


def _nodes() -> tuple[Node, ...]:
    return tuple(Node.from_ray(node) for node in listed() if node["Alive"])


def pinned(node: Node) -> NodeAffinitySchedulingStrategy:
    """Return the scheduling strategy that makes Ray run something on this node only."""
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


def _wait_for_upload(nodes: Iterable[Node]) -> None:
    """Wait until every node has unpacked the working folder that was sent.

    Several nodes on one machine each unpack it into the same folder (Ray 2.60), and so delete files that
    processes of the other nodes may be importing at that moment.
    """
    nothing = ray.remote(num_cpus=0, max_retries=0)(lambda: None)
    asked = [nothing.options(scheduling_strategy=pinned(node)).remote() for node in nodes]
    ray.wait(asked, num_returns=len(asked), timeout=NODE_ANSWER_S)


def _start_trackers(manager: Handle, nodes: Iterable[Node]) -> dict[str, TrackerFacts]:
    """Start the trackers of all nodes at once, wait until they sample, and return their facts by node."""
    starting = {node: manager.tracker.remote(node.node_id) for node in nodes}
    asked = {node: _answer(node, tracker).facts.remote() for node, tracker in starting.items()}
    return {node.node_id: _answer(node, facts) for node, facts in asked.items()}


def _answer(node: Node, asked: Any) -> Any:  # noqa: ANN401 - whatever was asked for
    try:
        return ray.get(asked, timeout=TRACKER_START_S)
    except RayError as error:
        message = f"no tracker could be started on {node.hostname}: {error}"
        raise ClusterError(message) from error
