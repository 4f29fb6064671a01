"""Run a study's trials with Ray Tune, and write all results however the run ends."""

import logging
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any, final

import ray
from ray import tune
from ray.tune.progress_reporter import ProgressReporter
from rich.console import Console

from study.design import Design
from study.errors import StorageError
from study.execution.callback import StudyCallback
from study.execution.interrupts import Interrupts
from study.execution.live.progress import ProgressDisplay
from study.execution.live.study_outlook import outlook_of
from study.execution.live.tensorboard import StudyTensorBoard
from study.execution.reporting.journal import Journals
from study.execution.reporting.reports import collect_s
from study.execution.reporting.result_lines import ResultLines
from study.execution.shipping import TrialFunction
from study.execution.team.trial_training import TrialContext
from study.execution.trial_source import TrialSource
from study.exports.study_exports import StudyExports
from study.machines.admissions import Admissions
from study.machines.cluster import Cluster
from study.machines.quarantine import Quarantine
from study.options import StudyOptions
from study.record.files import MANIFEST_FILE
from study.record.manifest import Manifest
from study.record.vocabulary import StopReason, TrialStatus
from study.scenario import Data, Scenario
from study.store.checkpoint_files import CHECKPOINTS_FOLDER, trial_of
from study.store.folder import StudyFolder, written_at_last
from study.store.lock import TakenOverError
from study.store.parts import whole_trial
from study.store.provenance import now
from study.store.recorder import Recorder
from study.store.rescue import rescue
from study.store.setups import TrialPlan
from trackers.node.live.watch import UsesWatch


@final
class _Quiet(ProgressReporter):
    """A reporter that prints nothing; in a notebook, Tune's own would clear the cell's output."""

    def should_report(self, trials: list[Any], done: bool = False) -> bool:  # noqa: ARG002, FBT001, FBT002 - as Tune calls it
        return False

    def report(self, trials: list[Any], done: bool, *sys_info: str) -> None:  # noqa: FBT001 - as above
        """Do nothing; Tune does not call this when `should_report` is False."""


