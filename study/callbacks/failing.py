"""Saving of trainings that an exception ends, for all framework callbacks."""

import os
from typing import Self

from study.callbacks.training_meter import TrainingMeter
from study.record.vocabulary import StopReason


class KeptOnFailure:
    """Base of callbacks that save their training when an exception ends it.

    If the framework does not tell its callbacks of exceptions, put `with` around the training.

    Attributes:
        meter: Meter of the current or last training; None before the first.
    """

    meter: TrainingMeter | None
    _folder: str | os.PathLike[str] | None
    _runs: bool = False
    _is_first: bool = True

    def __enter__(self) -> Self:
        """Return the callback, which then notices an exception in the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Save the training if an exception has ended it."""
        if kind is not None:
            self._fail()

    def _fail(self) -> None:
        """Stop measuring a running training, and save it if a folder was given."""
        if self.meter is None or not self._runs:
            return
        self._runs = False
        self.meter.stop(failed=True)
        self._save(StopReason.ERROR)

    def _save(self, reason: StopReason) -> None:
        """Save the training if a folder was given, in the first of several processes alone."""
        if (
            self.meter is not None
            and self._folder is not None
            and self._is_first
            and self.meter.epochs
        ):
            self.meter.save_or_warn(self._folder, stop_reason=reason)
