"""Writes what a training used as the folder of a study that has one setup and one trial."""

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study.record.bookings import WindowRecord
from study.record.manifest import (
    ComponentFacts,
    DataFacts,
    DeviceFacts,
    Manifest,
    NodeFacts,
    SetupFacts,
)
from study.record.objective import ACCURACY, Objective, metrics_text
from study.record.records import (
    EPOCHS_FILE,
    MANIFEST_FILE,
    TRIALS_CSV_FILE,
    TRIALS_FILE,
    WINDOWS_FILE,
    EnergyStatus,
    EpochRecord,
    Paradigm,
    Stage,
    StopReason,
    TrialRecord,
)
from study.record.vocabulary import EnergyMethod, EnergyScope
from study.store.folder import StudyFolder
from study.store.provenance import git_commit, now, versions
from study.store.setups import TrialPlan
from study.store.trial_record import trial_record
from trackers.bill import ACCELERATOR, outermost
from trackers.node.ledger import SETUP, TRIAL
from trackers.run.account import Line, line
from trackers.sample import Component, Device, Method, Reading
from trackers.sources.detect import Detection

STAGE = Stage.ENCODER_CLASSIFIER
"""A training as a whole has the word of the paper's whole network."""

TRIAL_ID = "setup01-seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What is trained.

    Attributes:
        objective: Validation metric that decides.
        batch_size: Of the training.
        learning_rate: Of the training.
        parameters: Whatever else sets this training apart from others.
        seed: Of weights and order.
        scenario: Name of what is trained.
        data: Says what it is trained on; studies of the same words are compared.
    """

    objective: Objective = ACCURACY
    batch_size: int = 1
    learning_rate: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    scenario: str = "training"
    data: str = ""


@dataclass(slots=True, kw_only=True)
class MeasuredEpoch:
    """An epoch; its energy is there once it has ended, its metrics are the training's to fill in.

    Attributes:
        number: From 1.
        energy_j: Energy that ranks; None until the end, and where it is missing.
        mean_power_w: Over the epoch.
        train_loss: Mean loss over the training samples.
        val_loss: Mean loss over the validation samples.
        metrics: Validation metrics by name.
        readings: By device; empty until the end.
    """

    number: int
    energy_j: float | None = None
    mean_power_w: float | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training that has ended.

    Attributes:
        training: What was trained.
        detection: What measured.
        devices: The devices on its bill.
        scope: The components whose energy ranks.
        epochs: In their order.
        whole: Readings of the whole training, by device.
        setup: Those of the time until the first epoch.
        started_at: Wall time, ISO 8601.
        hostname: The machine.
        stop_reason: Why it ended.
    """

    training: Training
    detection: Detection
    devices: tuple[Device, ...]
    scope: frozenset[Component]
    epochs: tuple[MeasuredEpoch, ...]
    whole: Mapping[str, Reading]
    setup: Mapping[str, Reading]
    started_at: str
    hostname: str
    stop_reason: StopReason


def write_study(folder: Path, run: Run) -> None:
    """Write the study of a training.

    Args:
        folder: The study's folder; its name is that of the study.
        run: The training.

    Raises:
        StorageError: The folder cannot be written.
    """
    place = StudyFolder(str(folder.absolute().parent), folder.name)
    place.prepare()
    manifest = _manifest(folder.name, run)
    epochs = list(_epochs(folder.name, run))
    windows = [
        _window(run, TRIAL, 0, run.whole),
        _window(run, SETUP, 0, run.setup),
        *(_window(run, STAGE, each.number, each.readings) for each in run.epochs),
    ]
    trial = trial_record(
        TrialPlan(
            trial_id=f"{TRIAL_ID}{run.training.seed}",
            attempt=1,
            setup=1,
            batch_size=run.training.batch_size,
            learning_rate=run.training.learning_rate,
            seed=run.training.seed,
            parameters=_parameters(run.training),
        ),
        epochs=epochs,
        windows=windows,
        error=None,
        study=folder.name,
        paradigm=Paradigm.REGIME,
        scenario=run.training.scenario,
        objective=run.training.objective,
        stages=(STAGE,),
        target=None,
    )
    place.write_rows(EPOCHS_FILE, EpochRecord, [each.to_row() for each in epochs])
    place.write_rows(WINDOWS_FILE, WindowRecord, [each.to_row() for each in windows])
    place.write_rows(TRIALS_FILE, TrialRecord, [trial.to_row()])
    place.write_csv(TRIALS_CSV_FILE, TrialRecord, [trial.to_row()])
    place.write_text(MANIFEST_FILE, manifest.to_json())


