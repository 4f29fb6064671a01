"""Energy of `model.fit` in Keras 3, epoch by epoch.

    from study.callbacks.keras import EnergyCallback

    model.fit(..., callbacks=[EnergyCallback(folder="results/mine", batch_size=64)])

`epoch_energy_j` and `mean_power_w` are added to each epoch's logs, and so appear in `history`. An epoch
includes its validation.

`fit` does not tell its callbacks of an exception. To save a training that fails, too:

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
    """Callback that measures the energy of a training; once it has begun, no fault of a tracker stops it.

    With `with` around the training one that an exception ends is kept too.

    Attributes:
        meter: Meter of the current or last training; None before the first.
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
        """Measure with the power sources that `request` asks for.

        Args:
            folder: Folder in which the training is saved as a study; None saves nothing.
            objective: Validation metric that decides, named without `val_`; None takes the validation loss,
                lower being better.
            batch_size: Batch size to record, as Keras does not tell callbacks; None when unknown.
            learning_rate: Learning rate to record, likewise; None when unknown.
            data: Description of the data set; studies whose descriptions are equal are compared.
            request: Power sources to look for; None takes all that work on this machine.
            log: Exporters that receive each epoch while the training runs: `mlflow`, `wandb`, `prometheus`,
                `otel`.
        """
        super().__init__()
        self.meter: TrainingMeter | None = None
        self._folder = folder
        self._objective = objective or Objective("loss", "min")
        self._batch_size, self._learning_rate, self._data = batch_size, learning_rate, data
        self._request = request
        self._log = tuple(log)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start measuring, after closing whatever an earlier training that failed has left open.

        Raises:
            SourceUnavailableError: A source that `request` asks for by name cannot be used.
            OptionError: `log` names an exporter that is unknown or not installed.
        """
        self._fail()
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
        self._runs = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Open the epoch's window."""
        if self.meter is not None:
            self.meter.begin_epoch(after=epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Close the epoch's window, and log its energy and mean power."""
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
        """Save the training if a folder was given."""
        if self.meter is None:
            return
        self._runs = False
        self.meter.stop()
        is_early = len(self.meter.epochs) < self.params.get("epochs", 0)
        self._save(StopReason.PATIENCE if is_early else StopReason.MAX_EPOCHS)
