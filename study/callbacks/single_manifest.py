"""Manifest of a study that consists of one training whose loop is somebody else's."""

import os
import sys
from collections.abc import Iterator

from study.callbacks.training import NOT_MEASURED, STAGE, MeasuredTraining
from study.record.manifest import (
    ComponentFacts,
    DataFacts,
    DeviceFacts,
    Manifest,
    NodeFacts,
    SetupFacts,
)
from study.record.vocabulary import EnergyScope, Paradigm
from study.store.provenance import git_commit, now, versions
from trackers.bill import ACCELERATOR
from trackers.sample import Component


def single_manifest(study: str, run: MeasuredTraining) -> Manifest:
    """Return the manifest of a training; `study` is the name of its study folder."""
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
            train_samples=None,
            val_samples=None,
            classes=(),
            chance_accuracy=None,
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
        warnings=tuple(_warnings(run)),
        stages=(STAGE,),
        objective=training.objective,
        energy_of=EnergyScope.ACCELERATOR if run.scope == ACCELERATOR else EnergyScope.COMPONENTS,
        charging={
            str(each.component): "shared among processes by their CPU time"
            for each in run.devices
            if each.component in {Component.CPU, Component.MEMORY}
        },
    )


def _warnings(run: MeasuredTraining) -> Iterator[str]:
    yield "The training ran in a loop of its own: its data were not checked."
    notes = [{reading.note for reading in each.readings.values()} for each in run.epochs]
    if not_measured := sum(NOT_MEASURED in each for each in notes):
        yield (
            f"The training was resumed from a checkpoint: the energy of its first {not_measured} epochs, and so "
            "the total, is unknown."
        )


def _node(run: MeasuredTraining) -> NodeFacts:
    """Return the facts of the machine: its devices and what measured them."""
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


def _components(run: MeasuredTraining) -> Iterator[ComponentFacts]:
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
