"""Events of Ray Tune during trials, handed on to the recorder and the display."""

import logging
from dataclasses import replace
from typing import Any, final

from ray import tune

from study.execution.ends import errors_of, why_lost
from study.execution.progress import ProgressDisplay
from study.machines.cluster import Cluster
from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.store.recorder import Recorder
from study.store.setups import TrialPlan

SHOWN_PARAMETERS = ("batch_size", "learning_rate", "seed", "setup")
"""What TensorBoard compares trials by."""


@final
class StudyCallback(tune.Callback):
    """Hands what Tune tells the driver to the recorder and the display."""

    def __init__(
        self, recorder: Recorder, progress: ProgressDisplay, cluster: Cluster, *, restarts: int
    ) -> None:
        """Hand on to `recorder` and `progress`, and keep the books of `cluster`'s trackers.

        Trials whose process is lost fail where no `restarts` are left; else they are in `lost`.
        """
        self.lost: list[TrialPlan] = []
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
        # A list of points leaves this empty, and TensorBoard then has no hyper-parameters.
        trial.evaluated_params = {key: trial.config[key] for key in SHOWN_PARAMETERS}
        self._progress.begin(trial.config["trial_id"], trial.config["setup"])

    def on_trial_result(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial has reported an epoch."""
        record = EpochRecord.from_result(info["result"])
        self._recorder.add(record)
        self._progress.epoch(record)
        if record.stop_reason is StopReason.ERROR:
            self._recorder.add_error(record.trial_id, info["result"].get("error") or "")

    def on_trial_complete(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial has ended."""
        self._end(info["trial"].config)

    def on_trial_error(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """A trial's process has died, or its node with it."""
        config = info["trial"].config
        plan = TrialPlan.from_config(config)
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

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Write what has come, now and then."""
        if not self._recorder.flush_due():
            return
        for booking in self._cluster.take_bookings():
            self._recorder.add_booking(booking)
        try:
            self._recorder.flush()
        except OSError as error:
            # The rows stay in memory; the next flush, or the last, writes them.
            logging.getLogger(__name__).warning("results could not be written: %s", error)

    def _end(self, config: dict[str, Any]) -> None:
        self._cluster.release(config["trial_id"])
        whole = self._recorder.trial(config["trial_id"])
        self._progress.end(config["trial_id"], config["setup"], whole)
