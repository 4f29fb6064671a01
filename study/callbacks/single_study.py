"""Study folder of a single measured training: one setup, one trial."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from study.callbacks.plain_values import numbers_in, plain_training
from study.callbacks.single_manifest import single_manifest
from study.callbacks.training import STAGE, MeasuredTraining, Training
from study.record.bookings import WindowRecord
from study.record.files import (
    EPOCHS_FILE,
    MANIFEST_FILE,
    TRIALS_CSV_FILE,
    TRIALS_FILE,
    WINDOWS_FILE,
)
from study.record.objective import metrics_text
from study.record.records import EpochRecord, TrialRecord
from study.record.tune_rows import number_of
from study.record.vocabulary import EnergyMethod, EnergyStatus, Paradigm
from study.store.folder import StudyFolder
from study.store.setups import TrialPlan
from study.store.trial_record import trial_record
from trackers.bill import outermost
from trackers.node.ledger import SETUP, TRIAL
from trackers.run.account import AccountLine, line
from trackers.sample import Component, Device, Method, Reading

TRIAL_ID = "setup01-seed"


def write_study(folder: Path, run: MeasuredTraining) -> None:
    """Write a measured training as a study folder.

    Args:
        folder: The study's folder; its name becomes the study's name.
        run: The measured training.

    Raises:
        StorageError: The folder cannot be written.
    """
    run = replace(run, training=plain_training(run.training))
    place = StudyFolder(str(folder.absolute().parent), folder.name)
    place.prepare()
    epochs = [each.to_row() for each in epochs_of(folder.name, run)]
    trial = trial_of(folder.name, run).to_row()
    place.write_rows(EPOCHS_FILE, EpochRecord, epochs)
    place.write_rows(WINDOWS_FILE, WindowRecord, [each.to_row() for each in _windows(run)])
    place.write_rows(TRIALS_FILE, TrialRecord, [trial])
    place.write_csv(TRIALS_CSV_FILE, TrialRecord, [trial])
    place.write_text(MANIFEST_FILE, single_manifest(folder.name, run).to_json())


def plan_of(training: Training) -> TrialPlan:
    """Return the plan of the study's only trial."""
    return TrialPlan(
        trial_id=f"{TRIAL_ID}{training.seed}",
        attempt=1,
        setup=1,
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        seed=training.seed,
        parameters=_parameters(training),
    )


def trial_of(study: str, run: MeasuredTraining) -> TrialRecord:
    """Return the row of the study's only trial; `study` is the name of the study folder."""
    return trial_record(
        plan_of(run.training),
        epochs=list(epochs_of(study, run)),
        windows=_windows(run),
        error=None,
        study=study,
        paradigm=Paradigm.REGIME,
        scenario=run.training.scenario,
        objective=run.training.objective,
        stages=(STAGE,),
        target=None,
    )


def _windows(run: MeasuredTraining) -> list[WindowRecord]:
    return [
        _window(run, TRIAL, 0, run.whole),
        _window(run, SETUP, 0, run.setup),
        *(_window(run, STAGE, each.number, each.readings) for each in run.epochs),
    ]


