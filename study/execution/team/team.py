"""The team of processes that trains a trial: formed once, in step with each other, lost as one.

    Tune --starts--> the trial's process, rank 0, in the first bundle of its placement group
    it   --owns----> a Worker in each other bundle, for all trials that the process runs in turn

If a worker is lost, the trial's process ends itself too, since collective operations would wait for the
worker forever. A trial of several processes is thus lost and rerun in the same way as one of a single
process.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, final

import ray
from ray.exceptions import RayError
from ray.util import get_current_placement_group, get_node_ip_address
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from study.execution.charge import ProcessPart
from study.execution.team.trial_training import TrialContext, TrialTraining
from study.execution.team.worker import StepOutcome, Worker
from study.record.vocabulary import StopReason
from study.store.parts import WORKER_LOST
from study.store.setups import TrialPlan
from study.training.devices import torch_device
from study.training.loop import EpochOutcome
from study.training.ranks import Ranks, abort_group, join_group, rendezvous_store
from study.training.stage import StageState
from trackers.node.actor import Handle

ANSWER_S = 20.0
"""Seconds to wait for the answer of a worker that may have failed, or only has to close its windows."""

CHECK_EVERY_S = 1.0

_UNKNOWN = ProcessPart.missing(note="a worker has not said what it used")

_log = logging.getLogger(__name__)
_team: "Team | None" = None


class WorkerFailedError(Exception):
    """A worker's training raised an exception; the message is its traceback."""


@final
class Team:
    """The processes that train a trial, controlled from the trial's own process (rank 0).

    Attributes:
        parts: Energy and memory that the workers used in the last epoch, in order of rank.
    """

    def __init__(self, count: int = 1, *, device: str = "cpu") -> None:
        """Train with `count` processes, including this one, on `device` (the value of `--device`)."""
        self.parts: tuple[ProcessPart, ...] = ()
        self._count = count
        self._device = device
        self._workers: list[Handle] = []
        self._steps: list[Any] = []
        self._trial: tuple[Any, ...] | None = None

    @property
    def ranks(self) -> Ranks:
        """Rank of this process, 0, and the number of processes."""
        return Ranks(rank=0, count=self._count)

    def form(self) -> None:
        """Start the workers and join their process group, unless that is done already.

        Raises:
            RuntimeError: This process is not in a placement group with a bundle for each process.
        """
        if self._count == 1 or self._workers:
            return
        group = get_current_placement_group()
        if group is None or len(group.bundle_specs) < self._count:
            message = f"the trial's process is not in a placement group of {self._count} bundles"
            raise RuntimeError(message)
        for number, bundle in enumerate(group.bundle_specs[: self._count]):
            if number:
                made: Any = ray.remote(Worker).options(
                    num_cpus=bundle.get("CPU", 0),
                    num_gpus=bundle.get("GPU", 0),
                    scheduling_strategy=PlacementGroupSchedulingStrategy(
                        group, placement_group_bundle_index=number
                    ),
                )
                self._workers.append(made.remote())
        host = get_node_ip_address()  # type: ignore[no-untyped-call]
        store = rendezvous_store(host)
        joining = [
            worker.join.remote(
                Ranks(rank=number, count=self._count), host, store.port, self._device
            )
            for number, worker in enumerate(self._workers, start=1)
        ]
        with _watched(joining):
            join_group(self.ranks, store, torch_device(self._device))
            _answers(joining)
        if self._trial is not None:
            self._begin()

    @contextmanager
    def trial(
        self, plan: TrialPlan, context: TrialContext, data: list[Any], manager: Handle
    ) -> Iterator[None]:
        """Begin an attempt in all workers, which open their windows over it; end it there at the end.

        Args:
            plan: The trial.
            context: Values shared by all trials of the study.
            data: A list holding the object reference of the data; see `Worker.begin`.
            manager: Handle of the study's `TrackerManager`.
        """
        self._trial = (plan, context, data, manager)
        self._begin()
        try:
            yield
        finally:
            self._trial = None
            ended = [worker.end.remote() for worker in self._workers]
            if ended:
                ray.wait(ended, num_returns=len(ended), timeout=ANSWER_S)

    def train(
        self,
        training: TrialTraining,
        stage: str,
        *,
        begin: StageState | None,
        earlier: Sequence[Mapping[str, Any]] = (),
    ) -> Iterator[EpochOutcome]:
        """Train a stage with all processes in step; yield the outcome of each epoch.

        Args:
            training: The trial's training in this process.
            stage: Name of the stage.
            begin: State to continue from; see `study.training.loop.train`.
            earlier: Results that the trial has reported so far.

        Raises:
            WorkerFailedError: The training of a worker raised an exception, and this process's did not.
        """
        self.form()
        told = ray.put((stage, begin, training.encoder_weights)) if self._workers else None
        for worker in self._workers:
            worker.stage.remote(told)
        outcomes = training.stage(stage, begin=begin, earlier=earlier, cause=self._cause)
        begin = told = None  # free the memory of the state, which may be large
        while (outcome := self._step(outcomes)) is not None:
            yield outcome

    def _step(self, outcomes: Iterator[EpochOutcome]) -> EpochOutcome | None:
        self.parts = (_UNKNOWN,) * (self._count - 1)
        self._steps = [worker.step.remote() for worker in self._workers]
        try:
            with _watched(self._steps):
                outcome = next(outcomes, None)
                is_cut = outcome is not None and outcome.stop_reason is StopReason.OUT_OF_MEMORY
                steps = self._leave_group() if is_cut else _answers(self._steps)
        except Exception:
            self._leave_group()
            self._dissolve()
            raise
        self.parts = tuple(step.part or _UNKNOWN for step in steps)
        errors = [step.error for step in steps if step.error is not None]
        if is_cut or errors:
            self._dissolve()
        if errors and not is_cut:
            raise WorkerFailedError(errors[0])
        return outcome

    def _leave_group(self) -> list[StepOutcome]:
        """Leave the process group after a failed step, so that no worker waits for this process.

        Returns:
            Outcomes of the workers; an empty one for a worker that does not answer in time.
        """
        if not self._steps:
            return []
        abort_group()
        ready, _ = ray.wait(self._steps, num_returns=len(self._steps), timeout=ANSWER_S)
        steps = [_answers([each])[0] if each in ready else StepOutcome() for each in self._steps]
        self.parts = tuple(step.part or _UNKNOWN for step in steps)
        return steps

    def _cause(self, error: Exception) -> Exception:
        """Return the cause of an error in this process, which may be the failure of a worker."""
        ready = ray.wait(self._steps, num_returns=1, timeout=ANSWER_S)[0] if self._steps else []
        for step in _answers(ready):
            if step.is_out_of_memory:
                return MemoryError(step.error)
            if step.error is not None:
                return WorkerFailedError(step.error)
        return error

    def _begin(self) -> None:
        begun = [worker.begin.remote(*(self._trial or ())) for worker in self._workers]
        _answers(begun)

    def _dissolve(self) -> None:
        """Kill the workers: they may be waiting for messages that never come."""
        workers, self._workers = self._workers, []
        for worker in workers:
            ray.kill(worker)
        abort_group()


