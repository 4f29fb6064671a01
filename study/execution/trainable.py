"""What Ray Tune runs for each trial: a training between windows, one report per epoch.

A process runs many trials one after another (`reuse_actors`), so each begins by clearing what the
one before left. Nothing that is expected raises: memory that does not suffice and a loss that is
not finite are results, and so is any other error of a trial, because with reused processes a trial
that raises can leave its accelerator idle for the rest of the study.
"""

import logging
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray import tune

from study.errors import StorageError
from study.execution.charge import component_j, ranking_reading
from study.execution.trial_meter import TrialMeter
from study.machines.storage_visibility import StorageVisibility
from study.record.objective import Objective, metrics_text
from study.record.records import (
    J_PER_MWH,
    J_PER_WH,
    EpochRecord,
    Paradigm,
    StopReason,
)
from study.record.vocabulary import EnergyScope
from study.scenario import Data, Scenario, Searchable
from study.store.setups import TrialPlan
from study.store.stage_order import chosen_stages, ordered, still_to_train
from study.training.checkpoints import Checkpoint
from study.training.devices import accelerator_uuid, peak_memory_bytes, start_afresh, torch_device
from study.training.loop import EpochOutcome, train
from study.training.recipe import Precision, TrainingSettings
from study.training.stages import StageTasks
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient
from trackers.sample import Component


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContext:
    """What all trials of a study share.

    Attributes:
        study: Name of the study.
        paradigm: What it compares.
        scenario: With its options.
        objective: Validation metric that decides.
        energy_of: Energy that ranks.
        stages: What each trial trains, in an order that its seed decides.
        cache_latents: See `StageTasks`.
        max_epochs: See `TrainingSettings`.
        patience: See `TrainingSettings`.
        optimizer: See `TrainingSettings`.
        precision: See `TrainingSettings`.
        compiled: See `TrainingSettings`.
        accumulate: See `TrainingSettings`.
        clip_norm: See `TrainingSettings`.
        device: The value of `--device`.
        threads: CPU threads of a trial.
        storage: The study's folder, for checkpoints; None where none are to be kept.
        checkpoint_every_s: At least so long from one checkpoint of a trial to the next.
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
    first_stage = chosen_stages(context.stages, plan.chosen)[0]
    meter = TrialMeter(plan, client, first_stage=first_stage)
    with meter.trial():
        run_attempt(plan, context, data, meter, _checkpoint(plan, context), report=tune.report)


def run_attempt(
    plan: TrialPlan,
    context: TrialContext,
    data: Data,
    meter: TrialMeter,
    checkpoint: Checkpoint,
    *,
    report: Callable[[dict[str, Any]], None],
) -> None:
    """Go on from a checkpoint to the trial's end, and report; an error of the trial is a report.

    Args:
        plan: The trial.
        context: What all trials share.
        data: What it is trained on.
        meter: Measures it.
        checkpoint: Where it begins.
        report: Called for each epoch; returns when the driver has it.
    """
    for earlier in checkpoint.reports:
        report(earlier)  # once more, because the driver may not have lived to write it
    energy_j = _later(plan.energy_before_j, checkpoint.reports)
    reported = None
    try:
        for outcome in _outcomes(plan, context, data, meter, checkpoint):
            record = _record(outcome, plan, context, data, meter, energy_before_j=energy_j)
            energy_j = record.energy_j
            checkpoint.reports.append(_metrics(record, outcome))
            reported = meter.stage, meter.epoch
            report(checkpoint.reports[-1])
    except Exception:  # noqa: BLE001 - see the module's first lines
        is_reported = reported == (meter.stage, meter.epoch)
        outcome = _failed(meter.epoch + 1 if is_reported else meter.epoch)
        record = _record(outcome, plan, context, data, meter, energy_before_j=energy_j)
        report(_metrics(record, outcome, error=traceback.format_exc()))
    checkpoint.remove()


def _later(known_j: float | None, reports: Sequence[Mapping[str, Any]]) -> float | None:
    """Energy of a trial so far: the driver may not know of the last epochs that were reported."""
    if not reports:
        return known_j
    last_j: float | None = reports[-1]["energy_j"]
    return None if known_j is None or last_j is None else max(known_j, last_j)


def _checkpoint(plan: TrialPlan, context: TrialContext) -> Checkpoint:
    # Not on a machine's own disk, where another study of this name may have left some.
    storage, folder = context.storage, None
    try:
        folder = storage.folder() if storage is not None and storage.here() else None
    except StorageError as error:
        logging.getLogger(__name__).warning("no checkpoints of %s: %s", plan.trial_id, error)
    return Checkpoint.of_attempt(
        folder, plan.trial_id, attempt=plan.attempt, every_s=context.checkpoint_every_s
    )


def _assigned() -> list[str]:
    """The boards that Ray has assigned to this process."""
    assigned: list[str] = ray.get_runtime_context().get_accelerator_ids().get("GPU", [])
    return assigned


def _outcomes(
    plan: TrialPlan,
    context: TrialContext,
    data: Data,
    meter: TrialMeter,
    checkpoint: Checkpoint,
) -> Iterator[EpochOutcome]:
    """The outcomes of all stages that are not through, one stage after another."""
    device = torch_device(context.device)
    start_afresh(device, threads=context.threads)
    scenario = context.scenario
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
        precision=plan.chosen.get("precision", context.precision),
        compiled=plan.chosen.get("compile", context.compiled),
        accumulate=context.accumulate,
        clip_norm=context.clip_norm,
    )
    order = ordered(chosen_stages(context.stages, plan.chosen), seed=plan.seed)
    while remaining := still_to_train(order, checkpoint.ended):
        begin = checkpoint.take_under_way()
        meter.stage, meter.epoch = remaining[0], 1 if begin is None else int(begin["epoch"]) + 1
        for outcome in train(
            partial(tasks.start, meter.stage),
            settings,
            device=device,
            window=meter.window,
            latents=meter.latents,
            tested=meter.tested,
            begin=begin,
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
    meter: TrialMeter,
    *,
    energy_before_j: float | None,
) -> EpochRecord:
    """The outcome and its reading as one row."""
    readings, duration_s = meter.take(outcome.epoch)
    devices = meter.client.devices
    reading = ranking_reading(readings, devices, context.energy_of)
    state = next(iter(readings.values())).state
    epoch_j = reading.energy_j
    finished = outcome.train_loss is not None
    return EpochRecord(
        study=context.study,
        trial_id=plan.trial_id,
        attempt=plan.attempt,
        node=socket.gethostname(),
        device_uuid=devices[0].uuid if devices else "",
        device_name=devices[0].name if devices else "",
        paradigm=context.paradigm,
        scenario=context.scenario.name,
        stage=meter.stage,
        setup=plan.setup,
        batch_size=plan.batch_size,
        effective_batch_size=min(plan.batch_size, len(data.train)),
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        epoch=outcome.epoch,
        train_loss=outcome.train_loss,
        val_loss=outcome.val_loss,
        val_score=outcome.val_metrics.get(context.objective.name),
        val_metrics=metrics_text(outcome.val_metrics),
        test_score=(outcome.test_metrics or {}).get(context.objective.name),
        test_metrics=metrics_text(outcome.test_metrics or {}),
        epoch_time_s=duration_s,
        epoch_energy_j=epoch_j,
        energy_j=None if epoch_j is None or energy_before_j is None else energy_before_j + epoch_j,
        mean_power_w=reading.mean_power_w,
        gpu_energy_j=component_j(readings, devices, Component.GPU),
        cpu_energy_j=component_j(readings, devices, Component.CPU),
        memory_energy_j=component_j(readings, devices, Component.MEMORY),
        node_energy_j=component_j(readings, devices, Component.NODE),
        energy_method=reading.method,
        energy_status=reading.status,
        coverage=reading.coverage,
        uncertainty_j=reading.uncertainty_j,
        uncertainty_common_j=reading.uncertainty_common_j,
        uncertainty_own_j=reading.uncertainty_own_j,
        power_samples=reading.power_samples,
        samples_per_s=len(data.train) / duration_s if finished and duration_s > 0 else None,
        peak_memory_bytes=meter.peak_memory_bytes,
        stop_reason=outcome.stop_reason,
        parameters=plan.parameters,
        counter_over_power=reading.counter_over_power,
        shared_by=reading.shared_by,
        temperature_c=state.temperature_c,
        sm_clock_hz=state.sm_clock_hz,
        utilization=state.utilization,
        power_limit_w=state.power_limit_w,
    )


def _metrics(
    record: EpochRecord, outcome: EpochOutcome, *, error: str | None = None
) -> dict[str, Any]:
    """Return what Tune, TensorBoard and schedulers see.

    It is the record, the paper's units, and each metric under its own name. A metric that has the
    name of a field is to be found in `val_metrics` only.
    """
    row = record.to_row()
    components = {
        f"{each}_energy_mwh": row[f"{each}_energy_j"] / J_PER_MWH
        for each in Component
        if row[f"{each}_energy_j"] is not None
    }
    return {
        **outcome.val_metrics,
        **row,
        **components,
        "epoch_energy_mwh": _over(record.epoch_energy_j, J_PER_MWH),
        "energy_wh": _over(record.energy_j, J_PER_WH),
        "error": error,
    }


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