def epochs_of(study: str, run: MeasuredTraining) -> Iterator[EpochRecord]:
    """Yield one row for each epoch of a training; `study` is the name of the study folder."""
    training, total_j = run.training, 0.0
    for epoch in run.epochs:
        ranks = line(_in_order(run.scope), run.devices, epoch.readings, peak_power_w=None)
        counted = [epoch.readings[each.uuid] for each in _counted(run)]
        metrics = numbers_in(epoch.metrics)
        total_j = math.nan if ranks.energy_j is None else total_j + ranks.energy_j
        by_component = {
            each: line((each,), run.devices, epoch.readings, peak_power_w=None).energy_j
            for each in Component
        }
        duration_s = max((each.duration_s for each in counted), default=0.0)
        common_j = [each.uncertainty_common_j for each in counted]
        own_j = [each.uncertainty_own_j for each in counted]
        known = None not in common_j and None not in own_j and bool(counted)
        common = math.fsum(each or 0.0 for each in common_j) if known else None
        own = math.hypot(*(each or 0.0 for each in own_j)) if known else None
        yield EpochRecord(
            study=study,
            trial_id=f"{TRIAL_ID}{training.seed}",
            attempt=1,
            node=run.hostname,
            device_uuid=_device_uuid(run),
            device_name=" + ".join(dict.fromkeys(ranks.devices)),
            paradigm=Paradigm.REGIME,
            scenario=training.scenario,
            stage=STAGE,
            setup=1,
            batch_size=training.batch_size,
            effective_batch_size=training.batch_size,
            learning_rate=training.learning_rate,
            seed=training.seed,
            epoch=epoch.number,
            train_loss=number_of(epoch.train_loss),
            val_loss=number_of(epoch.val_loss),
            val_score=metrics.get(training.objective.name),
            epoch_time_s=duration_s,
            epoch_energy_j=ranks.energy_j,
            energy_j=number_of(total_j),
            mean_power_w=ranks.mean_power_w,
            energy_method=_method(ranks),
            energy_status=_status(ranks, counted),
            coverage=min((each.coverage for each in counted), default=0.0),
            uncertainty_j=None if common is None or own is None else math.hypot(common, own),
            uncertainty_common_j=common,
            uncertainty_own_j=own,
            power_samples=sum(each.power_samples for each in counted),
            samples_per_s=None,
            peak_memory_bytes=None,
            stop_reason=run.stop_reason if epoch is run.epochs[-1] else None,
            parameters=_parameters(training),
            val_metrics=metrics_text(metrics),
            gpu_energy_j=by_component[Component.GPU],
            cpu_energy_j=by_component[Component.CPU],
            memory_energy_j=by_component[Component.MEMORY],
            node_energy_j=by_component[Component.NODE],
        )


def _window(
    run: MeasuredTraining, stage: str, epoch: int, readings: Mapping[str, Reading]
) -> WindowRecord:
    """Return the record of a window, with the energy of the components that rank."""
    counted = [readings[each.uuid] for each in _counted(run) if each.uuid in readings]
    ranks = line(_in_order(run.scope), run.devices, readings, peak_power_w=None)
    return WindowRecord(
        trial_id=f"{TRIAL_ID}{run.training.seed}",
        attempt=1,
        stage=str(stage),
        epoch=epoch,
        device_uuid=_device_uuid(run),
        start_s=min((each.start_s for each in counted), default=0.0),
        duration_s=max((each.duration_s for each in counted), default=0.0),
        energy_j=ranks.energy_j,
        energy_method=None if ranks.energy_j is None else _method(ranks),
        energy_status=_status(ranks, counted),
        note=ranks.note,
    )


def _counted(run: MeasuredTraining) -> Sequence[Device]:
    """Return the devices whose energies add up to the energy that ranks."""
    return outermost(run.devices, run.scope)


def _device_uuid(run: MeasuredTraining) -> str:
    """Return the UUIDs of the devices that rank, joined by `+`.

    They are the devices' own, not those of a process's share: two trainings on one machine have the same.
    """
    return "+".join(each.uuid for each in _counted(run))


def _in_order(scope: frozenset[Component]) -> list[Component]:
    return [each for each in Component if each in scope]


def _method(ranks: AccountLine) -> EnergyMethod | None:
    """Return the method of an energy; for a sum, the least trustworthy of its parts'."""
    least = (Method.ESTIMATED, Method.SAMPLED, Method.COUNTER)
    return next((each for each in least if each in ranks.methods), None)


def _status(ranks: AccountLine, counted: Sequence[Reading]) -> EnergyStatus:
    if ranks.energy_j is None:
        return EnergyStatus.MISSING
    is_degraded = any(each.status is EnergyStatus.DEGRADED for each in counted)
    return EnergyStatus.DEGRADED if is_degraded else EnergyStatus.OK


def _parameters(training: Training) -> str | None:
    return json.dumps(dict(training.parameters), sort_keys=True) if training.parameters else None
