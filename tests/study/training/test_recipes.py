"""Scenarios that customise their training: objectives, data sets, steps, schedules, precision, a test set."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from study.record.objective import Objective
from study.record.vocabulary import StopReason
from study.scenario import Arrays, Data
from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.streams import Streamed
from study.training.task import plain_task
from tests.study.tiny import Tiny, data
from tests.study.training.nested_samples import Nested, Points, WithLoaders, streamed

CPU = torch.device("cpu")


def trained(scenario: Tiny, points: Data, **changes: Any) -> list[EpochOutcome]:  # noqa: ANN401 - any setting
    """Outcomes of a training of three epochs on the CPU."""
    fields: dict[str, Any] = {
        "batch_size": 8,
        "learning_rate": 0.01,
        "max_epochs": 3,
        "patience": 9,
        "optimizer": "sgd",
        "seed": 1,
    }
    settings = TrainingSettings(**{**fields, **changes})
    return list(
        train(
            lambda: plain_task(scenario, points),
            settings,
            device=CPU,
            window=lambda _: nullcontext(),
        )
    )


def losses(outcomes: list[EpochOutcome]) -> list[float | None]:
    """Training losses, epoch by epoch."""
    return [outcome.train_loss for outcome in outcomes]


class Numbers(Tiny):
    """A regression, whose objective is to be minimised."""

    name = "numbers"
    objective = Objective("rmse", mode="min")

    def network(self, data: Data) -> nn.Module:
        """A network with as many outputs as targets."""
        return self.make(3, data.train.targets.shape[1])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over all targets."""
        return nn.functional.mse_loss(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """The objective and another metric."""
        error = outputs - targets
        return {"rmse": error.square().mean().sqrt(), "mae": error.abs().mean()}


def numbers() -> Data:
    """Data with several float targets, which are twice the inputs, and with a test part."""
    draw = np.random.default_rng(0)
    points = draw.normal(size=(3, 24, 3)).astype(np.float32)
    train_part, val, test = (Arrays(inputs=each, targets=2 * each) for each in points)
    return Data(train=train_part, val=val, test=test, synthetic=True, description="numbers")


def test_an_objective_may_be_minimised() -> None:
    """A falling RMSE is an improvement, so patience does not run out."""
    outcomes = trained(Numbers(), numbers(), max_epochs=20, patience=4, learning_rate=0.01)

    scores = [outcome.val_metrics["rmse"] for outcome in outcomes]
    assert outcomes[-1].stop_reason is StopReason.MAX_EPOCHS
    assert scores[-1] < scores[0] / 2
    assert set(outcomes[0].val_metrics) == {"rmse", "mae"}


class Spoilt(Numbers):
    """A regression whose weights get worse from the second epoch on."""

    def optimizer(self, network: nn.Module, settings: TrainingSettings) -> Any:  # noqa: ANN401 - a pair
        """SGD whose learning rate explodes after the first epoch."""
        plain = torch.optim.SGD(network.parameters(), lr=settings.learning_rate)
        assert settings.steps_per_epoch == 3
        return plain, torch.optim.lr_scheduler.LambdaLR(
            plain, lambda step: 1.0 if step < 3 else 60.0
        )


def test_the_best_epochs_weights_are_tested_once_in_a_window_of_their_own() -> None:
    """The last epoch's weights, which are worse, are not tested; the window follows the last epoch's."""
    log: list[str] = []

    @contextmanager
    def window(name: str) -> Iterator[None]:
        log.append(name)
        yield

    settings = TrainingSettings(
        batch_size=8, learning_rate=0.1, max_epochs=3, patience=9, optimizer="sgd", seed=1
    )
    outcomes = list(
        train(
            lambda: plain_task(Spoilt(), numbers()),
            settings,
            device=CPU,
            window=lambda epoch: window(f"epoch {epoch}"),
            tested=lambda: window("test"),
        )
    )

    assert log == ["epoch 1", "epoch 2", "epoch 3", "test"]
    assert [outcome.test_metrics is None for outcome in outcomes] == [True, True, False]
    tested = outcomes[-1].test_metrics
    assert tested is not None
    assert tested["rmse"] < outcomes[-1].val_metrics["rmse"] / 2


def test_accumulated_gradients_give_the_same_training() -> None:
    """Gradients of a batch's parts add up to those of the batch, also for a smaller last batch."""
    points = data(train=22)

    whole, parts = trained(Tiny(), points), trained(Tiny(), points, accumulate=4)

    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)


