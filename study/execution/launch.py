"""From options to a finished study folder: check, connect, run the trials with Ray Tune, record."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from rich.console import Console

from study.data.progress import shown_by
from study.design import Design, StudyOutcome, new_name
from study.errors import ScenarioError, StudyError
from study.execution.checks import (
    check_folder,
    check_same_study,
    check_target,
    check_this_machine,
)
from study.execution.interrupts import Interrupts
from study.execution.introduction import introduce, warnings_of
from study.execution.shipping import check_shippable
from study.execution.tensorboard_layout import LAYOUT_FILE, layout_events
from study.execution.trial_source import GridSource, TrialSource
from study.execution.tuning import Tuning
from study.machines.cluster import connect
from study.machines.energy_scope import charging_rules, energy_scope
from study.options import StudyOptions
from study.record.manifest import DataFacts, Manifest, SetupFacts
from study.record.objective import Objective
from study.record.records import (
    MANIFEST_FILE,
    EnergyMethod,
    Paradigm,
    TrialRecord,
    TrialStatus,
)
from study.scenario import Data, Scenario, objective_of
from study.scenario_lookup import load_scenario
from study.store.checkpoint_files import CHECKPOINTS_FOLDER
from study.store.folder import StudyFolder
from study.store.provenance import git_commit, now, versions
from study.store.recorder import Recorder
from study.training.dry_run import check_training
from study.training.stages import stage_warnings


def run_study(
    design: Design,
    options: StudyOptions,
    *,
    command: tuple[str, ...],
    console: Console,
    source: TrialSource | None = None,
    scenario: Scenario | None = None,
) -> StudyOutcome:
    """Run a study, or go on with one.

    Args:
        design: The kind of study.
        options: Of the command.
        command: As it was typed.
        console: Where it is shown.
        source: Where the trials come from; None for the whole grid of the design's setups.
        scenario: With its options; None for the one that the options name.

    Raises:
        StudyError: Something the user can mend; no trial was started.
    """
    began_s = time.monotonic()
    options = options.reduced()
    scenario = scenario or load_scenario(options.scenario, options.scenario_options)
    source = source or GridSource(options)
    device_type = check_this_machine(options)
    scenario = source.prepared(scenario)
    stages, setups = design.stages(scenario), design.setups(options, scenario)
    name = options.name or new_name(design.paradigm, scenario.name)
    folder = StudyFolder(options.results_dir, name)
    earlier = check_folder(folder, options, name)
    console.print(f"[bold]study {name}[/]: {design.paradigm}, scenario {scenario.name}")
    check_target(options.target, objective_of(scenario))
    data, facts = _loaded(scenario, options, console)
    check_training(scenario, data, stages, [each.parameters for each in setups])
    check_shippable(scenario)
    folder.prepare()
    manifest = _manifest(
        design,
        options,
        facts,
        name=name,
        scenario=scenario.name,
        command=command,
        stages=stages,
        setups=setups,
        objective=objective_of(scenario),
        encoder_weights=data.encoder_weights,
    )
    if earlier is None:
        _remove_checkpoints(folder)
    else:
        check_same_study(earlier, manifest)
        manifest = replace(manifest, started_at=earlier.started_at, energy_of=earlier.energy_of)
    recorder = Recorder(
        folder,
        study=name,
        paradigm=design.paradigm,
        scenario=scenario.name,
        stages=stages,
        objective=manifest.objective,
        target=options.target,
        energy_of=manifest.energy_of,
    )
    source.begin(folder, manifest, recorder)
    console.print("  starting Ray and the trackers ...", style="dim")
    with (
        Interrupts() as interrupts,
        connect(
            options, folder, accelerator=device_type != "cpu", ran_on=recorder.devices()
        ) as cluster,
    ):
        interrupts.started()
        nodes = cluster.node_facts()
        recorder.energy_of = energy_scope(
            options.energy_of,
            nodes,
            on_accelerator=bool(cluster.share.gpus) or device_type != "cpu",
            earlier=None if earlier is None else earlier.energy_of,
        )
        manifest = replace(
            manifest,
            setups=tuple(source.setups),
            further=tuple(source.further),
            nodes=nodes,
            energy_of=recorder.energy_of,
            charging=charging_rules(nodes),
            warnings=(
                *warnings_of(cluster, device_type=device_type, options=options),
                *stage_warnings(scenario, data, stages),
            ),
            setup_time_s=time.monotonic() - began_s,
        )
        introduce(manifest, cluster, folder, trials=source.summary, console=console)
        _write_beginning(folder, manifest)
        Tuning(
            design,
            options,
            manifest,
            cluster=cluster,
            folder=folder,
            recorder=recorder,
            interrupts=interrupts,
            source=source,
            scenario=scenario,
        ).run(data, console)
    return _outcome(folder, recorder.trials(), expected=source.expected)


def _loaded(scenario: Scenario, options: StudyOptions, console: Console) -> tuple[Data, DataFacts]:
    """Read the data and what the manifest says of them, and show how far it is."""
    with console.status("reading the data") as status, shown_by(status.update):
        try:
            data = scenario.load(options.data_dir, seed=options.seed)
        except StudyError:
            raise
        except Exception as error:
            # It is the user's code, and may raise anything.
            message = (
                f"scenario {scenario.name}: load(data_dir={options.data_dir}) raises "
                f"{type(error).__name__}: {error}"
            )
            raise ScenarioError(message) from error
        return data, data.facts()


def _manifest(
    design: Design,
    options: StudyOptions,
    data: DataFacts,
    *,
    name: str,
    scenario: str,
    command: tuple[str, ...],
    stages: tuple[str, ...],
    setups: tuple[SetupFacts, ...],
    objective: Objective,
    encoder_weights: str | None,
) -> Manifest:
    """The manifest as far as it is known before there are machines."""
    return Manifest(
        study=name,
        paradigm=design.paradigm,
        scenario=scenario,
        status="running",
        started_at=now(),
        finished_at=None,
        setup_time_s=None,
        command=command,
        options=asdict(options),
        versions=versions(),
        git_commit=git_commit(),
        data=data,
        setups=setups,
        seeds=options.seeds,
        nodes=(),
        stages=stages,
        objective=objective,
        encoder_weights=encoder_weights,
    )


def _remove_checkpoints(folder: StudyFolder) -> None:
    """Those of a study of this name whose manifest was deleted."""
    for left in folder.names(CHECKPOINTS_FOLDER):
        folder.delete(f"{CHECKPOINTS_FOLDER}/{left}")


def _write_beginning(folder: StudyFolder, manifest: Manifest) -> None:
    """Write what is read while the study runs: the manifest, and TensorBoard's layout."""
    estimated = any(node.method is EnergyMethod.ESTIMATED for node in manifest.nodes)
    folder.write_text(MANIFEST_FILE, manifest.to_json())
    folder.write_bytes(
        LAYOUT_FILE,
        layout_events(
            manifest.objective,
            tasks=_tasks(manifest),
            estimated=estimated,
            components=_components(manifest),
        ),
    )


def _components(manifest: Manifest) -> dict[str, bool]:
    """The components that the machines know the energy of, and whether it is an estimate."""
    known = sorted({(each.component, each.method) for n in manifest.nodes for each in n.components})
    estimated = {name for name, method in known if method is EnergyMethod.ESTIMATED}
    return {name: name in estimated for name, _ in known}


def _tasks(manifest: Manifest) -> tuple[str, ...]:
    """The single tasks of a multitask study."""
    if manifest.paradigm is not Paradigm.MULTITASK:
        return ()
    return manifest.stages[:-1]


def _outcome(folder: StudyFolder, trials: Sequence[TrialRecord], *, expected: int) -> StudyOutcome:
    ended = sum(trial.status is not TrialStatus.RUNNING for trial in trials)
    return StudyOutcome(
        folder=folder,
        failed=tuple(trial for trial in trials if trial.status is TrialStatus.FAILED),
        unfinished=expected - ended,
    )
