"""The trainable of each trial: a training between windows, one report per epoch.

A process runs many trials one after another (`reuse_actors`), so each begins by clearing what the
one before left. Nothing that is expected raises: memory that does not suffice and a loss that is
not finite are results, and so is any other error of a trial, because with reused processes a trial
that raises can leave its accelerator idle for the rest of the study.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayError

from study.axes.kinds import POWER_LIMIT
from study.axes.variants import variant_of
from study.errors import StorageError
from study.execution.epoch_row import epoch_record, report_of
from study.execution.trial_meter import TrialMeter
from study.machines.storage_visibility import StorageVisibility
from study.record.objective import Objective
from study.record.vocabulary import EnergyScope, Paradigm, StopReason
from study.scenario import Data, Scenario
from study.store.setups import TrialPlan
from study.store.stage_order import chosen_stages, ordered, still_to_train
from study.training.checkpoints import Checkpoint
from study.training.devices import (
    accelerator_uuid,
    peak_memory_bytes,
    start_afresh,
    synchronize,
    torch_device,
)
from study.training.loop import EpochOutcome, train
from study.training.recipe import Precision, TrainingSettings
from study.training.stages import StageTasks
from trackers.node.actor import Handle
from trackers.node.client import START_TIMEOUT_S, TrackerClient
from trackers.node.last_words import leave_last_words
from trackers.node.nodes import Admitted
from trackers.node.orphans import end_with_parent

NODE = "ray_node"
"""Key of a report under which it tells Ray's name of its machine."""

ASK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContext:
    """Values that all trials of a study share.

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
        power_limits: Limits that each training measures, of which the cheapest is its own; empty for none.
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
    power_limits: tuple[str, ...] = ()


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
    end_with_parent()
    leave_last_words()
    plan = TrialPlan.from_config(config)
    node = ray.get_runtime_context().get_node_id()
    if not _admitted(manager, node, plan.trial_id):
        tune.report({NODE: node})  # Tune would print that there was no result
        return
    client = TrackerClient(
        manager,
        accelerator_uuid=accelerator_uuid(_assigned()),
        on_accelerator=torch_device(context.device).type != "cpu",
    )
    first_stage = chosen_stages(context.stages, plan.chosen)[0]
    meter = TrialMeter(plan, client, first_stage=first_stage)
    with meter.trial():
        run_attempt(
            plan,
            context,
            data,
            meter,
            _checkpoint(plan, context),
            report=lambda row: tune.report({**row, NODE: node}),
        )


def _admitted(manager: Handle, node: str, trial_id: str) -> bool:
    """Wait for as long as the machine is closed; whether the trial may begin then.

    A machine that waits takes no other trial.
    """
    while True:
        try:
            said = ray.get(manager.admits.remote(node, trial_id), timeout=START_TIMEOUT_S)
        except RayError:  # nobody is there who could have closed it
            return True
        if said is not Admitted.WAIT:
            return bool(said is Admitted.BEGIN)
        time.sleep(ASK_AGAIN_S)


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
            record = epoch_record(outcome, plan, context, data, meter, energy_before_j=energy_j)
            energy_j = record.energy_j
            checkpoint.reports.append(report_of(record, outcome))
            reported = meter.stage, meter.epoch
            report(checkpoint.reports[-1])
    except Exception:  # noqa: BLE001 - see the module's first lines
        is_reported = reported == (meter.stage, meter.epoch)
        outcome = _failed(meter.epoch + 1 if is_reported else meter.epoch)
        record = epoch_record(outcome, plan, context, data, meter, energy_before_j=energy_j)
        report(report_of(record, outcome, error=traceback.format_exc()))
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
    if POWER_LIMIT in plan.chosen:
        meter.limit_power(plan.chosen[POWER_LIMIT])
    scenario, data = variant_of(context.scenario, data, plan.chosen)
    tasks = StageTasks(
        scenario=scenario,
        data=data,
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
        meter.begin_profile(
            context.power_limits,
            context.energy_of,
            batch_size=plan.batch_size,
            earlier=checkpoint.reports,
            synchronize=partial(synchronize, device),
        )
        for outcome in train(
            partial(tasks.start, meter.stage),
            settings,
            device=device,
            window=meter.window,
            latents=meter.latents,
            tested=meter.tested,
            begin=begin,
            at_step=None if meter.profile is None else meter.profile.at_step,
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