@final
class Tuning:
    """Runs all trials of one command with Ray Tune."""

    def __init__(
        self,
        design: Design,
        options: StudyOptions,
        manifest: Manifest,
        *,
        cluster: Cluster,
        folder: StudyFolder,
        recorder: Recorder,
        interrupts: Interrupts,
        source: TrialSource,
        scenario: Scenario,
        exports: StudyExports,
    ) -> None:
        """Prepare to run the trials that `source` gives on `cluster`, with results in `folder`."""
        self._exports = exports
        self._scenario = scenario
        self._design = design
        self._options = options
        self._manifest = manifest
        self._cluster = cluster
        self._folder = folder
        self._recorder = recorder
        self._interrupts = interrupts
        self._source = source
        self._journals = Journals(folder)
        # Shared by all runs of Tune, so that the unit of energies does not change in between.
        self._tensorboard = StudyTensorBoard(manifest, first_epoch_j=recorder.first_epoch_j)

    def run(self, data: Data, console: Console) -> None:
        """Run the trials, then rerun those whose process or machine was lost."""
        progress = ProgressDisplay(
            console,
            self._source.setups,
            repeats=self._options.repeats,
            trials=self._planned,
            slots=self._cluster.slots,
            objective=self._manifest.objective,
            in_stages=len(self._manifest.stages) > 1,
            first_epoch_j=self._recorder.first_epoch_j,
            outlook=outlook_of(
                self._options, self._manifest, source=self._source, recorder=self._recorder
            ),
            estimated=self._manifest.estimated_components,
        )
        progress.start()
        try:
            # Put once: given the data itself, each run of Tune would store another copy.
            self._data = ray.put(data)
            with self._watched():
                self._run_rounds(progress, quiet=_Quiet() if console.is_jupyter else None)
        except KeyboardInterrupt:
            pass  # interrupted before Tune ran; the study's outcome counts the trials not run
        finally:
            self._interrupts.trials_end()
            progress.stop()
            self._finish()
            for note in self._source.notes:
                console.print(note, soft_wrap=True, markup=False, highlight=False)

    def _watched(self) -> AbstractContextManager[object]:
        """Return a context that feeds live device readings to the exporters, if there are any."""
        if not self._exports:
            return nullcontext()
        return UsesWatch(self._cluster.trackers, self._exports.devices, whole_trial)

    def _run_rounds(self, progress: ProgressDisplay, *, quiet: ProgressReporter | None) -> None:
        """Run Tune repeatedly, until no trial is left or lost trials may not be rerun."""
        restarts = self._source.restarts
        admissions = Admissions(self._cluster)
        # No quarantine for a search, whose proposals cannot be taken back, or for trials spread over
        # several machines, where a failure does not tell which machine is faulty.
        may_close = restarts and self._cluster.share.workers == 1
        quarantine = Quarantine(admissions.used()) if may_close else None
        while self._source.has_more and not self._interrupts.received:
            self._interrupts.trials_begin()
            # These actors occupy the closed machines while Tune runs, so that it places no trial there.
            places = admissions.occupy(quarantine.closed if quarantine else ())
            callback = StudyCallback(
                self._recorder,
                progress,
                self._cluster,
                quarantine,
                admissions,
                restarts=restarts,
                journals=self._journals,
                files=(ResultLines(), self._tensorboard),  # type: ignore[no-untyped-call]
                exports=self._exports,
            )
            self._fit(callback, quiet=quiet)
            self._take_bookings()
            self._source.run_again(callback.lost)
            for place in places:
                ray.kill(place)
            if not restarts and not callback.closed:
                return
            restarts -= 0 if callback.closed else 1

    def _fit(self, callback: StudyCallback, *, quiet: ProgressReporter | None) -> None:
        try:
            self._tuner(callback, quiet).fit()
        except OSError as error:
            # Only Tune's own files are affected: the study's rows come through the callback.
            logging.getLogger(__name__).warning("Ray Tune cannot use the storage: %s", error)

    def _tuner(self, callback: StudyCallback, quiet: ProgressReporter | None) -> tune.Tuner:
        parts = self._source.parts(
            slots=self._cluster.slots,
            collect=self._take_bookings,
            note=self._note_trials,
            say=callback.say,
        )
        trainable = tune.with_parameters(
            TrialFunction(),
            context=self._context(),
            data=self._data,
            shared=[self._data],
            manager=self._cluster.manager,
        )
        resources = tune.PlacementGroupFactory(self._cluster.share.bundles())
        return tune.Tuner(
            tune.with_resources(trainable, resources),
            param_space=parts.param_space,
            tune_config=tune.TuneConfig(
                num_samples=parts.samples,
                reuse_actors=True,
                search_alg=parts.searcher,
                max_concurrent_trials=parts.at_once,
                trial_name_creator=lambda trial: str(trial.config["trial_id"]),
                trial_dirname_creator=lambda trial: TrialPlan.from_config(trial.config).folder,
            ),
            run_config=tune.RunConfig(
                name=self._manifest.study,
                storage_path=self._folder.storage_path,
                callbacks=[callback, *callback.files],
                progress_reporter=quiet,
                verbose=0,
                stop=parts.stopper,
            ),
        )

    def _context(self) -> TrialContext:
        return TrialContext(
            study=self._manifest.study,
            paradigm=self._design.paradigm,
            scenario=self._scenario,
            objective=self._manifest.objective,
            energy_of=self._manifest.energy_of,
            stages=self._manifest.stages,
            cache_latents=self._design.caches_latents(self._options),
            max_epochs=self._options.max_epochs,
            patience=self._options.patience,
            optimizer=self._options.optimizer,
            precision=self._options.precision,
            compiled=self._options.compile,
            accumulate=self._options.accumulate,
            clip_norm=self._options.clip_norm,
            validate_every=self._options.validate_every,
            power_limits=self._options.power_limits or (),
            device=self._options.device,
            workers=self._cluster.share.workers,
            threads=max(1, int(self._cluster.share.cpus / self._cluster.share.workers)),
            storage=self._cluster.visibility
            if self._source.restarts or self._source.pauses
            else None,
            checkpoint_every_s=self._options.checkpoint_every_s,
            report_every_s=collect_s(
                self._cluster.slots, decides_by_epoch=self._source.decides_by_epoch
            ),
        )

    def _finish(self) -> None:
        """Collect the last bookings and rows, and write the tables and the manifest."""
        for trial in self._recorder.trials():
            if trial.status is TrialStatus.RUNNING:
                self._cluster.release(trial.trial_id)
        self._take_bookings()
        self._recorder.add_missing(self._journals.rows())
        self._remove_checkpoints()
        cluster = self._cluster.refreshed()
        is_finished = self._ended == self._source.expected
        self._exports.will_end(self._recorder.trials(), finished=is_finished)
        manifest = replace(
            self._manifest,
            nodes=cluster.node_facts(),
            warnings=tuple(
                dict.fromkeys((*self._manifest.warnings, *cluster.warnings(), *self._source.notes))
            ),
            status="finished" if is_finished else "interrupted",
            finished_at=now(),
            answer=self._source.answer,
        )
        try:
            written_at_last(self._folder.path, self._write_all)
            written_at_last(
                self._folder.path,
                lambda: self._folder.write_text(MANIFEST_FILE, manifest.to_json()),
            )
        except TakenOverError:
            raise
        except StorageError as error:
            message = f"{error} {rescue(self._folder, self._recorder, manifest)}"
            raise StorageError(message) from error

    def _write_all(self) -> None:
        """Write all rows, including those in journals that could not be read until now."""
        kept = list(self._journals.rows())
        self._recorder.add_missing(kept)
        self._recorder.flush()
        for record in kept:
            self._journals.ended(record.trial_id)
        self._journals.written()

    @property
    def _ended(self) -> int:
        """Number of trials that have ended, including those of earlier commands."""
        return sum(trial.status is not TrialStatus.RUNNING for trial in self._recorder.trials())

    @property
    def _planned(self) -> int:
        """Number of trials that this command is expected to run, as far as it is known."""
        planned = len(self._source.remaining)
        if self._source.may_grow:
            return planned
        return max(planned, self._source.expected - self._ended)

    def _remove_checkpoints(self) -> None:
        """Delete checkpoints of finished trials whose process was lost before it could delete them."""
        if self._source.pauses and self._interrupts.received:
            return  # when resumed, the study continues its paused trials from their checkpoints
        finished = {
            trial.trial_id
            for trial in self._recorder.trials()
            if trial.status is TrialStatus.FINISHED
            and not (self._source.keeps_stopped and trial.stop_reason is StopReason.STOPPED)
        }
        with suppress(OSError):
            for name in self._folder.names(CHECKPOINTS_FOLDER):
                if trial_of(name) in finished:
                    self._folder.delete(f"{CHECKPOINTS_FOLDER}/{name}")

    def _take_bookings(self) -> None:
        for booking in self._cluster.take_bookings():
            self._recorder.add_booking(booking)

    def _note_trials(self) -> None:
        """Write newly proposed setups and trials, which the options do not imply, to the manifest."""
        noted = replace(
            self._manifest, setups=tuple(self._source.setups), further=tuple(self._source.further)
        )
        if noted != self._manifest:
            self._manifest = noted
            try:
                self._folder.write_text(MANIFEST_FILE, self._manifest.to_json())
            except OSError as error:  # it is written with the next proposal, or at the end
                logging.getLogger(__name__).warning("the manifest could not be written: %s", error)
