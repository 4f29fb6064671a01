"""The training loop: reproducible, with exact means, and reading its data only."""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from study.options import StudyOptions
from study.record.objective import Objective
from study.record.vocabulary import StopReason
from study.scenario import Arrays
from study.training.loop import train
from study.training.recipe import OPTIMIZERS, TrainingSettings
from study.training.samples import VALIDATION_BATCH
from study.training.stage import WARM_UP_ON_CPU
from study.training.task import plain_task
from tests.study.tiny import Tiny, data
from tests.study.training.short_trainings import CPU, Windows, settings, trained


def weights(scenario: Tiny) -> list[Tensor]:
    """Weights of the network that the scenario made last."""
    return list(scenario.networks[-1].state_dict().values())


class WithDropout(Tiny):
    """A scenario whose network draws random numbers while it trains."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A wider network with dropout."""
        return nn.Sequential(nn.Linear(features, 32), nn.Dropout(0.5), nn.Linear(32, classes))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_same_seed_gives_the_same_training(optimizer: str) -> None:
    """Outcomes and weights agree to the last bit, whatever the process did before."""
    first, second = WithDropout(), WithDropout()
    own_settings = settings(optimizer=optimizer)

    before = trained(first, data(), own_settings)
    torch.manual_seed(99)
    trained(WithDropout(), data(), settings(seed=5, batch_size=3))
    after = trained(second, data(), own_settings)

    assert before == after
    assert all(map(torch.equal, weights(first), weights(second)))


def test_another_seed_gives_another_training() -> None:
    """Loss and weights differ with the seed."""
    first, second = Tiny(), Tiny()

    one = trained(first, data(), settings(seed=1))
    other = trained(second, data(), settings(seed=2))

    assert one[0].train_loss != other[0].train_loss
    assert not any(map(torch.equal, weights(first), weights(second)))


class SameStart(Tiny):
    """A scenario with the same initial weights for every seed, which records each batch that it trains on."""

    def __init__(self) -> None:
        """No batches yet."""
        super().__init__()
        self.batches: list[list[float]] = []

    def make(self, features: int, classes: int) -> nn.Module:
        """A layer of zeros that records its inputs in training."""
        network = super().make(features, classes)
        for parameter in network.parameters():
            nn.init.zeros_(parameter)

        def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if module.training:
                self.batches.append(inputs[0][:, 0].tolist())

        network.register_forward_pre_hook(record)
        return network


def test_each_epoch_sees_every_sample_once_in_another_order() -> None:
    """The order is drawn anew for each epoch, and depends on the seed."""
    points = data(train=20)
    one, other = SameStart(), SameStart()

    trained(one, points, settings(max_epochs=2))
    trained(other, points, settings(max_epochs=2, seed=2))

    warm_up, *batches = one.batches
    assert [len(batch) for batch in batches] == [8, 8, 4, 8, 8, 4]
    epochs = [list(itertools.chain(*part)) for part in (batches[:3], batches[3:])]
    everything = points.train.inputs[:, 0].tolist()
    assert warm_up == everything
    assert [sorted(everything)] * 2 == [sorted(epoch) for epoch in epochs]
    assert everything != epochs[0] != epochs[1]
    assert other.batches[1:] != batches


class SameStartWithDropout(SameStart):
    """The same scenario with a network that also draws random numbers."""

    def make(self, features: int, classes: int) -> nn.Module:
        """Dropout after the layer."""
        return nn.Sequential(super().make(features, classes), nn.Dropout(0.5))


def test_the_order_depends_on_the_seed_and_not_on_the_network() -> None:
    """A network that draws random numbers sees the samples in the same order as one that does not."""
    plain, dropping = SameStart(), SameStartWithDropout()

    trained(plain, data(), settings())
    trained(dropping, data(), settings())

    assert plain.batches == dropping.batches


class WithState(WithDropout):
    """A scenario whose network has running statistics, which a forward pass in training changes."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A batch norm before the network."""
        return nn.Sequential(nn.BatchNorm1d(features), super().make(features, classes))


def test_the_warm_up_leaves_no_trace() -> None:
    """It runs on a copy: weights, statistics and the random state do not change."""
    scenario = WithState()
    at_start: list[Tensor] = []

    @contextmanager
    def window(_: int) -> Iterator[None]:
        at_start.extend(each.clone() for each in (*weights(scenario), torch.get_rng_state()))
        yield

    torch.manual_seed(1)
    untouched = WithState().make(3, 3).state_dict().values()
    torch.manual_seed(1)
    expected = [*untouched, torch.get_rng_state()]
    next(train(lambda: plain_task(scenario, data()), settings(), device=CPU, window=window))

    assert len(expected) == len(at_start)
    assert all(map(torch.equal, expected, at_start))


class Frozen(Tiny):
    """A scenario whose loss and metric are means of the inputs, as long as no step moves the weights."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A layer that passes its input through."""
        layer = nn.Linear(features, classes, bias=False)
        nn.init.eye_(layer.weight)
        return layer

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:  # noqa: ARG002 - by the protocol
        """The mean of the first output, which is the first input."""
        return outputs[:, 0].mean()

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """The mean of the second output."""
        return {"accuracy": outputs[:, 1].mean()}


def still() -> TrainingSettings:
    """Settings of one epoch with a learning rate at which no weight moves."""
    return settings(learning_rate=1e-30, optimizer="sgd", max_epochs=1)


@given(train_samples=st.integers(1, 40), batch_size=st.integers(1, 50))
@pytest.mark.slow
def test_the_training_loss_is_the_mean_over_the_samples(
    train_samples: int, batch_size: int
) -> None:
    """A smaller last batch counts in proportion to its number of samples."""
    points = data(train=train_samples)
    own_settings = dataclasses.replace(still(), batch_size=batch_size)

    (outcome,) = trained(Frozen(), points, own_settings)

    expected = float(points.train.inputs[:, 0].astype(np.float64).mean())
    assert outcome.train_loss == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("val", [1, VALIDATION_BATCH, VALIDATION_BATCH + 1, 2 * VALIDATION_BATCH])
