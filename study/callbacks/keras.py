"""Energy of `model.fit` in Keras 3, epoch by epoch.

    from study.callbacks.keras import EnergyCallback

    model.fit(..., callbacks=[EnergyCallback(folder="results/mine", batch_size=64)])

`epoch_energy_j` and `mean_power_w` stand in the epoch's logs, and so in `history`. An epoch has its
validation in it.

`fit` tells its callbacks nothing of an exception. To keep a training that fails too:

    with EnergyCallback(folder="results/mine", batch_size=64) as energy:
        model.fit(..., callbacks=[energy])
"""

import os
from collections.abc import Sequence
from typing import Any

from keras.callbacks import Callback

from study.callbacks.failing import KeptOnFailure
from study.callbacks.plain_values import numbers_in
from study.callbacks.training import Training
from study.callbacks.training_meter import TrainingMeter
from study.record.objective import Objective
from study.record.vocabulary import StopReason
from trackers.sources.detect import Request


class EnergyCallback(KeptOnFailure, Callback):
    """Measures a training; nothing that a tracker meets ends it.

    With `with` around the training one that an exception ends is kept too.

    Attributes:
        meter: What is measured; None before the training.
    """

    def __init__(
        self,
        *,
        folder: str | os.PathLike[str] | None = None,
        objective: Objective | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        data: str = "",
        request: Request | None = None,
        log: Sequence[str] = (),
    ) -> None:
        """Measure with the sources of `request`.

        Args:
            folder: Where the training is kept as a study; left out: it is not.
            objective: Metric that decides, without `val_`; left out: the validation's loss.
            batch_size: Of the training, which Keras does not tell.
            learning_rate: Likewise.
            data: Says what is trained on; studies of the same words are compared.
            request: Sources to look for; left out: all that work.
            log: Who hears of the training as it goes on: `mlflow`, `wandb`, `prometheus`, `otel`.
        """
        super().__init__()
        self.meter: TrainingMeter | None = None
        self._folder = folder
        self._objective = objective or Objective("loss", "min")
        self._batch_size, self._learning_rate, self._data = batch_size, learning_rate, data
        self._request = request
        self._log = tuple(log)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin to measure; what a training that failed has left open is ended."""
        if self.meter is not None:
            self.meter.stop(failed=True)
        self._runs = True
        self.meter = TrainingMeter(
            Training(
                objective=self._objective,
                batch_size=self._batch_size,
                learning_rate=self._learning_rate,
                scenario="keras",
                data=self._data,
            ),
            request=self._request,
            log=self._log,
        )
        self.meter.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin an epoch."""
        if self.meter is not None:
            self.meter.begin_epoch(after=epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """End an epoch, and log what it used."""
        if self.meter is None:
            return
        measured = self.meter.end_epoch()
        logs = {} if logs is None else logs
        told = numbers_in(logs)  # a metric may have a value for each class
        validated = {k.removeprefix("val_"): v for k, v in told.items() if k.startswith("val_")}
        measured.train_loss, measured.val_loss = logs.get("loss"), logs.get("val_loss")
        measured.metrics = validated
        if measured.energy_j is not None and measured.mean_power_w is not None:
            logs["epoch_energy_j"] = measured.energy_j
            logs["mean_power_w"] = measured.mean_power_w

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Keep the training where a folder was given."""
        if self.meter is None:
            return
        self._runs = False
        self.meter.stop()
        if self._folder is not None and self.meter.epochs:
            is_early = len(self.meter.epochs) < self.params.get("epochs", 0)
            reason = StopReason.PATIENCE if is_early else StopReason.MAX_EPOCHS
            self.meter.keep(self._folder, stop_reason=reason)
