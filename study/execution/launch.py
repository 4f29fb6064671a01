"""From options to a finished study folder: check, connect, run the trials with Ray Tune, record."""

import logging
import time
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, final

import ray
from ray import tune
from ray.tune.search import SearchAlgorithm, Searcher
from ray.tune.search.basic_variant import BasicVariantGenerator
from rich.console import Console

from study.data.progress import shown_by
from study.design import Design, Outcome, new_name
from study.execution.callback import StudyCallback
from study.execution.checks import check_folder, check_same_study, check_this_machine
from study.execution.interrupts import Interrupts
from study.execution.introduction import introduce, warnings_of
from study.execution.progress import Progress
from study.execution.tensorboard_layout import LAYOUT_FILE, layout_events
from study.execution.trainable import TrialContext, run_trial
from study.machines.cluster import Cluster, connect
from study.options import StudyOptions
from study.record.manifest import Manifest
from study.record.records import (
    MANIFEST_FILE,
    EnergyMethod,
    TrialStatus,
)
from study.scenario import Data, load_scenario
from study.search.ray_adapter import RaySearchAdapter
from study.store.checkpoint_files import CHECKPOINTS_FOLDER, trial_of
from study.store.folder import StudyFolder, written_at_last
from study.store.provenance import git_commit, now, versions
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plans
from study.training.stages import check_stages, stage_warnings

RESTARTS = 2
"""How many times, in one command, a trial is run again whose process or node was lost."""


def run_study(
    design: Design,
    options: StudyOptions,
    *,
    command: tuple[str, ...],
    console: Console,
    steering: RaySearchAdapter | None = None,
) -> Outcome:
    """Run a study, or go on with one; with `steering`, as a search over its setups.

    Raises:
        StudyError: Something the user can mend; no trial was started.
    """
    began_s = time.monotonic()
    options = options.reduced()
    device_type = check_this_machine(options)
    scenario = load_scenario(options.scenario, options.scenario_settings)
    if steering is not None:
        scenario = steering.prepared(scenario)
    name = options.name or new_name(design.paradigm, scenario.name)
    folder = StudyFolder(options.results_dir, name)
    earlier = check_folder(folder, options, name)
    console.print(f"[bold]study {name}[/]: {design.paradigm}, scenario {scenario.name}")
    with console.status("reading the data") as status, shown_by(status.update):
        data = scenario.load(options.data_dir, seed=options.seed)
        facts = data.facts()
    stages = design.stages(scenario)
    check_stages(scenario, data, stages)
    manifest = Manifest(
        study=name,
        paradigm=design.paradigm,
        scenario=scenario.name,
        status="running",
        started_at=now() if earlier is None else earlier.started_at,
        finished_at=None,
        setup_time_s=None,
        command=command,
        options=asdict(options),
        versions=versions(),
        git_commit=git_commit(),
        data=facts,
        setups=design.setups(options),
        seeds=options.seeds,
        nodes=(),
        stages=stages,
        encoder_weights=data.encoder_weights,
    )
    if earlier is not None:
        check_same_study(earlier, manifest)
    else:
        for left in folder.names(CHECKPOINTS_FOLDER):  # of a study whose manifest was deleted
            folder.delete(f"{CHECKPOINTS_FOLDER}/{left}")
    recorder = Recorder(
        folder,
        study=name,
        paradigm=design.paradigm,
        scenario=scenario.name,
        stages=stages,
        objective=manifest.objective,
        target=options.target_accuracy,
    )
    plans = trial_plans(manifest.setups, manifest.seeds, shuffle_seed=options.seed)
    remaining = recorder.expect(plans, retry_failed=options.retry_failed)
    if steering is not None:
        steering.begin(folder, manifest, recorder, remaining)
        manifest = replace(manifest, setups=tuple(steering.setups))
    console.print("  starting Ray and the trackers ...", style="dim")
    on_accelerator = device_type != "cpu"
    with (
        Interrupts() as interrupts,
        connect(options, folder, accelerator=on_accelerator, ran_on=recorder.devices()) as cluster,
    ):
        interrupts.started()
        manifest = replace(
            manifest,
            nodes=cluster.node_facts(),
            warnings=(
                *warnings_of(cluster, device_type=device_type, options=options),
                *stage_warnings(scenario, data, stages),
            ),
            setup_time_s=time.monotonic() - began_s,
        )
        estimated = any(node.method is EnergyMethod.ESTIMATED for node in manifest.nodes)
        introduce(manifest, cluster, folder, remaining=len(remaining), console=console)
        folder.write_text(MANIFEST_FILE, manifest.to_json())
        folder.write_bytes(LAYOUT_FILE, layout_events(design.paradigm, estimated=estimated))
        run = _Run(
            design,
            options,
            manifest,
            cluster,
            folder,
            recorder,
            interrupts,
            steering=steering,
        )
        run.run(remaining, data, console)
    trials = recorder.trials()
    ended = sum(trial.status is not TrialStatus.RUNNING for trial in trials)
    return Outcome(
        folder=folder,
        failed=tuple(trial for trial in trials if trial.status is TrialStatus.FAILED),
        unfinished=(len(plans) if steering is None else len(trials)) - ended,
    )


