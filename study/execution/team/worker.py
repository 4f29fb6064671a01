"""A worker: a process that trains a trial together with the trial's own, on its part of every batch.

It trains an epoch only when rank 0 asks for one, so that stopping a trial between two epochs leaves no
process waiting for another.
"""

import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, final

import ray

from study.execution.charge import ProcessPart
from study.execution.team.trial_training import TrialContext, TrialTraining, meter_here
from study.execution.trial_meter import TrialMeter
from study.record.vocabulary import StopReason
from study.store.parts import named_in_study
from study.store.setups import TrialPlan
from study.training.devices import torch_device
from study.training.loop import EpochOutcome
from study.training.ranks import Ranks, abort_group, join_group, rendezvous_store
from study.training.stage import StageState
from study.training.stages import EncoderWeights
from trackers.node.actor import Handle
from trackers.node.exit_reason import announce_os_exit
from trackers.node.orphans import end_with_parent

EXIT_DELAY_S = 3.0
"""Seconds after which an answer has surely reached rank 0, so that this process may exit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """Outcome of a step (one epoch) in a worker.

    Attributes:
        part: Energy and memory that this process used in it; None if the stage had ended before, or
            it is not known.
        error: Traceback or description of what went wrong; None if nothing did.
        is_out_of_memory: Whether the error was running out of memory.
    """

    part: ProcessPart | None = None
    error: str | None = None
    is_out_of_memory: bool = False


@final
class Worker:
    """Actor in the placement group of the trial, owned by the trial's process."""

    def __init__(self) -> None:
        """Start idle, and have this process end when its Ray does."""
        end_with_parent()
        announce_os_exit()
        self._ranks = Ranks()
        self._open = ExitStack()
        self._plan: TrialPlan | None = None
        self._context: TrialContext | None = None
        self._data: Any = None
        self._meter: TrialMeter | None = None
        self._outcomes: Iterator[EpochOutcome] = iter(())

    def join(self, ranks: Ranks, host: str, port: int, device: str) -> None:
        """Join the process group through the store that rank 0 has opened at `host` and `port`."""
        self._ranks = ranks
        join_group(ranks, rendezvous_store(host, port), torch_device(device))

    def begin(
        self, plan: TrialPlan, context: TrialContext, data: list[Any], manager: Handle
    ) -> None:
        """Begin a trial, and open the windows of this process over it.

        Args:
            plan: The trial.
            context: Values shared by all trials of the study.
            data: Object reference of the study's data, in a list so that Ray does not resolve it.
            manager: Handle of the study's `TrackerManager`.
        """
        self.end()
        own = replace(plan, trial_id=named_in_study(plan.trial_id, self._ranks.rank))
        self._plan, self._context = plan, context
        self._data = ray.get(data[0])
        self._meter = meter_here(own, context, manager)
        self._open.enter_context(self._meter.trial())

    def stage(self, told: tuple[str, StageState | None, EncoderWeights | None]) -> None:
        """Prepare a stage; training begins with the first step.

        Args:
            told: Name of the stage, the state to continue from (None to begin), and the weights of
                an encoder trained before (None if there are none).
        """
        self._outcomes = self._stage(*told)

    def step(self) -> StepOutcome:
        """Train the next epoch; an exception is returned as part of the outcome."""
        try:
            outcome = next(self._outcomes, None)
        except Exception:  # noqa: BLE001 - rank 0 decides what follows from it
            _leave_and_exit()
            meter = self._meter
            part = None if meter is None else meter.part(meter.epoch)
            return StepOutcome(part=part, error=traceback.format_exc())
        if outcome is None or self._meter is None:
            return StepOutcome()
        part = self._meter.part(outcome.epoch)
        if outcome.stop_reason is StopReason.OUT_OF_MEMORY:
            _leave_and_exit()
            return StepOutcome(part=part, error="out of memory", is_out_of_memory=True)
        return StepOutcome(part=part)

    def end(self) -> None:
        """End the trial, and close its windows."""
        self._outcomes = iter(())
        self._data = None
        self._open.close()

    def _stage(
        self, stage: str, begin: StageState | None, encoder_weights: EncoderWeights | None
    ) -> Iterator[EpochOutcome]:
        if self._plan is None or self._context is None or self._meter is None:
            message = "a worker was given a stage before a trial"
            raise RuntimeError(message)
        training = TrialTraining(
            self._plan,
            self._context,
            self._data,
            self._meter,
            ranks=self._ranks,
            encoder_weights=encoder_weights,
        )
        yield from training.stage(stage, begin=begin)


def _leave_and_exit() -> None:
    """Leave the process group, and exit once rank 0 has the answer.

    A process fully leaves a gloo group only by exiting.
    """
    abort_group()
    threading.Timer(EXIT_DELAY_S, os._exit, args=[1]).start()
