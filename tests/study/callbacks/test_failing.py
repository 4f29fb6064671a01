"""Trainings that an exception ends in the frameworks' own trainers, saved as far as they got."""

import os
from pathlib import Path

import pytest

from analysis.read.load import load
from trackers.sources.detect import Request

pytestmark = pytest.mark.integrations

ESTIMATE = Request(tracker="estimate")
STEPS = 4
"""Steps of an epoch; the second epoch fails in its second step."""


class Boom(Exception):  # noqa: N818 - named like a user's
    """An exception of the user's code."""


class Failing:
    """A counter of steps that raises `Boom` in the second epoch."""

    def __init__(self) -> None:
        """Begin with no steps."""
        self.steps = 0

    def step(self) -> None:
        """Count a step; fail in the second epoch."""
        self.steps += 1
        if self.steps == STEPS + 2:
            raise Boom


def assert_saved_until_failure(folder: Path) -> None:
    """Check that the first epoch is complete, and that the second is an error with its energy."""
    study = load(folder)
    rows = study.epochs.to_dict("records")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row["epoch_energy_j"] > 0 for row in rows)
    (trial,) = study.trials.to_dict("records")
    assert (trial["status"], trial["stop_reason"], trial["epochs"]) == ("failed", "error", 1)


def test_hugging_face(tmp_path: Path) -> None:
    """`with` saves the training, as a `Trainer` does not tell its callbacks of an exception."""
    pytest.importorskip("accelerate")
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from study.callbacks.huggingface import EnergyCallback  # noqa: PLC0415 - needs transformers

    failing = Failing()

    class Network(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, inputs: object, labels: object) -> dict[str, object]:
            failing.step()
            return {"loss": torch.nn.functional.mse_loss(self.layer(inputs), labels)}

    def train() -> None:
        with EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE) as energy:
            transformers.Trainer(
                model=Network(),
                args=transformers.TrainingArguments(
                    output_dir=str(tmp_path / "hf"),
                    num_train_epochs=3,
                    per_device_train_batch_size=8,
                    save_strategy="no",
                    report_to="none",
                    use_cpu=True,
                    disable_tqdm=True,
                ),
                train_dataset=[
                    {"inputs": torch.randn(4), "labels": torch.ones(1)} for _ in range(8 * STEPS)
                ],
                callbacks=[energy],
            ).train()

    with pytest.raises(Boom):
        train()

    assert_saved_until_failure(tmp_path / "mine")


def test_lightning(tmp_path: Path) -> None:
    """No `with` is needed, as Lightning tells its callbacks of an exception."""
    lightning = pytest.importorskip("lightning")
    torch = pytest.importorskip("torch")
    from study.callbacks.lightning import EnergyCallback  # noqa: PLC0415 - needs lightning

    failing = Failing()

    class Module(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: object, _: int) -> object:
            failing.step()
            loss = torch.nn.functional.mse_loss(self.layer(batch), torch.ones(8, 1))
            self.log("val_loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self) -> object:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    callback = EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE)
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        callbacks=[callback],
    )
    batches = torch.utils.data.DataLoader(torch.randn(8 * STEPS, 4), batch_size=8)
    with pytest.raises(Boom):
        trainer.fit(Module(), batches)

    assert_saved_until_failure(tmp_path / "mine")
    assert load(tmp_path / "mine").epochs["val_score"].notna().tolist() == [True, False]


def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`with` saves the training, as `fit` does not tell its callbacks of an exception."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    keras = pytest.importorskip("keras")
    numpy = pytest.importorskip("numpy")
    from study.callbacks.keras import EnergyCallback  # noqa: PLC0415 - needs keras

    failing = Failing()

    class Step(keras.callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras calls it so
            failing.step()

    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse")
    inputs, targets = numpy.ones((8 * STEPS, 4)), numpy.ones((8 * STEPS, 1))

    def train() -> None:
        with EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE) as energy:
            network.fit(
                inputs, targets, epochs=3, batch_size=8, verbose=0, callbacks=[energy, Step()]
            )

    with pytest.raises(Boom):
        train()

    assert_saved_until_failure(tmp_path / "mine")


def test_an_exception_after_the_training_does_not_fail_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that had reached its end is saved as such, and only once."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    pytest.importorskip("keras")
    from study.callbacks.keras import EnergyCallback  # noqa: PLC0415 - needs keras

    def train() -> None:
        with EnergyCallback(folder=tmp_path / "mine", request=ESTIMATE) as energy:
            energy.set_params({"epochs": 1})
            energy.on_train_begin()
            energy.on_epoch_begin(0)
            energy.on_epoch_end(0, {"loss": 1.0})
            energy.on_train_end()
            raise Boom

    with pytest.raises(Boom):
        train()

    assert load(tmp_path / "mine").trials["stop_reason"].tolist() == ["max_epochs"]
    assert not (tmp_path / "mine-2").exists()