@final
class _Run:
    """The part of a study in which trials run."""

    def __init__(
        self,
        design: Design,
        options: StudyOptions,
        manifest: Manifest,
        cluster: Cluster,
        folder: StudyFolder,
        recorder: Recorder,
        interrupts: Interrupts,
        *,
        steering: RaySearchAdapter | None,
    ) -> None:
        self._steering = steering
        self._design = design
        self._options = options
        self._manifest = manifest
        self._cluster = cluster
        self._folder = folder
        self._recorder = recorder
        self._interrupts = interrupts

    def run(self, plans: list[TrialPlan], data: Data, console: Console) -> None:
        """Run the trials; whatever ends them, what was reported and booked is written."""
        progress = Progress(
            console,
            self._manifest.setups if self._steering is None else self._steering.setups,
            repeats=self._options.repeats,
            trials=len(plans),
            slots=self._cluster.slots,
        )
        progress.start()
        try:
            # Once for all runs of Tune, which would keep a copy for each.
            self._data = ray.put(data)
            # A search does not run again what it lost: it has weighed its epochs already.
            for restarts in reversed(range(1 if self._steering is not None else RESTARTS + 1)):
                if self._interrupts.came or not (plans or self._steering):
                    break
                self._interrupts.trials_begin()
                callback = StudyCallback(self._recorder, progress, self._cluster, restarts=restarts)
                self._fit(plans, callback)
                self._take_bookings()
                plans = self._recorder.expect(callback.lost)
        except KeyboardInterrupt:
            pass  # before Tune ran; the outcome tells what has not been run
        finally:
            self._interrupts.trials_end()
            progress.stop()
            self._finish()

    def _fit(self, plans: list[TrialPlan], callback: StudyCallback) -> None:
        try:
            self._tuner(plans, callback).fit()
        except OSError as error:
            # Tune misses files of its own. The study's rows have come through the callback.
            logging.getLogger(__name__).warning("Ray Tune cannot use the storage: %s", error)

    def _finish(self) -> None:
        """Write all that is known."""
        for trial in self._recorder.trials():
            if trial.status is TrialStatus.RUNNING:
                self._cluster.release(trial.trial_id)
        self._take_bookings()
        self._remove_checkpoints()
        ended = sum(trial.status is not TrialStatus.RUNNING for trial in self._recorder.trials())
        expected = len(self._manifest.setups) * len(self._manifest.seeds)
        if self._steering is not None:
            expected = len(self._recorder.trials())
        finished = ended == expected
        cluster = self._cluster.refreshed()
        manifest = replace(
            self._manifest,
            nodes=cluster.node_facts(),
            warnings=tuple(dict.fromkeys((*self._manifest.warnings, *cluster.warnings()))),
            status="finished" if finished else "interrupted",
            finished_at=now(),
        )
        written_at_last(self._folder.path, self._recorder.flush)
        written_at_last(
            self._folder.path, lambda: self._folder.write_text(MANIFEST_FILE, manifest.to_json())
        )

    def _remove_checkpoints(self) -> None:
        """Those of trials that have their result, and were lost before they could do it."""
        through = {
            trial.trial_id
            for trial in self._recorder.trials()
            if trial.status is TrialStatus.FINISHED
        }
        with suppress(OSError):
            for name in self._folder.names(CHECKPOINTS_FOLDER):
                if trial_of(name) in through:
                    self._folder.delete(f"{CHECKPOINTS_FOLDER}/{name}")

    def _take_bookings(self) -> None:
        for booking in self._cluster.take_bookings():
            self._recorder.add_booking(booking)

    def _tuner(self, plans: list[TrialPlan], callback: StudyCallback) -> tune.Tuner:
        configs = [plan.to_config() for plan in plans]
        trainable = tune.with_parameters(
            run_trial,
            context=TrialContext(
                study=self._manifest.study,
                paradigm=self._design.paradigm,
                scenario=self._options.scenario,
                objective=self._manifest.objective,
                stages=self._manifest.stages,
                cache_latents=self._design.caches_latents(self._options),
                max_epochs=self._options.max_epochs,
                patience=self._options.patience,
                optimizer=self._options.optimizer,
                device=self._options.device,
                threads=max(1, int(self._cluster.share.cpus)),
                # Nor does a search go on with what it lost; see `run`.
                storage=None if self._steering is not None else self._cluster.reach,
                checkpoint_every_s=self._options.checkpoint_every_s,
            ),
            data=self._data,
            manager=self._cluster.manager,
        )
        return tune.Tuner(
            tune.with_resources(trainable, self._cluster.share.resources()),
            # The points are the whole list of trials; the space only names their keys.
            param_space=None
            if self._steering is not None
            else {
                key: tune.choice(list(dict.fromkeys(config[key] for config in configs)))
                for key in configs[0]
            },
            tune_config=tune.TuneConfig(
                num_samples=len(configs) if self._steering is None else -1,
                reuse_actors=True,
                search_alg=self._source(configs),
                max_concurrent_trials=None if self._steering is None else self._cluster.slots,
                trial_name_creator=lambda trial: str(trial.config["trial_id"]),
                trial_dirname_creator=lambda trial: TrialPlan.from_config(trial.config).folder,
            ),
            run_config=tune.RunConfig(
                name=self._manifest.study,
                storage_path=self._folder.storage_path,
                callbacks=[callback],
                verbose=0,
                stop=None
                if self._steering is None
                else self._steering.stopper(self._take_bookings),
            ),
        )

    def _source(self, configs: list[dict[str, Any]]) -> Searcher | SearchAlgorithm:
        if self._steering is None:
            return BasicVariantGenerator(points_to_evaluate=configs)
        return self._steering.searcher(self._take_bookings, self._note_setups)

    def _note_setups(self) -> None:
        """Write down what a search has proposed from a range, before it is trained."""
        setups = () if self._steering is None else tuple(self._steering.setups)
        if setups != self._manifest.setups:
            self._manifest = replace(self._manifest, setups=setups)
            try:
                self._folder.write_text(MANIFEST_FILE, self._manifest.to_json())
            except OSError as error:  # the next proposal, or the end, writes it
                logging.getLogger(__name__).warning("the manifest could not be written: %s", error)