def team_here(count: int, *, device: str) -> Team:
    """Return the team of this process, formed; it is kept for all trials that the process runs."""
    global _team  # noqa: PLW0603 - the processes are one team for as long as they live
    if _team is None:
        _team = Team(count, device=device)
    _team.form()
    return _team


def _answers(asked: Sequence[Any]) -> list[Any]:
    """Return the workers' answers; end this process if one is lost."""
    try:
        return [ray.get(each) for each in asked]
    except RayError as error:
        _end_with(error)


@contextmanager
def _watched(asked: Sequence[Any]) -> Iterator[None]:
    """Watch the workers' calls while this process trains.

    This process is ended if a worker is lost, or if one has failed and this process does not notice.
    """
    if not asked:
        yield
        return
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(list(asked), done), name="workers", daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()


def _watch(asked: list[Any], done: threading.Event) -> None:
    while asked and not done.is_set():
        ready, asked = ray.wait(asked, num_returns=1, timeout=CHECK_EVERY_S)
        for step in _answers(ready):
            if not isinstance(step, StepOutcome) or step.error is None or done.wait(ANSWER_S):
                continue
            with suppress(Exception):
                abort_group()  # makes a blocked NCCL call in this process return
            if not done.wait(ANSWER_S):
                _end_with(step.error)


def _end_with(error: object) -> NoReturn:
    """Exit this process as if it had been lost, so that Tune reports it and the trial is rerun."""
    _log.error("a worker of the trial was lost: %s", error)
    os._exit(WORKER_LOST)
