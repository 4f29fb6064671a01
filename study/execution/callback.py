"""Events of Ray Tune during trials, handed on to the recorder and the display."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

from ray import tune
from ray.tune.logger import LoggerCallback

from study.execution.ends import errors_of, why_lost
from study.execution.live.progress import ProgressDisplay
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

LOOK_EACH_S = 1.0
"""How often it is looked whether trials on closed machines are all that is left."""

IDLE_LOOKS = 15
"""A trial is waited for that Tune is starting, for so many looks."""

SHOWN_PARAMETERS = ("batch_size", "learning_rate", "seed", "setup")
"""What TensorBoard compares trials by."""


@final
class StudyCallback(tune.Callback):
    """Hands what Tune tells the driver to the recorder and the display."""

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
        """Hand on to `recorder` and `progress`, and keep the books of `cluster`'s trackers.

        Trials whose process is lost fail where no `restarts` are left; else they are in `lost`, with
        those that a machine has failed which is closed. Tune hands `files` the last row of a report,
        this one those before it.
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
        self._look_at_s = 0.0
        self._idle = 0
        self._restarts = restarts
        self._recorder = recorder
        self._progress = progress
        self._cluster = cluster

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune stores its callbacks, and a study is resumed from its rows instead."""
        return {}

    def say(self, text: str) -> None:
        """Show a sentence to the user."""
        self._progress.say(text)

    def on_trial_start(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial is on its way."""
        trial = info["trial"]
        plan = TrialPlan.from_config(trial.config)
        self._plans[plan.trial_id] = plan
        self._exports.begin_trial(plan)
        # A list of points leaves this empty, and TensorBoard then has no hyper-parameters.
        trial.evaluated_params = {key: trial.config[key] for key in SHOWN_PARAMETERS}
        self._progress.begin(trial.config["trial_id"], trial.config["setup"])

    def on_trial_result(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial has reported an epoch, or several."""
        if "stage" not in info["result"]:
            return  # it was sent away by a closed machine, without having begun
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
        self._judge(record, result.get(NODE))
        self._reported.add(record.trial_id)

    def on_trial_complete(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial has ended, or was sent away by a closed machine."""
        config = info["trial"].config
        if self.closed and config["trial_id"] not in self._reported:
            plan = TrialPlan.from_config(config)
            self.lost.append(plan)
            self._progress.lost(plan.trial_id, plan.setup, why="its machine is closed")
            return
        self._end(config)

    def on_trial_error(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial's process has died, or its node with it."""
        config = info["trial"].config
        plan = TrialPlan.from_config(config)
        for record in self._recorder.recall(self._journals.rows(plan.trial_id)):
            self._progress.epoch(record)
            self._exports.epoch(record)
        if self._recorder.is_through(plan):
            self._end(config)  # it was lost when all was reported
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
        """Write what has come, now and then."""
        if self.closed:
            self._send_away(info["trials"])
        if not self._recorder.flush_due():
            return
        for booking in self._cluster.take_bookings():
            self._recorder.add_booking(booking)
        try:
            self._recorder.flush()
            self._journals.written()
        except OSError as error:
            # The rows stay in memory; the next flush, or the last, writes them.
            logging.getLogger(__name__).warning("results could not be written: %s", error)

    def _judge(self, record: EpochRecord, machine: str | None) -> None:
        """Close its machine, if that fails every trial at once."""
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
            self._recorder.forgive(trial_id)
            plan = self._plans[trial_id]
            self.lost.append(replace(plan, attempt=plan.attempt + 1))
        again = ", and those are run again elsewhere" if self._restarts else ""
        self._progress.say(
            f"quarantine: {self._admissions.name_of(machine)} failed {len(failed)} trials in a row before "
            f"their first epoch ended; it takes no more of them{again}"
        )

    def _send_away(self, trials: Sequence[Any]) -> None:
        """Have the trials leave that wait on closed machines, once nothing else runs."""
        now_s = time.monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + LOOK_EACH_S
        running = {each.config["trial_id"] for each in trials if each.status == "RUNNING"}
        pending = any(each.status == "PENDING" for each in trials)
        waiting = self._admissions.waiting()
        if running <= waiting and (running or pending):
            self._idle += 1
        else:
            self._idle = 0
        # What is pending may be about to start on a machine that is well.
        if self._idle > (IDLE_LOOKS if pending else 0):
            self._admissions.let_go()

    def _end(self, config: dict[str, Any]) -> None:
        self._cluster.release(config["trial_id"])
        self._journals.ended(config["trial_id"])
        whole = self._recorder.trial(config["trial_id"])
        self._progress.end(config["trial_id"], config["setup"], whole)
        self._exports.end_trial(whole)
