"""One of the processes beside the trial's own: does the same, on its part of every batch.

It takes a step when the first process does, so that a trial that is stopped between two epochs leaves
nobody waiting for anybody.
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
from study.training.ranks import Ranks, join, leave, meeting
from study.training.stage import StageState
from study.training.stages import EncoderWeights
from trackers.node.actor import Handle
from trackers.node.last_words import leave_last_words
from trackers.node.orphans import end_with_parent

ANSWERED_S = 3.0
"""Time in which an answer has reached who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """Outcome of a step.

    Attributes:
        part: What this process used in it; None where the stage had ended before.
        error: What went wrong, as a traceback; None where nothing did.
        is_out_of_memory: Whether that was memory that did not suffice.
    """

    part: ProcessPart | None = None
    error: str | None = None
    is_out_of_memory: bool = False


@final
class Worker:
    """An actor in the placement group of the trial, which owns it."""

    def __init__(self) -> None:
        """Wait to be given something to do; end with Ray, however it ends."""
        end_with_parent()
        leave_last_words()
        self._ranks = Ranks()
        self._open = ExitStack()
        self._plan: TrialPlan | None = None
        self._context: TrialContext | None = None
        self._data: Any = None
        self._meter: TrialMeter | None = None
        self._outcomes: Iterator[EpochOutcome] = iter(())

    def join(self, ranks: Ranks, host: str, port: int, device: str) -> None:
        """Meet the others at a place that the first one has opened."""
        self._ranks = ranks
        join(ranks, meeting(host, port), torch_device(device))

    def begin(
        self, plan: TrialPlan, context: TrialContext, data: list[Any], manager: Handle
    ) -> None:
        """Begin a trial: its windows are open.

        Args:
            plan: The trial.
            context: What all trials share.
            data: A reference to the study's data in the object store, in a list so that it is one.
            manager: The study's `TrackerManager`.
        """
        self.end()
        own = replace(plan, trial_id=named_in_study(plan.trial_id, self._ranks.rank))
        self._plan, self._context = plan, context
        self._data = ray.get(data[0])
        self._meter = meter_here(own, context, manager)
        self._open.enter_context(self._meter.trial())

    def stage(self, told: tuple[str, StageState | None, EncoderWeights | None]) -> None:
        """Get ready for a stage, which begins with the first step.

        Args:
            told: Its name, the state to go on from, and what an encoder has learnt before.
        """
        self._outcomes = self._stage(*told)

    def step(self) -> StepOutcome:
        """Train the next epoch."""
        try:
            outcome = next(self._outcomes, None)
        except Exception:  # noqa: BLE001 - the first process says what becomes of it
            _retire()
            meter = self._meter
            part = None if meter is None else meter.part(meter.epoch)
            return StepOutcome(part=part, error=traceback.format_exc())
        if outcome is None or self._meter is None:
            return StepOutcome()
        part = self._meter.part(outcome.epoch)
        if outcome.stop_reason is StopReason.OUT_OF_MEMORY:
            _retire()
            return StepOutcome(part=part, error="out of memory", is_out_of_memory=True)
        return StepOutcome(part=part)

    def end(self) -> None:
        """End the trial: its windows are closed."""
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


def _retire() -> None:
    """Talk to the others no more, and end this process when they have been answered.

    A group of gloo's is only left for good when its process ends.
    """
    leave()
    threading.Timer(ANSWERED_S, os._exit, args=[1]).start()
