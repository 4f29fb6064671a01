"""Cases that users of the frameworks reported: array metrics, several validation sets, calls after the end."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.read.load import load
from study.record.objective import Objective
from trackers.sources.detect import Request

pytestmark = pytest.mark.integrations

ESTIMATE = Request(tracker="estimate")


def state() -> Any:  # noqa: ANN401 - stands for a `TrainerState`
    """State of a Hugging Face trainer, as far as the callback reads it."""
    return SimpleNamespace(
        log_history=[], epoch=0, global_step=1, max_steps=1, is_world_process_zero=True
    )


ARGUMENTS: Any = SimpleNamespace(
    train_batch_size=8,
    gradient_accumulation_steps=1,
    world_size=1,
    learning_rate=0.1,
    seed=0,
    num_train_epochs=1,
)
CONTROL: Any = SimpleNamespace(should_evaluate=True)


def test_validation_sets_of_an_epoch_are_kept_beside_each_other(tmp_path: Path) -> None:
    """Metrics are prefixed by their set's name; arrays, and evaluations after the end, are ignored."""
    pytest.importorskip("transformers")
    from study.callbacks.huggingface import EnergyCallback  # noqa: PLC0415 - needs transformers

    callback = EnergyCallback(
        folder=tmp_path / "mine", objective=Objective("a_loss", "min"), request=ESTIMATE
    )
    for _ in range(2):  # the first training is abandoned without an end
        callback.on_train_begin(ARGUMENTS, state(), CONTROL)
        callback.on_epoch_begin(ARGUMENTS, state(), CONTROL)
    callback.on_epoch_end(ARGUMENTS, state(), CONTROL)
    for metrics in (
        {"eval_a_loss": 0.5, "eval_a_runtime": 1.0, "eval_a_iou": np.array([0.1, 0.2])},
        {"eval_b_loss": np.float32(0.25), "eval_b_report": {"cat": {"f1": 1.0}}},
    ):
        callback.on_evaluate(ARGUMENTS, state(), CONTROL, metrics=metrics)
    callback.on_train_end(ARGUMENTS, state(), CONTROL)
    callback.on_evaluate(ARGUMENTS, state(), CONTROL, metrics={"eval_a_loss": 9.0})

    (abandoned,) = load(tmp_path / "mine").trials.to_dict("records")
    (row,) = load(tmp_path / "mine-2").epochs.to_dict("records")
    assert abandoned["status"] == "failed"
    assert row["val_score"] == 0.5
    assert row["val_metrics"] == '{"a_loss": 0.5, "b_loss": 0.25, "b_report/cat/f1": 1.0}'
    assert callback.meter is not None
    assert callback.meter.epochs[-1].metrics["a_loss"] == 0.5


def test_a_metric_with_a_value_for_each_class_does_not_end_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An array such as that of Keras's `F1Score(average=None)` is left out."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    pytest.importorskip("keras")
    from study.callbacks.keras import EnergyCallback  # noqa: PLC0415 - needs keras

    callback = EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE)
    callback.set_params({"epochs": 1})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_epoch_end(
        0, {"loss": 1.0, "val_loss": 0.5, "val_f1_score": np.array([0.25, 0.75], np.float32)}
    )
    callback.on_train_end()

    (row,) = load(tmp_path / "mine").epochs.to_dict("records")
    assert (row["train_loss"], row["val_loss"], row["val_score"]) == (1.0, 0.5, 0.5)
    assert row["val_metrics"] == '{"loss": 0.5}'


def test_a_validation_after_the_fit_is_not_part_of_it(tmp_path: Path) -> None:
    """`trainer.validate` calls the same callback, whose power sources are closed by then."""
    pytest.importorskip("lightning")
    from study.callbacks.lightning import EnergyCallback  # noqa: PLC0415 - needs lightning

    logged: dict[str, float] = {}
    module: Any = SimpleNamespace(log=lambda name, value: logged.update({name: value}))
    trainer: Any = SimpleNamespace(
        sanity_checking=False,
        callback_metrics={},
        is_global_zero=True,
        current_epoch=0,
        max_epochs=1,
        global_step=1,
        max_steps=-1,
        callbacks=[],
    )
    callback = EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE)
    callback.on_fit_start(trainer, module)
    callback.on_train_epoch_start(trainer, module)
    trainer.callback_metrics["val_loss"] = 0.5
    callback.on_train_epoch_end(trainer, module)
    callback.on_fit_end(trainer, module)
    logged.clear()

    callback.on_validation_start(trainer, module)
    callback.on_validation_epoch_end(trainer, module)

    assert logged == {}
    assert load(tmp_path / "mine").epochs["val_score"].tolist() == [0.5]
