"""Run a study, from its options to its folder: check, connect to Ray, run trials with Ray Tune, record."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from rich.console import Console
from rich.markup import escape

from study.design import Design, StudyOutcome, new_name
from study.errors import Faults, StudyError
from study.execution.checks import (
    check_folder,
    check_same_study,
    check_target,
    check_this_machine,
)
from study.execution.data_reading import read_data
from study.execution.interrupts import Interrupts
from study.execution.introduction import introduce, warnings_of, write_beginning
from study.execution.reporting.journal import Journals
from study.execution.shipping import check_shippable
from study.execution.trial_source import GridSource, TrialSource
from study.execution.tuning import Tuning
from study.exports.study_exports import StudyExports
from study.limits.checks import check_limits, check_limits_here, wanted_limits
from study.machines.cluster import Cluster, connect
from study.machines.energy_scope import charging_rules, energy_scope
from study.machines.local.early_ray import EarlyRay
from study.machines.nodes import measured_kinds
from study.options import StudyOptions
from study.record.manifest import DataFacts, Manifest, SetupFacts
from study.scenario import Data, Scenario, objective_of
from study.scenario_lookup import load_scenario
from study.store.checkpoint_files import CHECKPOINTS_FOLDER
from study.store.folder import StudyFolder
from study.store.lock import Lock, refuse_if_held
from study.store.provenance import git_commit, now, versions
from study.store.recorder import Recorder
from study.store.rescue import take_back
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
    leave: Callable[[int], object] = os._exit,
    exports: StudyExports | None = None,
    written: Callable[[StudyFolder], object] = lambda _: None,
    early: EarlyRay | None = None,
) -> StudyOutcome:
    """Run a study, or resume one.

    Args:
        design: The kind of study.
        options: Options of the command.
        command: The command line as it was typed, for the manifest.
        console: Console that progress and messages are printed to.
        source: Source of the trials; None for the whole grid of the design's setups.
        scenario: The scenario with its options applied; None to load the one that `options` names.
        leave: Called with the exit status when a second signal arrives; see `study.execution.interrupts`.
        exports: Exporters (`--log`) that receive results, closed by the caller; None for no exporters.
        written: Called with the study's folder when everything is on storage, before Ray is shut down.
        early: A local Ray that is already starting; None to start or reach Ray once the data are read.

    Raises:
        StudyError: Something the user can fix, before the first trial; a `StorageError` also at the end.
    """
    began_s = time.monotonic()
    source = source or GridSource(options)
    plan = _checked(
        design,
        options,
        scenario or load_scenario(options.scenario, options.scenario_options),
        source,
    )
    named = f"{design.paradigm}, scenario {escape(plan.scenario.name)}"
    console.print(f"[bold]study {plan.name}[/]: {named}")
    data, facts = read_data(plan.scenario, plan.setups, options, console)
    on_this_cpu = options.address is None and plan.device_type == "cpu"
    check_training(
        plan.scenario,
        data,
        plan.stages,
        [each.parameters for each in plan.setups],
        precision=options.precision if on_this_cpu else None,
        least_batch=least_batch(plan.setups, options),
    )
    plan.folder.prepare()
    manifest = _manifest(
        design, options, plan, facts, command=command, encoder_weights=data.encoder_weights
    )
    try:
        with Lock(plan.folder).held(partial(console.print, style="dim")):
            return _run(
                design,
                options,
                # Checked again under the lock: another command may have begun this study meanwhile.
                replace(plan, earlier=check_folder(plan.folder, options, plan.name)),
                manifest,
                data,
                source=source,
                console=console,
                began_s=began_s,
                leave=leave,
                exports=exports or StudyExports(),
                written=written,
                early=early,
            )
    except (StudyError, KeyboardInterrupt):
        plan.folder.discard()
        raise


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Facts of a study that are known before its data are read.

    Attributes:
        name: Name of the study.
        scenario: The scenario, as prepared by the source of trials.
        device_type: Type of the torch device on this machine, such as `cuda` or `cpu`.
        folder: Folder that the results are written to.
        earlier: Manifest of the study being resumed; None for a new study.
        stages: Stages that each trial trains.
        setups: Setups of the grid; for a search, those that are known in advance.
        limits: Power limits that trials set, in watts; None if they set none.
    """

    name: str
    scenario: Scenario
    device_type: str
    folder: StudyFolder
    earlier: Manifest | None
    stages: tuple[str, ...]
    setups: tuple[SetupFacts, ...]
    limits: set[float] | None


def _checked(
    design: Design, options: StudyOptions, scenario: Scenario, source: TrialSource
) -> _Plan:
    """Check everything that can be checked without the data.

    Raises:
        StudyError: All faults that were found, in one message.
    """
    device_type, earlier = "cpu", None
    stages: tuple[str, ...] = ()
    setups: tuple[SetupFacts, ...] = ()
    limits: set[float] | None = None
    name = options.name or new_name(design.paradigm, scenario.name)
    folder = StudyFolder(options.results_dir, name)
    faults = Faults()
    with faults.collecting():
        device_type = check_this_machine(options)
    with faults.collecting():
        scenario = source.prepared(scenario)
        stages, setups = design.stages(scenario), design.setups(options, scenario)
    with faults.collecting():
        refuse_if_held(folder)
        earlier = check_folder(folder, options, name)
    with faults.collecting():
        check_target(options.target, objective_of(scenario))
    with faults.collecting():
        check_shippable(scenario)
    with faults.collecting():
        limits = wanted_limits(options, setups, design.power_limits_w)
        check_limits_here(limits, options)
    faults.raise_any()
    return _Plan(
        name=name,
        scenario=scenario,
        device_type=device_type,
        folder=folder,
        earlier=earlier,
        stages=stages,
        setups=setups,
        limits=limits,
    )


