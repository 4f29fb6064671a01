"""What Ray Tune runs for each trial: a training between windows, one report per epoch.

A process runs many trials one after another (`reuse_actors`), so each begins by clearing what the
one before left. Nothing that is expected raises: memory that does not suffice and a loss that is
not finite are results, and so is any other error of a trial, because with reused processes a trial
that raises can leave its accelerator idle for the rest of the study.
"""

import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import ray
from ray import tune

from study.checkpoints import Checkpoint
from study.devices import accelerator_uuid, peak_memory_bytes, start_afresh, torch_device
from study.records import (
    J_PER_MWH,
    J_PER_WH,
    LATENTS,
    EnergyMethod,
    EnergyStatus,
    EpochRecord,
    Paradigm,
    Stage,
    StopReason,
)
from study.scenario import Data, Searchable, load_scenario
from study.setups import TrialPlan
from study.stage_order import chosen_stages, ordered, still_to_train
from study.stages import StageTasks
from study.storage_reach import Reach
from study.training import EpochOutcome, TrainingSettings, train
from trackers.actor import Handle
from trackers.client import TrackerClient
from trackers.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContext:
    """What all trials of a study share.

    Attributes:
        study: Name of the study.
        paradigm: What it compares.
        scenario: The value of `--scenario`.
        stages: What each trial trains, in an order that its seed decides.
        cache_latents: See `StageTasks`.
        max_epochs: See `TrainingSettings`.
        patience: See `TrainingSettings`.
        optimizer: See `TrainingSettings`.
        device: The value of `--device`.
        threads: CPU threads of a trial.
        storage: The study's folder, for checkpoints; None where none are to be kept.
        checkpoint_every_s: At least so long from one checkpoint of a trial to the next.
    """

    study: str
    paradigm: Paradigm
    scenario: str
    stages: tuple[Stage, ...]
    cache_latents: bool
    max_epochs: int
    patience: int
    optimizer: str
    device: str
    threads: int
    storage: Reach | None
    checkpoint_every_s: float


def run_trial(
    config: dict[str, Any], *, context: TrialContext, data: Data, manager: Handle
) -> None:
    """One trial: train its stages, measure, report. Tune's function trainable.

    Args:
        config: A `TrialPlan`.
        context: What all trials share.
        data: From the object store, read without copying.
        manager: The study's `TrackerManager`.
    """
    plan = TrialPlan.from_config(config)
    client = TrackerClient(
        manager,
        accelerator_uuid=accelerator_uuid(_assigned()),
        on_accelerator=torch_device(context.device).type != "cpu",
    )
    stages = chosen_stages(context.stages, plan.chosen)
    meter = TrialMeter(plan, client, first_stage=stages[0])
    energy_j = plan.energy_before_j
    with meter.trial():
        checkpoint = _checkpoint(plan, context)
        for report in checkpoint.reports:
            tune.report(report)  # once more, because the driver may not have lived to write it
        try:
            for outcome in _outcomes(plan, stages, context, data, meter, checkpoint):
                record = _record(outcome, plan, context, data, meter, energy_before_j=energy_j)
                energy_j = record.energy_j
                report = _metrics(record, outcome)
                checkpoint.reports.append(report)
                tune.report(report)
        except Exception:  # noqa: BLE001 - see the module's first lines
            outcome = _failed(meter.epoch)
            record = _record(outcome, plan, context, data, meter, energy_before_j=energy_j)
            tune.report(_metrics(record, outcome, error=traceback.format_exc()))
        checkpoint.remove()


def _checkpoint(plan: TrialPlan, context: TrialContext) -> Checkpoint:
    # Not on a machine's own disk, where another study of this name may have left some.
    storage = context.storage
    folder = storage.folder() if storage is not None and storage.here() else None
    return Checkpoint.of_attempt(
        folder, plan.trial_id, attempt=plan.attempt, every_s=context.checkpoint_every_s
    )


def _assigned() -> list[str]:
    """The boards that Ray has assigned to this process."""
    assigned: list[str] = ray.get_runtime_context().get_accelerator_ids().get("GPU", [])
    return assigned


def _outcomes(
    plan: TrialPlan,
    stages: tuple[Stage, ...],
    context: TrialContext,
    data: Data,
    meter: "TrialMeter",
    checkpoint: Checkpoint,
) -> Iterator[EpochOutcome]:
    """The outcomes of all stages that are not through, one stage after another."""
    device = torch_device(context.device)
    start_afresh(device, threads=context.threads)
    scenario = load_scenario(context.scenario)
    tasks = StageTasks(
        scenario=scenario,
        data=scenario.chosen(data, plan.chosen) if isinstance(scenario, Searchable) else data,
        parameters=plan.chosen,
        cache_latents=context.cache_latents,
        from_scratch=context.paradigm is Paradigm.PRETRAINING,
        encoder_weights=checkpoint.encoder_weights,
    )
    settings = TrainingSettings(
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        max_epochs=context.max_epochs,
        patience=context.patience,
        optimizer=plan.chosen.get("optimizer", context.optimizer),
        seed=plan.seed,
        weight_decay=plan.chosen.get("weight_decay"),
    )
    order = ordered(stages, seed=plan.seed)
    while remaining := still_to_train(order, checkpoint.ended):
        meter.stage, meter.epoch = remaining[0], 1
        for outcome in train(
            partial(tasks.start, meter.stage),
            settings,
            device=device,
            window=meter.window,
            latents=meter.latents,
            begin=checkpoint.take_under_way(),
        ):
            meter.peak_memory_bytes = peak_memory_bytes(device)
            yield outcome
            if outcome.state is not None:
                checkpoint.epoch_done(outcome.state)
            if outcome.stop_reason is not None:
                tasks.finish()
                checkpoint.stage_done(
                    meter.stage, outcome.stop_reason, encoder_weights=tasks.encoder_weights
                )


