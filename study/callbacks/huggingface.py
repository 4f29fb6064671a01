"""Energy of a Hugging Face `Trainer`, epoch by epoch and evaluation by evaluation.

    from study.callbacks.huggingface import EnergyCallback

    trainer = Trainer(..., callbacks=[EnergyCallback(folder="results/mine")])

The energies appear in `trainer.state.log_history`, beside losses and metrics. With `folder` the training
is saved as a study of one setup, which `python -m analysis results/mine` reads. An evaluation at the end
of an epoch counts as part of that epoch.

A `Trainer` does not tell its callbacks of an exception. To save a training that fails, too:

    with EnergyCallback(folder="results/mine") as energy:
        Trainer(..., callbacks=[energy]).train()
"""

import os
from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from study.callbacks.failing import KeptOnFailure
from study.callbacks.training import Training
from study.callbacks.training_meter import TrainingMeter
from study.record.objective import Objective
from study.record.vocabulary import StopReason
from trackers.sources.detect import Request

PREFIX = "eval_"
OWN = ("runtime", "samples_per_second", "steps_per_second", "loss", "model_preparation_time")
"""Values in an evaluation's metrics that do not describe the model's quality."""


class EnergyCallback(KeptOnFailure, TrainerCallback):
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
        data: str = "",
        request: Request | None = None,
        log: Sequence[str] = (),
    ) -> None:
        """Measure with the power sources that `request` asks for.

        Args:
            folder: Folder in which the training is saved as a study; None saves nothing.
            objective: Validation metric that decides, named without `eval_`; None takes the evaluation loss,
                lower being better.
            data: Description of the data set; studies whose descriptions are equal are compared.
            request: Power sources to look for; None takes all that work on this machine.
            log: Exporters that receive each epoch while the training runs: `mlflow`, `wandb`, `prometheus`,
                `otel`.
        """
        self.meter: TrainingMeter | None = None
        self._another_may_follow = False
        self._folder = folder
        self._objective = objective or Objective("loss", "min")
        self._data = data
        self._request = request
        self._log = tuple(log)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start measuring, after closing whatever an earlier training that failed has left open.

        Raises:
            SourceUnavailableError: A source that `request` asks for by name cannot be used.
            OptionError: `log` names an exporter that is unknown or not installed.
        """
        self._fail()
        self._another_may_follow = False
        self._is_first = state.is_world_process_zero
        self.meter = TrainingMeter(
            Training(
                objective=self._objective,
                batch_size=args.train_batch_size
                * args.gradient_accumulation_steps
                * args.world_size,
                learning_rate=args.learning_rate,
                seed=args.seed,
                scenario="huggingface",
                data=self._data,
            ),
            request=self._request,
            log=self._log,
        )
        self.meter.start()
        self._runs = True

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Open the epoch's window."""
        if self.meter is not None:
            self._no_other_follows()
            self._end_epoch(state)
            # `state.epoch` is used only for the first epoch, to see where a checkpoint left off: for a data set
            # without a length, later values do not fall on the ends of epochs.
            self.meter.begin_epoch(after=0.0 if self.meter.epochs else state.epoch or 0.0)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Close the window kept open for a further evaluation set: the training goes on instead."""
        self._no_other_follows()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Open an evaluation's window when the trainer evaluates in the middle of an epoch."""
        if self.meter is not None and control.should_evaluate:
            self.meter.begin_evaluation()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Close the epoch's window, or open its evaluation's, which is part of the epoch."""
        if self.meter is None:
            return
        self._no_other_follows()
        if control.should_evaluate:
            self.meter.begin_evaluation()
        else:
            self._end_epoch(state)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Close an evaluation's window and add its metrics to those the epoch has already.

        An evaluation before or after the training is ignored.
        """
        if self.meter is None or not self._runs or not self.meter.epochs:
            return
        energy_j = self.meter.end_evaluation()
        told = {
            k.removeprefix(PREFIX): v for k, v in (metrics or {}).items() if k.startswith(PREFIX)
        }
        epoch = self.meter.epochs[-1]
        epoch.val_loss = told.get("loss", epoch.val_loss)
        is_loss = self._objective.name == "loss"
        epoch.metrics |= {
            name: value
            for name, value in told.items()
            if not _is_own(name) or (is_loss and name == "loss")
        }
        if energy_j is not None:
            _note(state, {f"{_set_of(metrics or {})}energy_j": energy_j})
            self.meter.begin_evaluation()
            self._another_may_follow = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Store the logged training loss with the current epoch."""
        if self.meter is not None and self.meter.epochs and "loss" in (logs or {}):
            self.meter.epochs[-1].train_loss = (logs or {})["loss"]

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Close the last epoch, and save the training if a folder was given."""
        if self.meter is None:
            return
        self._runs = False
        self._end_epoch(state)
        self.meter.stop()
        is_early = state.global_step < state.max_steps
        self._save(StopReason.PATIENCE if is_early else StopReason.MAX_EPOCHS)

    def _no_other_follows(self) -> None:
        """Close the window that was opened in case another evaluation set follows."""
        if self.meter is not None and self._another_may_follow:
            self._another_may_follow = False
            self.meter.end_evaluation()

    def _end_epoch(self, state: TrainerState) -> None:
        """Close the running epoch, if there is one, and log its energy and mean power."""
        if self.meter is None or not self.meter.epochs or self.meter.epochs[-1].readings:
            return
        epoch = self.meter.end_epoch()
        if epoch.energy_j is not None and epoch.mean_power_w is not None:
            _note(
                state,
                {"epoch_energy_j": epoch.energy_j, "mean_power_w": epoch.mean_power_w},
            )


def _is_own(name: str) -> bool:
    """Return whether a value is the trainer's own, such as `runtime`; with several sets it is `SET_runtime`."""
    return name in OWN or name.endswith(tuple(f"_{each}" for each in OWN if each != "loss"))


def _set_of(metrics: dict[str, Any]) -> str:
    """Return the prefix of an evaluation's metrics: `eval_`, or `eval_SET_` for one of several sets."""
    timed = (name.removesuffix("runtime") for name in metrics if name.endswith("_runtime"))
    return next(timed, PREFIX)


def _note(state: TrainerState, values: dict[str, float]) -> None:
    """Append an entry to the trainer's own `log_history`."""
    state.log_history.append({**values, "epoch": state.epoch, "step": state.global_step})