def _run(
    design: Design,
    options: StudyOptions,
    plan: _Plan,
    manifest: Manifest,
    data: Data,
    *,
    source: TrialSource,
    console: Console,
    began_s: float,
    leave: Callable[[int], object],
    exports: StudyExports,
    written: Callable[[StudyFolder], object],
    early: EarlyRay | None,
) -> StudyOutcome:
    """Start Ray and the trackers, and run the trials."""
    folder = plan.folder
    manifest, recorder = _opened(design, options, plan, manifest, console)
    source.check(folder, manifest)
    console.print("  starting Ray and the trackers ...", style="dim")
    with (
        Interrupts(leave) as interrupts,
        connect(
            options,
            folder,
            accelerator=plan.device_type != "cpu",
            ran_on=recorder.devices(),
            early=early,
        ) as cluster,
    ):
        interrupts.started()
        if plan.limits is not None:
            check_limits(plan.limits, cluster.power_limits())
        manifest = _on_machines(manifest, cluster, options, plan, data)
        recorder.energy_of = manifest.energy_of
        devices = measured_kinds(cluster.kinds(), cluster.facts.values())
        source.begin(folder, manifest, recorder, devices=devices)
        manifest = replace(
            manifest,
            setups=tuple(source.setups),
            further=tuple(source.further),
            setup_time_s=time.monotonic() - began_s,
        )
        introduce(manifest, cluster, folder, trials=source.summary, console=console)
        write_beginning(folder, manifest)
        exports.begin(manifest, folder)
        exports.earlier(recorder.trials(), recorder.epochs_of)
        Tuning(
            design,
            options,
            manifest,
            cluster=cluster,
            folder=folder,
            recorder=recorder,
            interrupts=interrupts,
            source=source,
            scenario=plan.scenario,
            exports=exports,
        ).run(data, console)
        written(folder)
    return StudyOutcome.of(folder, recorder.trials(), expected=source.expected)


def _opened(
    design: Design, options: StudyOptions, plan: _Plan, manifest: Manifest, console: Console
) -> tuple[Manifest, Recorder]:
    """Open the study's folder: merge an earlier command's manifest, and load the rows stored so far.

    Raises:
        OptionError: The folder holds a different study.
        StorageError: Rows that were rescued to this machine's disk cannot be written back.
    """
    folder, earlier = plan.folder, plan.earlier
    if earlier is None:
        folder.empty(CHECKPOINTS_FOLDER)  # left by a study of this name whose manifest was deleted
    else:
        check_same_study(earlier, manifest)
        manifest = replace(manifest, started_at=earlier.started_at, energy_of=earlier.energy_of)
        if found := take_back(folder, earlier):
            console.print(f"  {found}", soft_wrap=True, markup=False, highlight=False)
    recorder = Recorder(
        folder,
        study=plan.name,
        paradigm=design.paradigm,
        scenario=plan.scenario.name,
        stages=plan.stages,
        objective=manifest.objective,
        target=options.target,
        energy_of=manifest.energy_of,
    )
    # Rows that a killed driver had not yet written to the tables.
    recorder.add_missing(Journals(folder).rows())
    return manifest, recorder


def _on_machines(
    manifest: Manifest, cluster: Cluster, options: StudyOptions, plan: _Plan, data: Data
) -> Manifest:
    """Add the machines, and what follows from them, to the manifest.

    Raises:
        OptionError: `--energy-of` asks for an energy that no machine measures.
    """
    nodes = cluster.node_facts()
    return replace(
        manifest,
        nodes=nodes,
        energy_of=energy_scope(
            options.energy_of,
            nodes,
            on_accelerator=bool(cluster.share.gpus) or plan.device_type != "cpu",
            earlier=None if plan.earlier is None else plan.earlier.energy_of,
        ),
        charging=charging_rules(nodes),
        warnings=(
            *warnings_of(cluster, device_type=plan.device_type, options=options),
            *stage_warnings(plan.scenario, data, plan.stages),
        ),
    )


def least_batch(setups: Sequence[SetupFacts], options: StudyOptions) -> int:
    """Return the fewest samples of a batch, divided among steps and workers, that a network gets at once."""
    sizes = [each.batch_size for each in setups if each.batch_size is not None]
    batch = min(sizes or options.batch_sizes)
    return max(1, math.ceil(batch / options.accumulate) // options.workers)


def _manifest(
    design: Design,
    options: StudyOptions,
    plan: _Plan,
    data: DataFacts,
    *,
    command: tuple[str, ...],
    encoder_weights: str | None,
) -> Manifest:
    """Return the manifest as far as it is known before Ray is connected."""
    return Manifest(
        study=plan.name,
        paradigm=design.paradigm,
        scenario=plan.scenario.name,
        status="running",
        started_at=now(),
        finished_at=None,
        setup_time_s=None,
        command=command,
        options=asdict(options),
        versions=versions(),
        git_commit=git_commit(),
        data=data,
        setups=plan.setups,
        seeds=options.seeds,
        nodes=(),
        stages=plan.stages,
        objective=objective_of(plan.scenario),
        encoder_weights=encoder_weights,
    )
