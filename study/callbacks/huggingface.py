"""Energy of a Hugging Face `Trainer`, epoch by epoch and evaluation by evaluation.

    from study.callbacks.huggingface import EnergyCallback

    trainer = Trainer(..., callbacks=[EnergyCallback(folder="results/mine")])

The energies stand in `trainer.state.log_history`, beside losses and metrics. With a folder the training
is kept as a study of one setup, which `python -m analysis results/mine` reads. An evaluation at an
epoch's end is a part of the epoch.

A `Trainer` tells its callbacks nothing of an exception. To keep a training that fails too:

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
"""Values of an evaluation that are no metrics of the model."""


class EnergyCallback(KeptOnFailure, TrainerCallback):
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
        data: str = "",
        request: Request | None = None,
        log: Sequence[str] = (),
    ) -> None:
        """Measure with the sources of `request`.

        Args:
            folder: Where the training is kept as a study; left out: it is not.
            objective: Metric that decides, without `eval_`; left out: the evaluation's loss.
            data: Says what is trained on; studies of the same words are compared.
            request: Sources to look for; left out: all that work.
            log: Who hears of the training as it goes on: `mlflow`, `wandb`, `prometheus`, `otel`.
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
        """Begin to measure; what a training that failed has left open is ended."""
        if self.meter is not None:
            self.meter.stop(failed=True)
        self._runs, self._another_may_follow = True, False
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

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Begin an epoch."""
        if self.meter is not None:
            self._no_other_follows()
            self._end_epoch(state)
            # Later on a trainer does not know where an epoch of a set without a length ends.
            self.meter.begin_epoch(after=0.0 if self.meter.epochs else state.epoch or 0.0)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Go on with the training after an evaluation."""
        self._no_other_follows()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Begin an evaluation, where one comes in mid-epoch."""
        if self.meter is not None and control.should_evaluate:
            self.meter.begin_evaluation()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """End an epoch, or begin its evaluation."""
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
        """End an evaluation; what it said is the epoch's, beside what others of the epoch have said.

        One before or after the training is none of its own.
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
        """Take the training loss that is logged."""
        if self.meter is not None and self.meter.epochs and "loss" in (logs or {}):
            self.meter.epochs[-1].train_loss = (logs or {})["loss"]

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """End the last epoch, and keep the training where a folder was given."""
        if self.meter is None:
            return
        self._runs = False
        self._end_epoch(state)
        self.meter.stop()
        if self._folder is not None and state.is_world_process_zero and self.meter.epochs:
            is_early = state.global_step < state.max_steps
            reason = StopReason.PATIENCE if is_early else StopReason.MAX_EPOCHS
            self.meter.keep(self._folder, stop_reason=reason)

    def _no_other_follows(self) -> None:
        """Forget the window that was opened for another evaluation set."""
        if self.meter is not None and self._another_may_follow:
            self._another_may_follow = False
            self.meter.end_evaluation()

    def _end_epoch(self, state: TrainerState) -> None:
        """End the epoch that runs, if one does, and say what it used."""
        if self.meter is None or not self.meter.epochs or self.meter.epochs[-1].readings:
            return
        epoch = self.meter.end_epoch()
        if epoch.energy_j is not None and epoch.mean_power_w is not None:
            _note(
                state,
                {"epoch_energy_j": epoch.energy_j, "mean_power_w": epoch.mean_power_w},
            )


def _is_own(name: str) -> bool:
    """Return whether a value is none of the model's; that of one of several sets has the set's name before."""
    return name in OWN or name.endswith(tuple(f"_{each}" for each in OWN if each != "loss"))


def _set_of(metrics: dict[str, Any]) -> str:
    """Return what an evaluation's values begin with: `eval_`, of one set of several `eval_SET_`."""
    timed = (name.removesuffix("runtime") for name in metrics if name.endswith("_runtime"))
    return next(timed, PREFIX)


def _note(state: TrainerState, values: dict[str, float]) -> None:
    """Write into the trainer's own log."""
    state.log_history.append({**values, "epoch": state.epoch, "step": state.global_step})
