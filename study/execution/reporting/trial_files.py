"""Files of each trial that Ray Tune writes in the driver: `result.json` and TensorBoard's events.

Tune's own writers take 4 ms for a row of ours: one makes an event of each value, passes it through a queue and
waits for the disk, the other writes JSON piece by piece.
"""

import json
import math
import socket
import time
from pathlib import Path
from typing import Any, BinaryIO, final

from ray.air._internal.json import SafeFallbackEncoder
from ray.air.constants import TRAINING_ITERATION
from ray.tune.logger import JsonLoggerCallback, LoggerCallback
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.summary import hparams

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
class Curves(LoggerCallback):
    """Writes the numbers of a result as one event, and at a trial's end its parameters beside them."""

    def __init__(self) -> None:
        """No trial has begun."""
        self._files: dict[Any, BinaryIO] = {}
        self._last: dict[Any, dict[str, float]] = {}

    def log_trial_start(self, trial: Any) -> None:  # noqa: ANN401 - Tune's
        """Begin a file."""
        self._close(trial)
        trial.init_local_path()
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self._files[trial] = (Path(trial.local_path) / name).open("wb")
        self._write(trial, Event(wall_time=time.time(), file_version="brain.Event:2"))

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - Tune's
        """Write them."""
        if trial not in self._files:
            self.log_trial_start(trial)
        values = {
            f"{_TAGS}/{name}": value
            for name, value in result.items()
            if type(value) in {int, float} and not math.isnan(value) and name not in _NOT_CURVES
        }
        summary = Summary(value=[Summary.Value(tag=k, simple_value=v) for k, v in values.items()])
        at_s = result.get(REPORTED_AT, time.time())
        self._write(trial, Event(wall_time=at_s, step=result[TRAINING_ITERATION], summary=summary))
        self._last[trial] = values

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001, FBT002 - Tune's
        """Write what the trial's parameters came to."""
        if trial in self._files and trial.evaluated_params and self._last.get(trial):
            for summary in hparams(trial.evaluated_params, self._last[trial]):
                self._write(trial, Event(wall_time=time.time(), summary=summary))
        self._close(trial)

    def _write(self, trial: Any, event: Event) -> None:  # noqa: ANN401 - Tune's
        RecordWriter(self._files[trial]).write(event.SerializeToString())
        self._files[trial].flush()

    def _close(self, trial: Any) -> None:  # noqa: ANN401 - Tune's
        self._last.pop(trial, None)
        file = self._files.pop(trial, None)
        if file is not None:
            file.close()
