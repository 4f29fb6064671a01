"""The function trainable that Ray Tune runs for each trial: train, measure, report a row per epoch.

A process runs many trials one after another (`reuse_actors`), so each trial first clears what the
previous one left behind. A trial does not raise: running out of memory or a non-finite loss is a
result, and so is any other error, because with reused actors a trial that raises can leave its
accelerator idle for the rest of the study.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayError

from study.errors import StorageError
from study.execution.charge import ProcessPart, component_j_of_all, ranking_reading_of_all
from study.execution.reporting.journal import Journal
from study.execution.reporting.reports import NODE, Reports
from study.execution.team.team import Team, team_here
from study.execution.team.trial_training import TrialContext, TrialTraining, meter_here
from study.execution.trial_meter import TrialMeter
from study.record.files import J_PER_MWH, J_PER_WH
from study.record.objective import metrics_text
from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.scenario import Data
from study.store.folder import StudyFolder
from study.store.setups import TrialPlan
from study.store.stage_order import chosen_stages, ordered, still_to_train
from study.training.checkpoints import Checkpoint
from study.training.loop import EpochOutcome
from trackers.node.actor import Handle
from trackers.node.calls import START_TIMEOUT_S
from trackers.node.exit_reason import announce_os_exit
from trackers.node.nodes import Admitted
from trackers.node.orphans import end_with_parent
from trackers.sample import Component

ASK_AGAIN_S = 1.0


def run_trial(
    config: dict[str, Any],
    *,
    context: TrialContext,
    data: Data,
    shared: list[Any],
    manager: Handle,
) -> None:
    """Run one trial: train its stages, measure them, report each epoch. Tune's function trainable.

    Args:
        config: The trial's configuration, from `TrialPlan.to_config`.
        context: Values shared by all trials of the study.
        data: The study's data, read from Ray's object store without copying.
        shared: A list holding the object reference of the data, to pass on to the trial's workers.
        manager: Handle of the study's `TrackerManager`.
    """
    end_with_parent()
    announce_os_exit()
    plan = TrialPlan.from_config(config)
    node = ray.get_runtime_context().get_node_id()
    if not _admitted(manager, node, plan.trial_id):
        tune.report({NODE: node})  # without any report, Tune would print that there was no result
        return
    team = team_here(context.workers, device=context.device)
    meter = meter_here(plan, context, manager)
    with (
        meter.trial(),
        team.trial(plan, context, shared, manager),
        _reports(plan, context, node, folder := _folder(plan, context)) as report,
    ):
        checkpoint = Checkpoint.of_attempt(
            folder, plan.trial_id, attempt=plan.attempt, every_s=context.checkpoint_every_s
        )
        run_attempt(plan, context, data, meter, checkpoint, report=report, team=team)


def _admitted(manager: Handle, node: str, trial_id: str) -> bool:
    """Wait while this machine is closed to trials; return whether the trial may begin then.

    The waiting trial occupies its slot, so Tune starts no other trial there.
    """
    while True:
        try:
            said = ray.get(manager.admits.remote(node, trial_id), timeout=START_TIMEOUT_S)
        except RayError:  # without a manager, nobody can have closed this machine
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
    team: Team | None = None,
) -> None:
    """Train from a checkpoint to the end of the trial, reporting each epoch.

    An exception in the training is reported as a row with `StopReason.ERROR` and its traceback.

    Args:
        plan: The trial.
        context: Values shared by all trials of the study.
        data: Data to train on.
        meter: Meter of this process's energy.
        checkpoint: State to continue from; an empty one for a trial that begins.
        report: Called with the row of each epoch, to send it to the driver. May raise `SystemExit`
            when the study stops the trial.
        team: The processes that train the trial together; None for this process alone.
    """
    team = team or Team()
    for earlier in checkpoint.reports:
        report(earlier)  # again, because the driver may have been killed before writing it
    energy_j = _energy_before_j(plan.energy_before_j, checkpoint.reports)
    reported = None
    try:
        for outcome in _outcomes(plan, context, data, meter, checkpoint, team):
            parts = (meter.part(outcome.epoch), *team.parts)
            record = _record(outcome, plan, context, data, meter, parts, energy_before_j=energy_j)
            energy_j = record.energy_j
            checkpoint.reports.append(_metrics(record, outcome))
            reported = meter.stage, meter.epoch
            try:
                report(checkpoint.reports[-1])
            except SystemExit:  # the study stops the trial here, and may continue it later
                if outcome.state is not None:
                    checkpoint.keep(outcome.state)
                raise
    except Exception:  # noqa: BLE001 - see the module's docstring
        is_reported = reported == (meter.stage, meter.epoch)
        outcome = _failed_epoch(meter.epoch + 1 if is_reported else meter.epoch)
        parts = (meter.part(outcome.epoch), *team.parts)
        record = _record(outcome, plan, context, data, meter, parts, energy_before_j=energy_j)
        report(_metrics(record, outcome, error=traceback.format_exc()))
    checkpoint.remove()


def _energy_before_j(known_j: float | None, reports: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the energy of a trial's earlier epochs, in joules; None when it is not known.

    The checkpoint's reports may include epochs that never reached the driver, which knew `known_j`.
    """
    if not reports:
        return known_j
    last_j: float | None = reports[-1]["energy_j"]
    return None if known_j is None or last_j is None else max(known_j, last_j)