def test_validation_does_not_depend_on_its_batches(val: int) -> None:
    """Loss and metrics are means over the samples, however many batches there are."""
    points = data(val=val)

    (outcome,) = trained(Frozen(), points, still())

    mean = points.val.inputs.astype(np.float64).mean(axis=0)
    assert outcome.val_loss == pytest.approx(mean[0], abs=1e-5)
    assert outcome.val_metrics == {"accuracy": pytest.approx(mean[1], abs=1e-5)}


def test_a_step_of_a_whole_batch_is_gradient_descent() -> None:
    """One epoch of one batch moves the weights by the learning rate times the gradient."""
    points = data()
    scenario, by_hand = Tiny(), Tiny()
    torch.manual_seed(1)
    network = by_hand.network(points)
    inputs, targets = torch.from_numpy(points.train.inputs), torch.from_numpy(points.train.targets)

    trained(scenario, points, settings(batch_size=4096, optimizer="sgd", max_epochs=1))
    by_hand.loss(network(inputs), targets).backward()  # type: ignore[no-untyped-call]

    for moved, start in zip(weights(scenario), network.parameters(), strict=True):
        assert start.grad is not None
        torch.testing.assert_close(start.detach() - 0.01 * start.grad, moved)


def test_batch_sizes_beyond_the_data_give_the_same_training() -> None:
    """With 24 samples, the batch sizes 24 and 4096 both mean one full batch."""
    first, second = Tiny(), Tiny()

    whole = trained(first, data(train=24), settings(batch_size=24))
    larger = trained(second, data(train=24), settings(batch_size=4096))

    assert whole == larger
    assert all(map(torch.equal, weights(first), weights(second)))


def test_training_learns() -> None:
    """The losses fall, and the points are classified far better than by chance."""
    points = data(train=600, val=300)

    outcomes = trained(Tiny(), points, settings(batch_size=64, max_epochs=20, learning_rate=0.1))

    assert outcomes[-1].train_loss is not None
    assert outcomes[0].train_loss is not None
    assert outcomes[-1].train_loss < outcomes[0].train_loss / 2
    assert outcomes[-1].val_metrics["accuracy"] > 0.9
    chance = points.facts().chance_accuracy
    assert chance is not None
    assert chance < 0.4


def test_each_epoch_has_one_window() -> None:
    """The windows of the epochs follow one another."""
    windows = Windows()

    outcomes = trained(Tiny(), data(), settings(), windows)

    expected = [f"{event} {epoch}" for epoch in (1, 2, 3) for event in ("enter", "leave")]
    assert expected == windows.log
    assert [outcome.epoch for outcome in outcomes] == [1, 2, 3]


def test_an_epoch_runs_only_when_its_outcome_is_requested() -> None:
    """A caller can therefore report an epoch before the next window opens."""
    windows = Windows()
    outcomes = train(lambda: plain_task(Tiny(), data()), settings(), device=CPU, window=windows)

    before = list(windows.log)
    next(outcomes)

    assert before == []
    assert windows.log == ["enter 1", "leave 1"]


class WritesInput(Tiny):
    """A scenario whose network changes its input in place, as a network may."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A network whose first layer overwrites its input."""
        return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(features, classes))


def digest(arrays: Arrays) -> str:
    """Hash of the arrays' content."""
    return hashlib.sha256(arrays.inputs.tobytes() + arrays.targets.tobytes()).hexdigest()


@pytest.mark.parametrize("scenario", [Tiny(), WritesInput()], ids=["only reads", "in place"])
def test_the_data_are_only_read(scenario: Tiny) -> None:
    """Trainings work on read-only arrays: those of Ray's object store are shared by a node's trials."""
    points = data(val=WARM_UP_ON_CPU)
    parts = (points.train, points.val)
    for part in parts:
        part.inputs.flags.writeable = part.targets.flags.writeable = False
    before = [digest(part) for part in parts]

    outcomes = trained(scenario, points, settings())

    assert before == [digest(part) for part in parts]
    assert len(outcomes) == 3


def test_every_optimizer_of_the_option_exists() -> None:
    """The values of `--optimizer` are the keys of `OPTIMIZERS`."""
    assert get_args(get_type_hints(StudyOptions)["optimizer"]) == (*OPTIMIZERS,)


class WithNorm(Tiny):
    """A scenario with a batch norm over one value per channel and sample."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A batch norm before the layer."""
        return nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, classes))


@pytest.mark.parametrize("batch_size", [2, 4, 8, 24])
def test_a_single_leftover_sample_joins_the_batch_before(batch_size: int) -> None:
    """25 samples leave one over, on which alone a batch norm could not be trained."""
    outcomes = trained(WithNorm(), data(train=25), settings(batch_size=batch_size))

    assert outcomes[-1].stop_reason is StopReason.MAX_EPOCHS
    assert all(outcome.train_loss is not None for outcome in outcomes)


class OwnLoss(Tiny):
    """A scenario whose objective is a metric named `loss`."""

    objective = Objective("loss", "min")

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Half the loss."""
        return {"loss": self.loss(outputs, targets) / 2}


def test_a_metric_may_be_called_loss() -> None:
    """The metric is the scenario's own and does not replace the validation loss."""
    outcomes = trained(OwnLoss(), data(), settings())

    for outcome in outcomes:
        assert outcome.val_loss is not None
        assert outcome.val_metrics["loss"] == pytest.approx(outcome.val_loss / 2)