def _failed(epoch: int) -> EpochOutcome:
    return EpochOutcome(
        epoch=epoch, train_loss=None, val_loss=None, val_metrics={}, stop_reason=StopReason.ERROR
    )


def _record(
    outcome: EpochOutcome,
    plan: TrialPlan,
    context: TrialContext,
    data: Data,
    meter: "TrialMeter",
    *,
    energy_before_j: float | None,
) -> EpochRecord:
    """The outcome and its reading as one row."""
    reading, duration_s = meter.take(outcome.epoch)
    epoch_j = reading.energy_j
    finished = outcome.train_loss is not None
    return EpochRecord(
        study=context.study,
        trial_id=plan.trial_id,
        attempt=plan.attempt,
        node=socket.gethostname(),
        device_uuid=meter.client.device.uuid if meter.client.device else "",
        device_name=meter.client.device.name if meter.client.device else "",
        paradigm=context.paradigm,
        scenario=load_scenario(context.scenario).name,
        stage=meter.stage,
        setup=plan.setup,
        batch_size=plan.batch_size,
        effective_batch_size=min(plan.batch_size, len(data.train)),
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        epoch=outcome.epoch,
        train_loss=outcome.train_loss,
        val_loss=outcome.val_loss,
        val_accuracy=outcome.val_metrics.get("accuracy"),
        val_accuracy_attributes=outcome.val_metrics.get("attributes"),
        val_accuracy_identity=outcome.val_metrics.get("identity"),
        epoch_time_s=duration_s,
        epoch_energy_j=epoch_j,
        energy_j=None if epoch_j is None or energy_before_j is None else energy_before_j + epoch_j,
        mean_power_w=reading.mean_power_w,
        energy_method=None if reading.method is None else EnergyMethod(reading.method.value),
        energy_status=EnergyStatus(reading.status.value),
        coverage=reading.coverage,
        uncertainty_j=reading.uncertainty_j,
        power_samples=reading.power_samples,
        samples_per_s=len(data.train) / duration_s if finished and duration_s > 0 else None,
        peak_memory_bytes=meter.peak_memory_bytes,
        stop_reason=outcome.stop_reason,
        parameters=plan.parameters,
        counter_over_power=reading.counter_over_power,
        shared_by=reading.shared_by,
        temperature_c=reading.state.temperature_c,
        sm_clock_hz=reading.state.sm_clock_hz,
        utilization=reading.state.utilization,
        power_limit_w=reading.state.power_limit_w,
    )


def _metrics(
    record: EpochRecord, outcome: EpochOutcome, *, error: str | None = None
) -> dict[str, Any]:
    """What Tune, TensorBoard and schedulers see: the record, the paper's units, the other heads.

    Every report has the same keys, because Tune's `progress.csv` has the columns of the first.
    """
    heads = {
        f"val_{name}": value for name, value in outcome.val_metrics.items() if name != "accuracy"
    }
    return {
        **record.to_row(),
        "epoch_energy_mwh": _over(record.epoch_energy_j, J_PER_MWH),
        "energy_wh": _over(record.energy_j, J_PER_WH),
        **heads,
        "error": error,
    }


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


@final
class TrialMeter:
    """The windows of one attempt: over all of it, over its set-up, over each epoch.

    Attributes:
        client: The way to the node's tracker.
        stage: The stage that is being trained; the first one before any is.
        epoch: Its epoch that is running, or ran last; 1 before the first.
        peak_memory_bytes: Most memory so far; None where torch does not tell.
    """

    def __init__(self, plan: TrialPlan, client: TrackerClient, *, first_stage: Stage) -> None:
        """Measure `plan` through `client`."""
        self.client = client
        self.stage = first_stage
        self.epoch = 1
        self.peak_memory_bytes: int | None = None
        self._plan = plan
        self._in_setup = False
        self._last: tuple[Stage, int, Reading, float] | None = None

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Around the whole attempt."""
        self.client.open(self._key(TRIAL, 0))
        self.client.open(self._key(SETUP, 0))
        self._in_setup = True
        try:
            yield
        finally:
            self._end_setup()
            self.client.close(self._key(TRIAL, 0))

    @contextmanager
    def window(self, epoch: int) -> Iterator[None]:
        """Around one epoch of the present stage."""
        self._end_setup()
        self.epoch = epoch
        key = self._key(self.stage, epoch)
        self.client.open(key)
        start_s = time.monotonic()
        try:
            yield
        finally:
            duration_s = time.monotonic() - start_s
            self._last = (self.stage, epoch, self.client.close(key), duration_s)

    @contextmanager
    def latents(self) -> Iterator[None]:
        """Around the computing of latent features, within an epoch."""
        key = self._key(LATENTS, 0)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close(key)

    def take(self, epoch: int) -> tuple[Reading, float]:
        """Reading and length in seconds of an epoch's window; missing where it had none."""
        if self._last is None or self._last[:2] != (self.stage, epoch):
            return Reading.missing("", note="the epoch was not begun"), 0.0
        _, _, reading, duration_s = self._last
        return reading, duration_s

    def _end_setup(self) -> None:
        if self._in_setup:
            self.client.close(self._key(SETUP, 0))
            self._in_setup = False

    def _key(self, stage: str, epoch: int) -> WindowKey:
        return WindowKey(
            trial_id=self._plan.trial_id,
            attempt=self._plan.attempt,
            stage=str(stage),
            epoch=epoch,
        )
