"""Energy of a Lightning `Trainer`, epoch by epoch and evaluation by evaluation.

    from study.callbacks.lightning import EnergyCallback

    trainer = Trainer(..., callbacks=[EnergyCallback(folder="results/mine")])

`epoch_energy_j`, `mean_power_w` and `val_energy_j` are logged like the module's own metrics, so that loggers,
checkpoints and `EarlyStopping(monitor="epoch_energy_j", strict=False)` see them; `strict=False` is needed
because an epoch whose reading is missing logs none. An epoch includes its validation.
"""

import os
from collections.abc import Sequence
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, Timer

from study.callbacks.failing import KeptOnFailure
from study.callbacks.training import Training
from study.callbacks.training_meter import TrainingMeter
from study.record.objective import Objective
from study.record.vocabulary import StopReason
from trackers.sources.detect import Request

OWN = ("epoch_energy_j", "val_energy_j", "mean_power_w")
"""Names that this callback logs itself, and so not metrics of the model."""


class EnergyCallback(KeptOnFailure, Callback):
    """Callback that measures the energy of a training; once it has begun, no fault of a tracker stops it.

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
            objective: Metric that decides, by the name under which the module logs it; None takes `val_loss`,
                lower being better.
            batch_size: Batch size to record, which Lightning leaves to the module; None when unknown.
            learning_rate: Learning rate to record, likewise; None when unknown.
            data: Description of the data set; studies whose descriptions are equal are compared.
            request: Power sources to look for; None takes all that work on this machine.
            log: Exporters that receive each epoch while the training runs: `mlflow`, `wandb`, `prometheus`,
                `otel`.
        """
        self.meter: TrainingMeter | None = None
        self._before: dict[str, Any] = {}
        self._folder = folder
        self._objective = objective or Objective("val_loss", "min")
        self._batch_size, self._learning_rate, self._data = batch_size, learning_rate, data
        self._request = request
        self._log = tuple(log)

    def on_fit_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start measuring.

        Raises:
            SourceUnavailableError: A source that `request` asks for by name cannot be used.
            OptionError: `log` names an exporter that is unknown or not installed.
        """
        self._fail()
        self._before, self._is_first = {}, trainer.is_global_zero
        self.meter = TrainingMeter(
            Training(
                objective=self._objective,
                batch_size=self._batch_size,
                learning_rate=self._learning_rate,
                scenario=type(pl_module).__name__,
                data=self._data,
            ),
            request=self._request,
            log=self._log,
        )
        self.meter.start()
        self._runs = True

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open the epoch's window."""
        if self.meter is not None:
            self._take_metrics(trainer)
            self.meter.begin_epoch(after=trainer.current_epoch)

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any
    ) -> None:
        """Open the window of a partial epoch: resumed in mid-epoch, a trainer does not announce its start."""
        if self.meter is not None and not self.meter.epochs:
            self.meter.begin_epoch(after=trainer.current_epoch + 0.5)

    def on_validation_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open an evaluation's window; the sanity check before the training is part of the set-up."""
        if self.meter is not None and self._runs and not trainer.sanity_checking:
            self.meter.begin_evaluation()

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Close the evaluation's window, and log its energy."""
        if self.meter is not None and self._runs and not trainer.sanity_checking:
            energy_j = self.meter.end_evaluation()
            if energy_j is not None:
                pl_module.log("val_energy_j", energy_j)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Close the epoch's window, and log its energy and mean power."""
        if self.meter is None or not self.meter.epochs:
            return  # a trainer resumed at the end of an epoch announces that end again
        epoch = self.meter.end_epoch()
        if epoch.energy_j is not None and epoch.mean_power_w is not None:
            pl_module.log("epoch_energy_j", epoch.energy_j)
            pl_module.log("mean_power_w", epoch.mean_power_w)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the training if a folder was given."""
        if self.meter is None:
            return
        self._runs = False
        self._take_metrics(trainer)
        self.meter.stop()
        self._save(StopReason.MAX_EPOCHS if _is_at_limit(trainer) else StopReason.PATIENCE)

    def on_exception(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Save a training that fails, as far as it got."""
        epochs = [] if self.meter is None else self.meter.epochs
        try:
            if self._runs and epochs and epochs[-1].readings:  # else they were taken when it began
                self._take_metrics(trainer)
        finally:  # metrics of a device that has failed cannot be read
            self._fail()

    def _take_metrics(self, trainer: lightning.Trainer) -> None:
        """Store the metrics of the epoch that has ended, including those logged at its very end.

        A trainer keeps the last value of each metric: a value that was there before the epoch began is not
        the epoch's.
        """
        told = dict(trainer.callback_metrics)
        if self.meter is not None and self.meter.epochs:
            own = {
                name: float(value)
                for name, value in told.items()
                if value is not self._before.get(name) and name not in OWN
            }
            epoch = self.meter.epochs[-1]
            epoch.train_loss, epoch.val_loss = own.get("train_loss"), own.get("val_loss")
            epoch.metrics = dict(own)
        self._before = told


def _is_at_limit(trainer: lightning.Trainer) -> bool:
    """Return whether the training ended because it reached its limit of epochs, steps or time."""
    counts = (
        (trainer.current_epoch, trainer.max_epochs or -1),
        (trainer.global_step, trainer.max_steps),
    )
    timers = [each for each in trainer.callbacks if isinstance(each, Timer)]
    return any(0 < limit <= count for count, limit in counts) or any(
        (left := each.time_remaining()) is not None and left <= 0 for each in timers
    )
