"""Trainings in frameworks that resume from a checkpoint, validate rarely, or end at a limit."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analysis.read.load import load
from trackers.sources.detect import Request

pytestmark = pytest.mark.integrations

ESTIMATE = Request(tracker="estimate")


def rows_of(folder: Path) -> list[dict[Any, Any]]:
    """Rows of a study's epochs, with missing values as None."""
    epochs = load(folder).epochs
    return epochs.astype(object).where(epochs.notna(), None).to_dict("records")


class Lightning:
    """A module, its data, and a trainer with our callback."""

    def __init__(self, folder: Path, **options: Any) -> None:  # noqa: ANN401 - Lightning's own
        """Set up a quiet trainer with `options`."""
        lightning = pytest.importorskip("lightning")
        torch = pytest.importorskip("torch")
        from study.callbacks.lightning import EnergyCallback  # noqa: PLC0415 - needs lightning

        class Module(lightning.LightningModule):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.layer = torch.nn.Linear(4, 1)

            def training_step(self, batch: Any, _: int) -> Any:  # noqa: ANN401 - a tensor
                return self.layer(batch).square().mean()

            def validation_step(self, batch: Any, _: int) -> None:  # noqa: ANN401 - a tensor
                self.log("val_loss", self.layer(batch).square().mean())

            def on_train_epoch_end(self) -> None:
                self.log("at_the_end", float(self.current_epoch))

            def configure_optimizers(self) -> object:
                return torch.optim.SGD(self.parameters(), lr=0.01)

        self.module = Module()
        self.batches = torch.utils.data.DataLoader(torch.randn(32, 4), batch_size=8)
        callbacks = [EnergyCallback(folder=folder, request=ESTIMATE), *options.pop("callbacks", [])]
        self.trainer = lightning.Trainer(
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder.parent,
            callbacks=callbacks,
            **options,
        )

    def fit(self, **options: Any) -> None:  # noqa: ANN401 - Lightning's own
        """Train."""
        self.trainer.fit(self.module, self.batches, self.batches, **options)


def test_lightning_resumes_within_an_epoch(tmp_path: Path) -> None:
    """The rest of the interrupted epoch has no energy, and later epochs keep their numbers."""
    callbacks = pytest.importorskip("lightning.pytorch.callbacks")
    checkpoint = callbacks.ModelCheckpoint(
        dirpath=tmp_path, filename="{step}", every_n_train_steps=6, save_top_k=-1
    )
    Lightning(tmp_path / "whole", max_epochs=2, callbacks=[checkpoint]).fit()

    resumed = Lightning(tmp_path / "mine", max_epochs=3, enable_checkpointing=False)
    resumed.fit(ckpt_path=tmp_path / "step=6.ckpt")

    rows = rows_of(tmp_path / "mine")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["epoch_energy_j"] is None for row in rows] == [True, True, False]
    assert [row["val_loss"] is None for row in rows] == [True, False, False]
    assert rows[-1]["stop_reason"] == "max_epochs"


def test_lightning_metrics_belong_to_their_own_epoch(tmp_path: Path) -> None:
    """Values that the trainer keeps from an earlier validation, and our own energies, are left out."""
    Lightning(
        tmp_path / "mine", max_epochs=3, check_val_every_n_epoch=2, enable_checkpointing=False
    ).fit()

    rows = rows_of(tmp_path / "mine")
    assert [row["val_score"] is None for row in rows] == [True, False, True]
    assert [row["val_metrics"] for row in (rows[0], rows[2])] == [
        '{"at_the_end": 0.0}',
        '{"at_the_end": 2.0}',
    ]


@pytest.mark.parametrize(
    "limit", [{"max_steps": 6}, {"max_epochs": -1, "max_time": {"milliseconds": 1}}]
)
def test_lightning_ends_at_a_limit(tmp_path: Path, limit: dict[str, Any]) -> None:
    """A limit of steps or of time is not recorded as early stopping."""
    Lightning(tmp_path / "mine", enable_checkpointing=False, **limit).fit()

    assert rows_of(tmp_path / "mine")[-1]["stop_reason"] == "max_epochs"


ARGUMENTS: Any = SimpleNamespace(
    train_batch_size=8,
    gradient_accumulation_steps=2,
    world_size=4,
    learning_rate=0.1,
    seed=0,
    num_train_epochs=4,
)


def test_hugging_face_resumes_and_measures_each_evaluation_set(tmp_path: Path) -> None:
    """It resumes after an epoch and a half; an evaluation that the trainer did not begin has no energy."""
    pytest.importorskip("transformers")
    from study.callbacks.huggingface import EnergyCallback  # noqa: PLC0415 - needs transformers

    state: Any = SimpleNamespace(
        log_history=[], epoch=1.5, global_step=12, max_steps=16, is_world_process_zero=True
    )
    control: Any = SimpleNamespace(should_evaluate=True)
    callback = EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE)
    callback.on_train_begin(ARGUMENTS, state, control)
    callback.on_epoch_begin(ARGUMENTS, state, control)
    callback.on_epoch_end(ARGUMENTS, state, control)
    for name in ("a", "b"):
        metrics = {f"eval_{name}_loss": 0.5, f"eval_{name}_runtime": 1.0}
        callback.on_evaluate(ARGUMENTS, state, control, metrics=metrics)
    state.epoch, state.global_step = 2.0, 16
    callback.on_epoch_begin(ARGUMENTS, state, control)
    callback.on_step_begin(ARGUMENTS, state, control)
    callback.on_evaluate(ARGUMENTS, state, control, metrics={"eval_loss": 0.25})
    callback.on_train_end(ARGUMENTS, state, control)

    logged = [name for entry in state.log_history for name in entry if name.startswith("eval")]
    assert logged == ["eval_a_energy_j", "eval_b_energy_j"]
    rows = rows_of(tmp_path / "mine")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["epoch_energy_j"] is None for row in rows] == [True, True, False]
    assert rows[-1]["stop_reason"] == "max_epochs"
    assert rows[-1]["batch_size"] == 64  # of all processes, as the optimiser sees it


def test_keras_resumes_from_its_initial_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fit of epochs 3 and 4 reaches its limit; the epochs before them have no energy."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    keras = pytest.importorskip("keras")
    numpy = pytest.importorskip("numpy")
    from study.callbacks.keras import EnergyCallback  # noqa: PLC0415 - needs keras

    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse")
    network.fit(
        numpy.ones((16, 4)),
        numpy.ones((16, 1)),
        epochs=4,
        initial_epoch=2,
        verbose=0,
        callbacks=[EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE)],
    )

    rows = rows_of(tmp_path / "mine")
    assert [row["epoch_energy_j"] is None for row in rows] == [True, True, False, False]
    assert rows[-1]["stop_reason"] == "max_epochs"
