"""Measurement of Ray Train workers inside a trial: each measures itself, on the trial's bill."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any, final

import ray
from ray import train

from study.instrument.attempt_energy import (
    AttemptEnergy,
    WorkerAssignment,
    client_here,
    part_of_window,
    quietly,
)
from study.instrument.keeper import ANSWER_S
from study.record.tune_rows import STAGE
from study.store.parts import part_of
from trackers.meter.accelerators import wait_for_accelerators
from trackers.node.ledger import TRIAL, WindowKey

Loop = Callable[..., Any]

_log = logging.getLogger(__name__)
_present: AttemptEnergy | None = None


def set_present(energy: AttemptEnergy | None) -> None:
    """Set the attempt that runs in this process; None when it has ended."""
    global _present  # noqa: PLW0603 - a process runs one trial at a time
    _present = energy


def measured_loop(train_loop_per_worker: Loop) -> Loop:
    """Return a `train_loop_per_worker` that behaves the same and whose energy is charged to its trial.

    Call it inside a trainable that was given to `measured`. The energy is summed over the workers, on
    whatever machines and boards they run; each epoch ends with `ray.train.report`. Outside a measured trial
    the loop is returned as it is, with a warning.

    Args:
        train_loop_per_worker: Loop for a Ray Train trainer, with or without a `config` argument.

    Examples:
        It needs a running trial and Ray Train:

        ```python
        def train(config):
            scaling = ScalingConfig(num_workers=2, use_gpu=True)
            TorchTrainer(measured_loop(train_loop), scaling_config=scaling).fit()


        tune.Tuner(measured(train)).fit()
        ```
    """
    assignment = None if _present is None else _present.worker_assignment()
    if assignment is None:
        _log.warning("measured_loop is not in a measured trial: its workers are not measured")
        return train_loop_per_worker

    @wraps(train_loop_per_worker)
    def loop(*config: Any) -> Any:  # noqa: ANN401 - same signature as the wrapped loop
        worker = quietly(lambda: WorkerEnergy(assignment))
        try:
            return train_loop_per_worker(*config)
        finally:
            if worker is not None:
                worker.end()

    return loop


@final
class WorkerEnergy:
    """Windows of one worker: one over its whole run, and one for each report."""

    def __init__(self, assignment: WorkerAssignment) -> None:
        """Start measuring this process for the trial that `assignment` describes."""
        self._assignment = assignment
        self._epoch = assignment.epoch
        rank = train.get_context().get_world_rank()
        joined = assignment.keeper.join_worker.remote(assignment.trial_id, assignment.attempt, rank)
        self._part = ray.get(joined, timeout=ANSWER_S)
        self._client = client_here(assignment.keeper)
        self._open(TRIAL, 0)
        self._open(STAGE, self._epoch)
        quietly(lambda: _follow_reports(self))

    @contextmanager
    def on_report(self) -> Iterator[None]:
        """End an epoch before it is reported, and begin the next once the report has been made."""
        quietly(self._report)
        try:
            yield
        finally:
            self._epoch += 1
            quietly(lambda: self._open(STAGE, self._epoch))

    def end(self) -> None:
        """Close the open windows."""
        quietly(lambda: self._close(STAGE, self._epoch))
        quietly(lambda: self._close(TRIAL, 0))
        quietly(lambda: self._client.readings(self._key(TRIAL, 0)))  # waits until it is booked

    def _report(self) -> None:
        self._close(STAGE, self._epoch)
        used = part_of_window(self._client, self._key(STAGE, self._epoch))
        assignment = self._assignment
        sent = assignment.keeper.report.remote(
            assignment.trial_id, assignment.attempt, self._epoch, self._part, used
        )
        ray.get(sent, timeout=ANSWER_S)

    def _open(self, stage: str, epoch: int) -> None:
        self._client.open(self._key(stage, epoch))

    def _close(self, stage: str, epoch: int) -> None:
        wait_for_accelerators()
        self._client.close(self._key(stage, epoch))

    def _key(self, stage: str, epoch: int) -> WindowKey:
        return WindowKey(
            trial_id=part_of(self._assignment.trial_id, self._part),
            attempt=self._assignment.attempt,
            stage=stage,
            epoch=epoch,
        )


def _follow_reports(worker: WorkerEnergy) -> None:
    """Make Ray Train enter `worker.on_report` around each report of this worker.

    Train's hook for that is private; if it cannot be installed, the worker is measured only as a whole.
    """
    hooks: Any = import_module("ray.train.v2._internal.execution.callback")
    context: Any = import_module("ray.train.v2._internal.execution.context")
    hook = type(
        "EnergyHook", (hooks.TrainContextCallback,), {"on_report": lambda _: worker.on_report()}
    )
    context.get_train_context().execution_context.train_context_callbacks.append(hook())