def _folder(plan: TrialPlan, context: TrialContext) -> StudyFolder | None:
    """Return the study's folder; None if checkpoints are off or this machine cannot reach the folder."""
    # Never a folder on the machine's own disk: a study of the same name may have left checkpoints there.
    storage = context.storage
    try:
        return storage.folder() if storage is not None and storage.here() else None
    except StorageError as error:
        logging.getLogger(__name__).warning("no checkpoints for %s: %s", plan.trial_id, error)
        return None


def _reports(
    plan: TrialPlan, context: TrialContext, node: str, folder: StudyFolder | None
) -> Reports:
    journal = Journal(folder, plan.trial_id, attempt=plan.attempt)
    return Reports(node, every_s=context.report_every_s, keep=journal.keep)


def _outcomes(
    plan: TrialPlan,
    context: TrialContext,
    data: Data,
    meter: TrialMeter,
    checkpoint: Checkpoint,
    team: Team,
) -> Iterator[EpochOutcome]:
    """Train the stages that have not ended, one after another, and yield the outcome of each epoch."""
    weights = checkpoint.encoder_weights
    training = TrialTraining(plan, context, data, meter, ranks=team.ranks, encoder_weights=weights)
    order = ordered(chosen_stages(context.stages, plan.chosen), seed=plan.seed)
    while remaining := still_to_train(order, checkpoint.ended):
        stage, begin = remaining[0], checkpoint.take_state()
        for outcome in team.train(training, stage, begin=begin, earlier=checkpoint.reports):
            yield outcome
            if outcome.state is not None:
                checkpoint.epoch_done(outcome.state)
            if outcome.stop_reason is not None:
                weights = training.encoder_weights
                checkpoint.stage_done(stage, outcome.stop_reason, encoder_weights=weights)


def _failed_epoch(epoch: int) -> EpochOutcome:
    return EpochOutcome(
        epoch=epoch, train_loss=None, val_loss=None, val_metrics={}, stop_reason=StopReason.ERROR
    )


def _record(
    outcome: EpochOutcome,
    plan: TrialPlan,
    context: TrialContext,
    data: Data,
    meter: TrialMeter,
    parts: Sequence[ProcessPart],
    *,
    energy_before_j: float | None,
) -> EpochRecord:
    """Return one row: the outcome of an epoch, and the energy of all processes (`parts`, this one first)."""
    readings, duration_s = meter.take(outcome.epoch)
    devices = [part.devices[0] for part in parts if part.devices]
    reading = ranking_reading_of_all(parts, context.energy_of)
    state = next(iter(readings.values())).state
    memories = [each.peak_memory_bytes for each in parts if each.peak_memory_bytes is not None]
    epoch_j = reading.energy_j
    finished = outcome.train_loss is not None
    return EpochRecord(
        study=context.study,
        trial_id=plan.trial_id,
        attempt=plan.attempt,
        node=_each_once(part.node for part in parts),
        device_uuid=_each_once(sorted(device.uuid for device in devices)),
        device_name=_each_once(device.name for device in devices),
        paradigm=context.paradigm,
        scenario=context.scenario.name,
        stage=meter.stage,
        setup=plan.setup,
        batch_size=plan.batch_size,
        effective_batch_size=min(plan.batch_size_and_rate[0], len(data.train)),
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
        gpu_energy_j=component_j_of_all(parts, Component.GPU),
        cpu_energy_j=component_j_of_all(parts, Component.CPU),
        memory_energy_j=component_j_of_all(parts, Component.MEMORY),
        node_energy_j=component_j_of_all(parts, Component.NODE),
        energy_method=reading.method,
        energy_status=reading.status,
        coverage=reading.coverage,
        uncertainty_j=reading.uncertainty_j,
        uncertainty_common_j=reading.uncertainty_common_j,
        uncertainty_own_j=reading.uncertainty_own_j,
        power_samples=reading.power_samples,
        samples_per_s=_per_s(outcome.samples, duration_s) if finished else None,
        peak_memory_bytes=max(memories, default=None),
        stop_reason=outcome.stop_reason,
        parameters=plan.parameters,
        counter_over_power=reading.counter_over_power,
        shared_by=reading.shared_by,
        temperature_c=state.temperature_c,
        sm_clock_hz=state.sm_clock_hz,
        utilization=state.utilization,
        power_limit_w=meter.power_limit_w or state.power_limit_w,
        power_profile=meter.take_profile(),
    )


def _per_s(samples: int | None, duration_s: float) -> float | None:
    return None if samples is None or duration_s <= 0 else samples / duration_s


def _each_once(names: Iterable[str]) -> str:
    return "+".join(dict.fromkeys(filter(None, names)))


def _metrics(
    record: EpochRecord, outcome: EpochOutcome, *, error: str | None = None
) -> dict[str, Any]:
    """Return the result that Tune, TensorBoard and schedulers see.

    It holds the record's fields, energies in the paper's units (mWh and Wh), and each metric under its
    own name. A metric with the same name as a field is found in `val_metrics` only.
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
        "epoch_energy_mwh": _in_unit(record.epoch_energy_j, J_PER_MWH),
        "energy_wh": _in_unit(record.energy_j, J_PER_WH),
        "error": error,
    }


def _in_unit(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
