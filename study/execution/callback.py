"""Ray Tune callback that passes the events of trials on to the recorder, the display and the exporters."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

from ray import tune
from ray.tune.logger import LoggerCallback

from study.execution.live.progress import ProgressDisplay
from study.execution.loss_reason import errors_of, why_lost
from study.execution.reporting.journal import Journals
from study.execution.reporting.reports import NODE, results_of
from study.exports.study_exports import StudyExports
from study.machines.admissions import Admissions
from study.machines.cluster import Cluster
from study.machines.quarantine import Quarantine
from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.store.recorder import Recorder
from study.store.setups import TrialPlan

CHECK_EVERY_S = 1.0
"""Seconds between checks whether the only trials left are waiting on closed machines."""

IDLE_CHECKS = 15
"""Checks in a row for which a pending trial is given the chance to start on an open machine."""

SHOWN_PARAMETERS = ("batch_size", "learning_rate", "seed", "setup")
"""Keys of a trial's configuration that TensorBoard shows as hyper-parameters."""


@final
class StudyCallback(tune.Callback):
    """Passes what Tune reports in the driver on to the recorder, the display and the exporters.

    Attributes:
        files: Tune's logger callbacks that write files of each trial.
        lost: Trials to run again, each as its next attempt if it had begun.
        closed: Ray's identifiers of the machines that this run has closed to trials.
    """

    def __init__(
        self,
        recorder: Recorder,
        progress: ProgressDisplay,
        cluster: Cluster,
        quarantine: Quarantine | None,
        admissions: Admissions,
        *,
        journals: Journals,
        restarts: int,
        files: Sequence[LoggerCallback] = (),
        exports: StudyExports | None = None,
    ) -> None:
        """Set up for one run of Tune.

        Args:
            recorder: Receives rows, errors and the trackers' bookings.
            progress: Display of the running study.
            cluster: Cluster whose trackers are asked for bookings.
            quarantine: Decides which machines to close; None to close none.
            admissions: Closes machines to trials.
            journals: Journals of the trials' rows in the study's folder.
            restarts: Runs of Tune that may follow. With 0, a trial whose process is lost fails;
                otherwise it goes to `lost`, as do those that failed on a machine that is closed.
            files: Logger callbacks. Tune passes them the last row of each report; this callback
                passes them the rows before it.
            exports: Exporters; None for none.
        """
        self.files = files
        self._journals = journals
        self._exports = exports or StudyExports()
        self.lost: list[TrialPlan] = []
        self.closed: list[str] = []
        self._quarantine = quarantine
        self._admissions = admissions
        self._plans: dict[str, TrialPlan] = {}
        self._reported: set[str] = set()
        self._check_at_s = 0.0
        self._idle = 0
        self._restarts = restarts
        self._recorder = recorder
        self._progress = progress
        self._cluster = cluster

    def __getstate__(self) -> dict[str, Any]:
        """Return an empty state: Tune pickles its callbacks, but a study is resumed from its rows."""
        return {}

    def say(self, text: str) -> None:
        """Print a message to the user."""
        self._progress.say(text)

    def on_trial_start(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Register a trial that Tune has started."""
        trial = info["trial"]
        plan = TrialPlan.from_config(trial.config)
        self._plans[plan.trial_id] = plan
        self._exports.begin_trial(plan)
        # Tune leaves this empty for `points_to_evaluate`; TensorBoard would show no hyper-parameters.
        trial.evaluated_params = {key: trial.config[key] for key in SHOWN_PARAMETERS}
        self._progress.begin(trial.config["trial_id"], trial.config["setup"])

    def on_trial_result(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record the rows of a report, which may hold several epochs."""
        if "stage" not in info["result"]:
            return  # a trial that left a closed machine without having begun
        *earlier, last = results_of(info["result"])
        for result in earlier:
            self._take(result)
            for file in self.files:
                file.log_trial_result(info["iteration"], info["trial"], result)
        self._take(last)

    def _take(self, result: dict[str, Any]) -> None:
        record = EpochRecord.from_result(result)
        self._recorder.add(record)
        self._progress.epoch(record)
        self._exports.epoch(record)
        if record.stop_reason is StopReason.ERROR:
            self._recorder.add_error(record.trial_id, result.get("error") or "")
        self._check_machine(record, result.get(NODE))
        self._reported.add(record.trial_id)

    def on_trial_complete(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record the end of a trial; one that left a closed machine unbegun is kept for the next run."""
        config = info["trial"].config
        if self.closed and config["trial_id"] not in self._reported:
            plan = TrialPlan.from_config(config)
            self.lost.append(plan)
            self._progress.lost(plan.trial_id, plan.setup, why="its machine is closed")
            return
        self._end(config)

    def on_trial_error(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Handle the loss of a trial's process or node: keep its rows, and rerun or fail the trial."""
        config = info["trial"].config
        plan = TrialPlan.from_config(config)
        for record in self._recorder.add_missing(self._journals.rows(plan.trial_id)):
            self._progress.epoch(record)
            self._exports.epoch(record)
        if self._recorder.is_trained(plan):
            self._end(config)  # the process was lost only after all its results were there
            return
        why = why_lost(errors_of(info["trial"]), self._cluster.why_ended(plan.trial_id))
        if not self._restarts:
            self._recorder.add_error(plan.trial_id, why)
            self._end(config)
            return
        self.lost.append(replace(plan, attempt=plan.attempt + 1))
        self._cluster.release(plan.trial_id)
        self._progress.lost(plan.trial_id, plan.setup, why=why)

    def on_step_end(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Flush the recorder when it is due, and let trials leave closed machines."""
        if self.closed:
            self._release_waiting_trials(info["trials"])
        if not self._recorder.flush_due():
            return
        for booking in self._cluster.take_bookings():
            self._recorder.add_booking(booking)
        try:
            self._recorder.flush()
            self._journals.written()
        except OSError as error:
            # The rows stay in memory until the next flush succeeds, at the latest the final one.
            logging.getLogger(__name__).warning("results could not be written: %s", error)

    def _check_machine(self, record: EpochRecord, machine: str | None) -> None:
        """Close the record's machine if trials keep failing there before their first epoch ends."""
        if machine is None or self._quarantine is None:
            return
        if record.stop_reason is not StopReason.ERROR:
            self._quarantine.trained(machine)
        elif record.trial_id not in self._reported and self._quarantine.failed_at_once(
            machine, record.trial_id, record.setup
        ):
            self._close(machine, self._quarantine.closed[machine])

    def _close(self, machine: str, failed: Sequence[str]) -> None:
        self.closed.append(machine)
        self._admissions.close(machine)
        for trial_id in failed if self._restarts else ():
            self._recorder.clear_error(trial_id)
            plan = self._plans[trial_id]
            self.lost.append(replace(plan, attempt=plan.attempt + 1))
        again = ", and the failed ones are rerun elsewhere" if self._restarts else ""
        self._progress.say(
            f"quarantine: {self._admissions.name_of(machine)} failed {len(failed)} trials in a row before "
            f"their first epoch ended; no more trials start there{again}"
        )

    def _release_waiting_trials(self, trials: Sequence[Any]) -> None:
        """Let trials that wait on closed machines leave, once no other trial is running."""
        now_s = time.monotonic()
        if now_s < self._check_at_s:
            return
        self._check_at_s = now_s + CHECK_EVERY_S
        running = {each.config["trial_id"] for each in trials if each.status == "RUNNING"}
        pending = any(each.status == "PENDING" for each in trials)
        waiting = self._admissions.waiting()
        if running <= waiting and (running or pending):
            self._idle += 1
        else:
            self._idle = 0
        # A pending trial may be about to start on a machine that is open.
        if self._idle > (IDLE_CHECKS if pending else 0):
            self._admissions.release_waiting()

    def _end(self, config: dict[str, Any]) -> None:
        self._cluster.release(config["trial_id"])
        self._journals.ended(config["trial_id"])
        whole = self._recorder.trial(config["trial_id"])
        self._progress.end(config["trial_id"], config["setup"], whole)
        self._exports.end_trial(whole)