def _epochs(study: str, run: Run) -> Iterator[EpochRecord]:
    """The rows of a training's epochs."""
    training, total_j = run.training, 0.0
    for epoch in run.epochs:
        ranks = line(_in_order(run.scope), run.devices, epoch.readings, peak_power_w=None)
        counted = [epoch.readings[each.uuid] for each in _counted(run)]
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
            device_uuid="+".join(each.device_uuid for each in counted),
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
            train_loss=_finite(epoch.train_loss),
            val_loss=_finite(epoch.val_loss),
            val_score=_finite(epoch.metrics.get(training.objective.name)),
            epoch_time_s=duration_s,
            epoch_energy_j=ranks.energy_j,
            energy_j=_finite(total_j),
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
            val_metrics=metrics_text(epoch.metrics),
            gpu_energy_j=by_component[Component.GPU],
            cpu_energy_j=by_component[Component.CPU],
            memory_energy_j=by_component[Component.MEMORY],
            node_energy_j=by_component[Component.NODE],
        )


def _window(run: Run, stage: str, epoch: int, readings: Mapping[str, Reading]) -> WindowRecord:
    """What is booked of a window: the energy that ranks."""
    counted = [readings[each.uuid] for each in _counted(run) if each.uuid in readings]
    ranks = line(_in_order(run.scope), run.devices, readings, peak_power_w=None)
    return WindowRecord(
        trial_id=f"{TRIAL_ID}{run.training.seed}",
        attempt=1,
        stage=str(stage),
        epoch=epoch,
        device_uuid="+".join(each.device_uuid for each in counted),
        start_s=min((each.start_s for each in counted), default=0.0),
        duration_s=max((each.duration_s for each in counted), default=0.0),
        energy_j=ranks.energy_j,
        energy_method=None if ranks.energy_j is None else _method(ranks),
        energy_status=_status(ranks, counted),
        note=ranks.note,
    )


def _manifest(study: str, run: Run) -> Manifest:
    training = run.training
    return Manifest(
        study=study,
        paradigm=Paradigm.REGIME,
        scenario=training.scenario,
        status="finished",
        started_at=run.started_at,
        finished_at=now(),
        setup_time_s=None,
        command=tuple(sys.argv),
        options={},
        versions=versions(),
        git_commit=git_commit(),
        data=DataFacts(
            synthetic=False,
            description=training.data or "what the training script loads",
            fingerprint=training.data,
            train_samples=0,
            val_samples=0,
            classes=(),
            chance_accuracy=0.0,
        ),
        setups=(
            SetupFacts(
                setup=1,
                batch_size=training.batch_size,
                learning_rate=training.learning_rate,
                parameters=dict(training.parameters),
            ),
        ),
        seeds=(training.seed,),
        nodes=(_node(run),),
        warnings=("The training ran in a loop of its own: its data were not checked.",),
        stages=(STAGE,),
        objective=training.objective,
        energy_of=EnergyScope.ACCELERATOR if run.scope == ACCELERATOR else EnergyScope.COMPONENTS,
        charging={
            str(each.component): "shared among processes by their CPU time"
            for each in run.devices
            if each.component in {Component.CPU, Component.MEMORY}
        },
    )


def _node(run: Run) -> NodeFacts:
    """The machine, and what measured it."""
    source = run.detection.source
    methods = [each.method for one in run.epochs for each in one.readings.values() if each.method]
    return NodeFacts(
        hostname=run.hostname,
        cpus=float(os.cpu_count() or 1),
        gpus=float(sum(each.component is Component.GPU for each in run.devices)),
        source=source.name,
        method=methods[0] if methods else None,
        note=source.note,
        refused=run.detection.refused,
        devices=tuple(
            DeviceFacts(
                uuid=each.uuid,
                name=each.name,
                kind=str(each.component),
                power_limit_w=each.power_limit_w,
                idle_power_w=None,
                driver=each.driver,
            )
            for each in run.devices
        ),
        components=tuple(_components(run)),
    )


def _components(run: Run) -> Iterator[ComponentFacts]:
    for source in run.detection.sources:
        for component in dict.fromkeys(each.component for each in source.devices()):
            measured = [each for each in run.devices if each.component is component]
            methods = [
                epoch.readings[each.uuid].method for epoch in run.epochs for each in measured
            ]
            method = next((each for each in methods if each is not None), None)
            if method is not None:
                yield ComponentFacts(
                    component=str(component), source=source.name, method=method, note=source.note
                )


def _counted(run: Run) -> Sequence[Device]:
    """The devices whose energies are added to the one that ranks."""
    return outermost(run.devices, run.scope)


def _in_order(scope: frozenset[Component]) -> list[Component]:
    return [each for each in Component if each in scope]


def _method(ranks: Line) -> EnergyMethod | None:
    """How an energy came about; of a sum the word that promises least."""
    least = (Method.ESTIMATED, Method.SAMPLED, Method.COUNTER)
    return next((each for each in least if each in ranks.methods), None)


def _status(ranks: Line, counted: Sequence[Reading]) -> EnergyStatus:
    if ranks.energy_j is None:
        return EnergyStatus.MISSING
    is_degraded = any(each.status is EnergyStatus.DEGRADED for each in counted)
    return EnergyStatus.DEGRADED if is_degraded else EnergyStatus.OK


def _parameters(training: Training) -> str | None:
    return json.dumps(dict(training.parameters), sort_keys=True) if training.parameters else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
