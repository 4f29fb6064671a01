"""Files of each trial that Ray Tune writes in the driver: `result.json` and TensorBoard's events.

Tune's own writers take 4 ms for a row of ours: the one for each value, the other for each letter.
"""

import json
import math
import time
from typing import Any, final

from ray.air._internal.json import SafeFallbackEncoder
from ray.air.constants import TRAINING_ITERATION
from ray.tune.logger import JsonLoggerCallback, LoggerCallback, TBXLoggerCallback
from tensorboardX.proto.summary_pb2 import Summary

from study.execution.reporting.reports import REPORTED_AT

_TAGS = "ray/tune"
_NOT_CURVES = {TRAINING_ITERATION, REPORTED_AT, "timestamp", "time_total_s", "pid"}


def files_of_trials() -> tuple[LoggerCallback, ...]:
    """Return the writers of a run of Tune."""
    return ResultLines(), Curves()  # type: ignore[no-untyped-call]


@final
class ResultLines(JsonLoggerCallback):
    """Writes a result as one line of `result.json`."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - Tune's
        """Write it."""
        if trial not in self._trial_files:
            self.log_trial_start(trial)
        file = self._trial_files[trial]
        file.write(json.dumps(result, cls=SafeFallbackEncoder) + "\n")
        file.flush()


@final
class Curves(TBXLoggerCallback):
    """Writes the numbers of a result as one event; the thread of a trial's writer puts them on the disk."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - Tune's
        """Write them."""
        if trial not in self._trial_writer:
            self.log_trial_start(trial)
        values = {
            f"{_TAGS}/{name}": value
            for name, value in result.items()
            if type(value) in {int, float} and not math.isnan(value) and name not in _NOT_CURVES
        }
        summary = Summary(value=[Summary.Value(tag=k, simple_value=v) for k, v in values.items()])
        self._trial_writer[trial].file_writer.add_summary(
            summary, result[TRAINING_ITERATION], walltime=result.get(REPORTED_AT, time.time())
        )
        self._trial_writer[trial].flush()
        self._trial_result[trial] = values
