"""The row that a trial reports of an epoch: what the training came to, beside what was measured."""

import socket
from typing import Any, Protocol

from study.execution.charge import component_j, ranking_reading
from study.execution.trial_meter import TrialMeter
from study.record.files import J_PER_MWH, J_PER_WH
from study.record.objective import Objective, metrics_text
from study.record.records import EpochRecord
from study.record.vocabulary import EnergyScope, Paradigm
from study.scenario import Data, Scenario
from study.store.setups import TrialPlan
from study.training.loop import EpochOutcome
from trackers.sample import Component


class OfStudy(Protocol):
    """Fields of a `TrialContext` that a row has."""

    @property
    def study(self) -> str:
        """Name of the study."""

    @property
    def paradigm(self) -> Paradigm:
        """Comparison that it makes."""

    @property
    def scenario(self) -> Scenario:
        """With its options."""

    @property
    def objective(self) -> Objective:
        """Validation metric that decides."""

    @property
    def energy_of(self) -> EnergyScope:
        """Energy that ranks."""


def epoch_record(
    outcome: EpochOutcome,
    plan: TrialPlan,
    context: OfStudy,
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
        power_limit_w=meter.power_limit_w or state.power_limit_w,
        power_profile=meter.take_profile(),
    )


def report_of(
    record: EpochRecord, outcome: EpochOutcome, *, error: str | None = None
) -> dict[str, Any]:
    """Return what Tune, TensorBoard and schedulers see.

    It is the record, the paper's units, and each metric under its own name. A metric that has the
    name of a field is to be found in `val_metrics` only.
    """
    return {
        **outcome.val_metrics,
        **record.to_row(),
        "epoch_energy_mwh": _over(record.epoch_energy_j, J_PER_MWH),
        "energy_wh": _over(record.energy_j, J_PER_WH),
        "error": error,
    }


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
