"""Study folder that an `EnergyLedger` writes among the files of a Tune run."""

import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

import ray

from study.exports.study_exports import StudyExports
from study.instrument.keeper import ANSWER_S, SpentEnergy
from study.machines.energy_scope import charging_rules, scope_of_trainables
from study.machines.nodes import Node, node_facts
from study.record.bookings import WindowRecord
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE, WINDOWS_FILE
from study.record.manifest import NodeFacts
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.tune_restarts import EarlierTrial, restarts
from study.record.tune_rows import STAGE, SetupNumbers, TunePlan, epoch_record, run_manifest
from study.record.vocabulary import EnergyScope, Paradigm, StopReason, TrialStatus
from study.store.bookings import ranking_j_of
from study.store.folder import StudyFolder
from study.store.provenance import now, versions
from study.store.recorder import Recorder
from study.store.rescue import rescue, take_back
from study.store.setups import TrialPlan
from trackers.node.actor import Handle
from trackers.node.ledger import INTERIM, TRIAL, TrackerFacts

RESUME_HINT = "resume the run (`Tuner.restore`)"
"""Instruction for putting rescued rows back, for a message to the user."""

_log = logging.getLogger(__name__)


@final
class RunFolder:
    """Rows and manifest of one Tune run, kept in memory and written to its study folder."""

    def __init__(
        self,
        storage_path: str,
        name: str,
        *,
        scenario: str,
        book: SetupNumbers,
        objective: Objective,
        command: tuple[str, ...],
        exports: StudyExports,
        trials: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Open the folder of the run `name`, keeping what earlier sessions wrote, and begin its exports.

        `trials` holds the configurations of the trials that Tune lists as the run begins, by trial id.
        """
        self._exports = exports
        self._folder = StudyFolder(storage_path, name)
        self._folder.prepare()
        if self._folder.exists() and (
            back := take_back(self._folder, self._folder.read_manifest())
        ):
            _log.warning("%s", back)
        self._book = book
        self._recorder = Recorder(
            self._folder,
            study=name,
            paradigm=Paradigm.REGIME,
            scenario=scenario,
            stages=(STAGE,),
            objective=objective,
            target=None,
        )
        self._last: dict[str, EpochRecord] = {}
        self._begun: set[str] = set()
        self._energy_j: dict[str, float | None] = {}
        started_at = now()
        if self._folder.exists():
            earlier = self._folder.read_manifest()
            started_at, book.setups = earlier.started_at, list(earlier.setups)
        records = [TrialRecord.from_row(row) for row in self._folder.read_rows(TRIALS_FILE)]
        self._restarts = restarts(trials, map(_earlier, records), book)
        self._recorder.rename(self._restarts)
        for record in records:
            present = replace(record, trial_id=self._present(record.trial_id))
            self._recorder.expect([_trial_plan(book.known(present))], retry_failed=False)
        self._manifest = run_manifest(
            name,
            scenario,
            book,
            objective,
            started_at=started_at,
            command=command,
            versions=versions(),
        )
        exports.begin(self._manifest, self._folder)
        exports.earlier(self._recorder.trials(), self._recorder.epochs_of)

    @property
    def is_due(self) -> bool:
        """Return whether it is time to write new rows."""
        return self._recorder.flush_due()

    def spent(self) -> dict[str, dict[int, SpentEnergy]]:
        """Return what attempts of earlier sessions have used, by trial and attempt.

        For an attempt that was running when its driver was killed, this is a lower bound.
        """
        epochs: defaultdict[tuple[str, int], list[float | None]] = defaultdict(list)
        for row in self._folder.read_rows(EPOCHS_FILE):
            epoch = EpochRecord.from_row(row)
            epochs[self._present(epoch.trial_id), epoch.attempt].append(epoch.epoch_energy_j)
        windows: defaultdict[tuple[str, int], list[WindowRecord]] = defaultdict(list)
        for row in self._folder.read_rows(WINDOWS_FILE):
            window = WindowRecord.from_row(row)
            windows[self._present(window.trial_id), window.attempt].append(window)
        found: defaultdict[str, dict[int, SpentEnergy]] = defaultdict(dict)
        for trial_id, attempt in epochs.keys() | windows.keys():
            booked_j = ranking_j_of(
                windows[trial_id, attempt], EnergyScope.ACCELERATOR, attempt=attempt
            )
            whole_j = booked_j.get((TRIAL, 0))
            so_far_j = booked_j.get((INTERIM, 0)) or 0.0
            reported_j = sum(each for each in epochs[trial_id, attempt] if each is not None)
            found[trial_id][attempt] = SpentEnergy(
                energy_j=max(reported_j, so_far_j) if whole_j is None else whole_j,
                is_lower_bound=whole_j is None,
            )
        return dict(found)

    def _present(self, trial_id: str) -> str:
        """Return the trial id that a trial of an earlier session has in this one."""
        return self._restarts.get(trial_id, trial_id)

    def number(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Give a trial's configuration the next setup number, unless it has one."""
        self._book.plan(trial_id, config)

    def expect(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Register a new attempt of a trial, and announce it to the exporters."""
        plan = _trial_plan(self._book.plan(trial_id, config))
        self._begun.add(trial_id)
        for again in self._recorder.expect([plan], retry_failed=True):
            self._energy_j[trial_id] = again.energy_before_j
        self._exports.begin_trial(plan)

    def add(
        self,
        trial_id: str,
        config: Mapping[str, Any],
        result: Mapping[str, Any],
        stop_reason: StopReason | None,
    ) -> None:
        """Add the row of a result, and export it."""
        row = epoch_record(
            result,
            self._book.plan(trial_id, config),
            study=self._manifest.study,
            scenario=self._manifest.scenario,
            objective=self._manifest.objective,
            energy_before_j=self._energy_j.get(trial_id, 0.0),
            stop_reason=stop_reason,
        )
        if not self._last and row.val_score is None:
            metrics = ", ".join(json.loads(row.val_metrics or "{}")) or "no number"
            name = self._manifest.objective.name
            _log.warning(
                "the first result has no %s, which is the objective; it has %s", name, metrics
            )
        self._energy_j[trial_id] = row.energy_j
        self._last[trial_id] = row
        self._recorder.add(row)
        self._exports.epoch(row)

    def end(self, trial_id: str, *, by_itself: bool = True) -> None:
        """Record that a trial has ended, by itself unless its last row has another stop reason.

        Args:
            trial_id: The trial.
            by_itself: Whether the trial ended by itself, which is an error of a trial without any row;
                otherwise it was stopped, perhaps while it was paused, or never began.
        """
        last = self._last.get(trial_id)
        if last is not None and last.stop_reason is None:
            reason = StopReason.MAX_EPOCHS if by_itself else StopReason.STOPPED
            self._recorder.add(replace(last, stop_reason=reason))
        elif not self._recorder.epochs_of(trial_id):
            if by_itself:
                self._recorder.add_error(trial_id, "it ended without a result (tune.report)")
                _log.warning("trial %s ended without a result: call tune.report in it", trial_id)
            elif trial_id in self._begun:
                self._recorder.add_stopped(trial_id)
        self._exports.end_trial(self._recorder.trial(trial_id))

    def stopped(self, trial_id: str) -> None:
        """Record a trial that no longer runs as stopped, unless its end is recorded already.

        Tune calls no callback for trials that a stopper such as `EnergyBudget` ended all at once.
        """
        last = self._recorder.epochs_of(trial_id)[-1:]
        trial = self._recorder.trial(trial_id)
        if trial is None or trial.status is not TrialStatus.RUNNING:
            return
        if last:
            self._recorder.add(replace(last[0], stop_reason=StopReason.STOPPED))
        elif trial_id in self._begun:
            self._recorder.add_stopped(trial_id)
        else:
            return
        self._exports.end_trial(self._recorder.trial(trial_id))

    def fail(self, trial_id: str, config: Mapping[str, Any], error: str) -> None:
        """Record that a trial has failed and will not be retried."""
        self._book.plan(trial_id, config)
        self._recorder.add_error(trial_id, error)
        self._exports.end_trial(self._recorder.trial(trial_id))

    def end_exports(self, *, finished: bool) -> None:
        """Export the run's results and its files, which must be written by now, and close the exporters."""
        self._exports.will_end(self._recorder.trials(), finished=finished)
        self._exports.keep(self._folder)
        self._exports.close()

    def write(self, keeper: Handle | None, *, status: str = "running") -> None:
        """Write new rows, with what the trackers have booked, and the manifest with `status`."""
        nodes = self._manifest.nodes
        try:
            if keeper is not None:
                for booking in ray.get(keeper.take.remote(), timeout=2 * ANSWER_S):
                    self._recorder.add_booking(booking)
                nodes = _nodes(ray.get(keeper.facts.remote(), timeout=2 * ANSWER_S))
        except Exception as error:  # noqa: BLE001 - rows are written without the missing bookings
            _log.warning("the trackers did not answer: %s", error)
        self._manifest = replace(
            self._manifest,
            status=status,
            finished_at=None if status == "running" else now(),
            setups=tuple(self._book.setups),
            seeds=self._book.seeds,
            nodes=nodes,
            energy_of=scope_of_trainables(nodes),
            charging=charging_rules(nodes),
        )
        try:
            self._recorder.flush()
            self._folder.write_text(MANIFEST_FILE, self._manifest.to_json())
        except OSError as error:  # the rows stay in memory, and the next call writes them
            _log.warning("the ledger could not be written: %s", error)
            if status != "running":  # this was the last call
                _log.warning(
                    "%s",
                    rescue(self._folder, self._recorder, self._manifest, resume_hint=RESUME_HINT),
                )


def _earlier(record: TrialRecord) -> EarlierTrial:
    return EarlierTrial(
        trial_id=record.trial_id,
        setup=record.setup,
        seed=record.seed,
        has_finished=record.status is TrialStatus.FINISHED,
    )


def _trial_plan(plan: TunePlan) -> TrialPlan:
    return TrialPlan(
        trial_id=plan.trial_id,
        attempt=1,
        setup=plan.setup.setup,
        batch_size=plan.setup.batch_size,
        learning_rate=plan.setup.learning_rate,
        seed=plan.seed,
        parameters=plan.parameters,
    )


def _nodes(facts: list[TrackerFacts]) -> tuple[NodeFacts, ...]:
    """Return the facts of the machines that have a tracker."""
    by_node = {each.node_id: each for each in facts}
    listed: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    nodes = [Node.from_ray(each) for each in listed if each["NodeID"] in by_node]
    return tuple(node_facts(node, by_node[node.node_id]) for node in nodes)
