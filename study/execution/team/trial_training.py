"""Training of a trial in one process: its stages one after another, each epoch in a window.

A trial that several processes train together has one `TrialTraining` in each of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import ray

from study.axes.kinds import POWER_LIMIT
from study.axes.variants import variant_of
from study.execution.trial_meter import TrialMeter
from study.machines.storage_visibility import StorageVisibility
from study.record.objective import Objective
from study.record.vocabulary import EnergyScope, Paradigm
from study.scenario import Data, Scenario
from study.store.setups import TrialPlan
from study.store.stage_order import chosen_stages
from study.training.devices import (
    accelerator_uuid,
    peak_memory_bytes,
    reset_device,
    synchronize,
    torch_device,
)
from study.training.loop import EpochOutcome, train
from study.training.ranks import ALONE, Ranks
from study.training.recipe import Precision, TrainingSettings
from study.training.stage import StageState
from study.training.stages import EncoderWeights, StageTasks
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContext:
    """Values that all trials of a study share.

    Attributes:
        study: Name of the study.
        paradigm: Kind of comparison that the study makes.
        scenario: Scenario with its options applied.
        objective: Validation metric that decides.
        energy_of: Scope of the energy that ranks.
        stages: Stages that each trial trains, in an order that its seed decides.
        cache_latents: See `StageTasks`.
        max_epochs: See `TrainingSettings`.
        patience: See `TrainingSettings`.
        optimizer: See `TrainingSettings`.
        precision: See `TrainingSettings`.
        compiled: See `TrainingSettings`.
        accumulate: See `TrainingSettings`.
        clip_norm: See `TrainingSettings`.
        validate_every: See `TrainingSettings`.
        power_limits: Values of `--power-limits`: limits in watts, or `auto`, that each training measures
            to continue with the cheapest; empty for none.
        device: The value of `--device`.
        workers: Number of processes that train a trial together.
        threads: Number of CPU threads of each process.
        storage: The study's folder, for checkpoints and journals; None to keep none.
        checkpoint_every_s: Minimum time between two checkpoints of a trial, in seconds.
        report_every_s: Time in seconds for which a trial collects rows into one report; 0 to report each
            epoch at once.
    """

    study: str
    paradigm: Paradigm
    scenario: Scenario
    objective: Objective
    energy_of: EnergyScope
    stages: tuple[str, ...]
    cache_latents: bool
    max_epochs: int
    patience: int
    optimizer: str
    device: str
    threads: int
    storage: StorageVisibility | None
    checkpoint_every_s: float
    precision: Precision = "fp32"
    compiled: bool = False
    accumulate: int = 1
    clip_norm: float | None = None
    validate_every: float | None = None
    workers: int = 1
    power_limits: tuple[str, ...] = ()
    report_every_s: float = 0.0


@final
class TrialTraining:
    """The training of one trial in this process; creating it clears what the previous trial left."""

    def __init__(
        self,
        plan: TrialPlan,
        context: TrialContext,
        data: Data,
        meter: TrialMeter,
        *,
        ranks: Ranks = ALONE,
        encoder_weights: EncoderWeights | None = None,
    ) -> None:
        """Prepare to train the trial `plan`.

        Args:
            plan: The trial.
            context: Values shared by all trials of the study.
            data: Data to train on.
            meter: Meter of this process's energy.
            ranks: Rank of this process among those that train the trial together.
            encoder_weights: Weights from an encoder stage that has ended; None if there are none.
        """
        self.device = torch_device(context.device)
        reset_device(self.device, threads=context.threads)
        if POWER_LIMIT in plan.chosen:
            meter.limit_power(plan.chosen[POWER_LIMIT])
        scenario, data = variant_of(context.scenario, data, plan.chosen)
        self._tasks = StageTasks(
            scenario=scenario,
            data=data,
            parameters=plan.chosen,
            cache_latents=context.cache_latents,
            from_scratch=context.paradigm is Paradigm.PRETRAINING,
            encoder_weights=encoder_weights,
        )
        self._settings = TrainingSettings(
            batch_size=plan.batch_size_and_rate[0],
            learning_rate=plan.batch_size_and_rate[1],
            max_epochs=context.max_epochs,
            patience=context.patience,
            optimizer=plan.chosen.get("optimizer", context.optimizer),
            seed=plan.seed,
            weight_decay=plan.chosen.get("weight_decay"),
            precision=plan.chosen.get("precision", context.precision),
            compiled=plan.chosen.get("compile", context.compiled),
            accumulate=context.accumulate,
            clip_norm=context.clip_norm,
            validate_every=context.validate_every,
        )
        self._context = context
        self._meter = meter
        self._ranks = ranks

    @property
    def encoder_weights(self) -> EncoderWeights | None:
        """Weights learnt in the stage `encoder`; None before it has ended."""
        return self._tasks.encoder_weights

    def stage(
        self,
        stage: str,
        *,
        begin: StageState | None,
        earlier: Sequence[Mapping[str, Any]] = (),
        cause: Callable[[Exception], Exception] = lambda error: error,
    ) -> Iterator[EpochOutcome]:
        """Train a stage, and yield the outcome of each epoch.

        Args:
            stage: Name of the stage.
            begin: State to continue from; None to begin the stage. See `study.training.loop.train`.
            earlier: Results reported so far; see `TrialMeter.begin_profile`.
            cause: Maps an error of this process to its cause; see `study.training.loop.train`.
        """
        meter, context = self._meter, self._context
        meter.stage, meter.epoch = stage, 1 if begin is None else int(begin["epoch"]) + 1
        meter.begin_profile(
            context.power_limits,
            context.energy_of,
            batch_size=self._settings.batch_size,
            earlier=earlier,
            synchronize=partial(synchronize, self.device),
        )
        for outcome in train(
            partial(self._tasks.start, stage),
            self._settings,
            device=self.device,
            window=meter.window,
            latents=meter.latents,
            tested=meter.tested,
            begin=begin,
            at_step=None if meter.profile is None else meter.profile.at_step,
            ranks=self._ranks,
            cause=cause,
        ):
            meter.peak_memory_bytes = peak_memory_bytes(self.device)
            if outcome.stop_reason is not None:
                self._tasks.finish()
            yield outcome


def meter_here(plan: TrialPlan, context: TrialContext, manager: Handle) -> TrialMeter:
    """Return the meter of this process for a trial, connected to the tracker of its node.

    Args:
        plan: The trial, with the identifier under which trackers know this process.
        context: Values shared by all trials of the study.
        manager: Handle of the study's `TrackerManager`.
    """
    assigned: list[str] = ray.get_runtime_context().get_accelerator_ids().get("GPU", [])
    client = TrackerClient(
        manager,
        accelerator_uuid=accelerator_uuid(assigned),
        on_accelerator=torch_device(context.device).type != "cpu",
    )
    return TrialMeter(plan, client, first_stage=chosen_stages(context.stages, plan.chosen)[0])
