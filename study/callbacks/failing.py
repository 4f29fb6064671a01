"""Trainings that fail: kept as far as they came."""

import os
from types import TracebackType
from typing import Self

from study.callbacks.training_meter import TrainingMeter
from study.record.vocabulary import StopReason


class KeptOnFailure:
    """A callback that keeps its training where an exception ends it.

    A framework that tells its callbacks nothing of an exception needs `with` around the training.

    Attributes:
        meter: What is measured; None before the training.
    """

    meter: TrainingMeter | None
    _folder: str | os.PathLike[str] | None
    _runs: bool = False
    _is_first: bool = True

    def __enter__(self) -> Self:
        """Watch for an exception."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Keep a training that an exception has ended."""
        if kind is not None:
            self._fail()

    def _fail(self) -> None:
        """End a training that runs, and keep it where a folder was given."""
        if self.meter is None or not self._runs:
            return
        self._runs = False
        self.meter.stop(failed=True)
        if self._folder is not None and self._is_first and self.meter.epochs:
            self.meter.keep(self._folder, stop_reason=StopReason.ERROR)
