"""The callbacks in the frameworks' own trainers."""

import os
from pathlib import Path

import pytest

from analysis.read.load import Study, load
from study.record.objective import Objective
from trackers.sources.detect import Request

pytestmark = pytest.mark.integrations

ESTIMATE = Request(tracker="estimate")
EPOCHS = 2


def assert_both_epochs_saved(study: Study) -> None:
    """Check that both epochs are there with their energies and losses."""
    rows = study.epochs.to_dict("records")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert {row["energy_method"] for row in rows} == {"estimated"}
    assert all(row["epoch_energy_j"] > 0 and row["val_loss"] > 0 for row in rows)
    assert all(row["val_score"] > 0 and row["train_loss"] > 0 for row in rows)
    assert rows[-1]["stop_reason"] == "max_epochs"
    assert set(study.trials["status"]) == {"finished"}


def test_hugging_face(tmp_path: Path) -> None:
    """A real `Trainer` logs energies beside its losses, and leaves a study in the folder."""
    pytest.importorskip("accelerate")
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from study.callbacks.huggingface import EnergyCallback  # noqa: PLC0415 - needs transformers

    class Network(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, inputs: object, labels: object) -> dict[str, object]:
            outputs = self.layer(inputs)
            return {"loss": torch.nn.functional.mse_loss(outputs, labels), "outputs": outputs}

    torch.manual_seed(0)
    rows = [{"inputs": torch.randn(4), "labels": torch.ones(1)} for _ in range(32)]
    trainer = transformers.Trainer(
        model=Network(),
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path / "hf"),
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=8,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=rows,
        eval_dataset=rows,
        compute_metrics=lambda result: {"error": float(abs(result.predictions - 1).mean())},
        callbacks=[
            EnergyCallback(
                folder=tmp_path / "mine", objective=Objective("error", "min"), request=ESTIMATE
            )
        ],
    )
    trainer.train()

    log = trainer.state.log_history
    assert sum("epoch_energy_j" in entry for entry in log) == EPOCHS
    assert sum("eval_energy_j" in entry for entry in log) == EPOCHS
    study = load(tmp_path / "mine")
    assert_both_epochs_saved(study)
    assert study.manifest.objective.name == "error"
    assert set(study.epochs["batch_size"]) == {8}


def test_lightning(tmp_path: Path) -> None:
    """A real Lightning trainer has energies among its metrics, and leaves a study in the folder."""
    lightning = pytest.importorskip("lightning")
    torch = pytest.importorskip("torch")
    from study.callbacks.lightning import EnergyCallback  # noqa: PLC0415 - needs lightning

    class Module(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: object, _: int) -> object:
            loss = torch.nn.functional.mse_loss(self.layer(batch), torch.ones(8, 1))
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch: object, _: int) -> None:
            self.log("val_loss", torch.nn.functional.mse_loss(self.layer(batch), torch.ones(8, 1)))

        def configure_optimizers(self) -> object:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    batches = torch.utils.data.DataLoader(torch.randn(64, 4), batch_size=8)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        callbacks=[
            EnergyCallback(
                folder=tmp_path / "mine", batch_size=8, learning_rate=0.01, request=ESTIMATE
            )
        ],
    )
    trainer.fit(Module(), batches, batches)

    assert trainer.callback_metrics["epoch_energy_j"] > 0
    assert trainer.callback_metrics["val_energy_j"] >= 0
    assert_both_epochs_saved(load(tmp_path / "mine"))


def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real `fit` has energies in its history, and leaves a study in the folder."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    keras = pytest.importorskip("keras")
    numpy = pytest.importorskip("numpy")
    from study.callbacks.keras import EnergyCallback  # noqa: PLC0415 - needs keras

    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse", metrics=["mae"])
    inputs, targets = numpy.random.default_rng(0).normal(size=(64, 4)), numpy.ones((64, 1))
    history = network.fit(
        inputs,
        targets,
        validation_split=0.25,
        epochs=EPOCHS,
        batch_size=8,
        verbose=0,
        callbacks=[
            EnergyCallback(
                folder=tmp_path / "mine",
                objective=Objective("mae", "min"),
                batch_size=8,
                request=ESTIMATE,
            )
        ],
    )

    assert len(history.history["epoch_energy_j"]) == EPOCHS
    assert_both_epochs_saved(load(tmp_path / "mine"))