def test_gradients_are_clipped() -> None:
    """With a tiny maximum norm the loss hardly changes."""
    free, clipped = trained(Tiny(), data()), trained(Tiny(), data(), clip_norm=1e-9)

    changes = [first - last for first, *_, last in map(_known, (free, clipped))]
    assert abs(changes[1]) < abs(changes[0]) / 10


def _known(outcomes: list[EpochOutcome]) -> list[float]:
    return [each for each in losses(outcomes) if each is not None]


@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
def test_a_precision_leaves_torchs_global_settings_as_they_were(precision: str) -> None:
    """They are restored after the training, whose losses are nearly those of fp32."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32

    found = trained(Tiny(), data(), precision=precision)

    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before
    assert losses(found) == pytest.approx(losses(trained(Tiny(), data())), rel=0.02)


class Normed(Tiny):
    """A scenario whose network keeps running statistics."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A batch norm, whose statistics follow the batches."""
        return nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, classes))


@pytest.mark.integrations  # it needs a C++ compiler, and its time
def test_a_network_is_compiled_before_the_first_window() -> None:
    """No graph is compiled within a window, and the losses are those of a training without compilation."""
    graphs: list[int] = []

    @contextmanager
    def window(_: int) -> Iterator[None]:
        graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # noqa: SLF001
        yield
        graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # noqa: SLF001

    settings = TrainingSettings(
        batch_size=8,
        learning_rate=0.01,
        max_epochs=3,
        patience=9,
        optimizer="sgd",
        seed=1,
        compiled=True,
    )
    points = data(train=22)
    found = list(train(lambda: plain_task(Normed(), points), settings, device=CPU, window=window))

    assert graphs[0] > 0
    assert len(set(graphs)) == 1
    assert losses(found) == pytest.approx(losses(trained(Normed(), points)), rel=1e-4)


def test_a_network_is_compiled_for_the_batches_of_own_loaders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All batch sizes, that of the smaller last batch included, are compiled before the first window."""
    sizes: list[tuple[bool, int]] = []
    before_windows: list[int] = []

    class Compiled(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
            sizes.append((self.network.training, len(inputs["points"])))
            outputs: Tensor = self.network(inputs)
            return outputs

    @contextmanager
    def window(_: int) -> Iterator[None]:
        before_windows.append(len(sizes))
        yield

    monkeypatch.setattr(torch, "compile", Compiled)
    settings = TrainingSettings(
        batch_size=8,
        learning_rate=0.01,
        max_epochs=1,
        patience=9,
        optimizer="sgd",
        seed=1,
        compiled=True,
    )
    points = streamed(data(train=22))
    list(train(lambda: plain_task(WithLoaders(), points), settings, device=CPU, window=window))

    compiled, trained_on = sizes[: before_windows[0]], sizes[before_windows[0] :]
    assert {8, 6} == {size for is_training, size in trained_on if is_training}
    assert set(compiled) == set(trained_on)


def test_a_first_batch_with_parts_that_are_not_per_sample_is_not_cut() -> None:
    """The edges of a graph, for example, would refer to samples that have been cut off."""
    edges, targets = torch.tensor([[0, 7, 3], [7, 1, 2]]), torch.zeros(8)
    points = {"points": torch.zeros(8, 3)}
    part = Streamed(source=range(8), device=CPU, loader=[(points, targets)])
    graph = Streamed(source=range(8), device=CPU, loader=[({**points, "edges": edges}, targets)])

    assert (part.first(5).size, graph.first(5).size) == (5, 8)


def test_many_bf16_metrics_are_averaged_exactly() -> None:
    """The sum over many batches does not saturate as a bf16 sum would."""

    class Bf16Metric(Tiny):
        def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
            """A metric in bf16."""
            del outputs, targets
            return {"accuracy": torch.ones((), dtype=torch.bfloat16)}

    points = data()
    many = Arrays(
        inputs=np.tile(points.val.inputs, (1000, 1))[:5000],
        targets=np.tile(points.val.targets, 1000)[:5000],
    )

    outcomes = trained(Bf16Metric(), dataclasses.replace(points, val=many), max_epochs=1)

    assert outcomes[0].val_metrics["accuracy"] == 1.0


class Large(Dataset[Any]):
    """A data set with samples of a mebibyte each."""

    def __len__(self) -> int:
        """Number of samples, more than a validation batch of them."""
        return 40

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        """Zeros and a class."""
        return torch.zeros(2**18), place % 2


def test_large_samples_are_validated_in_smaller_batches() -> None:
    """A validation batch has at most 32 MiB, and at most 1,024 samples."""
    part = Streamed(source=Large(), device=CPU)

    assert [batch.size for batch in part.validation()] == [32, 8]
    assert Streamed(source=Points(data().val), device=CPU).validation_batch == 1024


@pytest.mark.parametrize("loading", [{}, {"num_workers": 1}], ids=["here", "workers"])
def test_a_data_set_trains_as_its_arrays_do(loading: dict[str, Any]) -> None:
    """Order and batches are the same, although the samples are read one by one."""
    points = data(train=25)

    found = trained(Nested(), streamed(points, **loading), max_epochs=2)

    assert losses(found) == pytest.approx(losses(trained(Tiny(), points, max_epochs=2)), abs=1e-6)


def test_a_scenario_may_make_its_own_loaders() -> None:
    """Training uses their order instead of ours; in validation each of their batches counts by its length."""
    points = streamed(data(val=10))

    own, ours = trained(WithLoaders(val_batch=9), points), trained(Nested(), points)
    whole = trained(WithLoaders(val_batch=10), points)

    assert losses(own) != losses(ours)
    assert own[0].val_metrics == pytest.approx(whole[0].val_metrics, abs=1e-6)


class Stepwise(Tiny):
    """A scenario with its own steps, which do the same as ours."""

    def training_step(self, network: nn.Module, batch: Any) -> Tensor:  # noqa: ANN401 - a pair
        """The loss of a batch."""
        inputs, targets = batch
        return self.loss(network(inputs), targets)

    def validation_step(
        self,
        network: nn.Module,
        batch: Any,  # noqa: ANN401 - a pair
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss and metrics of a batch."""
        inputs, targets = batch
        outputs = network(inputs)
        return self.loss(outputs, targets), self.metrics(outputs, targets)


def test_a_scenarios_own_steps_replace_ours() -> None:
    """Own steps that do the same give the same training, to the last bit."""
    own, plain = trained(Stepwise(), data()), trained(Tiny(), data())

    assert losses(own) == losses(plain)
    assert [each.val_metrics for each in own] == [each.val_metrics for each in plain]


class NoOptimizer(Tiny):
    """A scenario whose `optimizer` does not return an optimiser."""

    def optimizer(self, network: nn.Module, settings: TrainingSettings) -> Any:  # noqa: ANN401 - wrong
        """The name of an optimiser instead of one."""
        del network, settings
        return "adam"


def test_an_optimizer_of_another_type_is_refused() -> None:
    """The message names its type and what is allowed."""
    with pytest.raises(TypeError, match="returns a str; allowed: a torch optimiser"):
        trained(NoOptimizer(), data())
