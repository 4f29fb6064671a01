"""The training loop: when it ends, and which failures it turns into results."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from study.record.vocabulary import StopReason
from study.training.loop import EpochOutcome, is_out_of_memory
from tests.study.tiny import Tiny, data
from tests.study.training.short_trainings import Windows, settings, trained


def test_only_the_last_epoch_has_a_stop_reason() -> None:
    """Without early stopping the reason is the maximum number of epochs."""
    outcomes = trained(Tiny(), data(), settings())

    reasons = [outcome.stop_reason for outcome in outcomes]
    assert reasons == [None, None, StopReason.MAX_EPOCHS]


class Stuck(Tiny):
    """A scenario whose accuracy never improves."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """A constant accuracy."""
        return {"accuracy": torch.tensor(0.5)}


def test_patience_ends_a_training_that_no_longer_improves() -> None:
    """The reason is patience even if it runs out in the last epoch that is allowed."""
    outcomes = trained(Stuck(), data(), settings(patience=2, max_epochs=50))
    at_the_end = trained(Stuck(), data(), settings(patience=2, max_epochs=3))

    assert [outcome.stop_reason for outcome in outcomes] == [None, None, StopReason.PATIENCE]
    assert at_the_end[-1].stop_reason is StopReason.PATIENCE


class Explodes(Tiny):
    """A scenario whose loss is multiplied by a factor that is not finite."""

    def __init__(self, factor: float, *, in_training: bool) -> None:
        """Multiply in training, or in validation only."""
        super().__init__()
        self.factor = factor
        self.in_training = in_training

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss, multiplied by the factor in the chosen phase."""
        exploded = torch.is_grad_enabled() == self.in_training
        return super().loss(outputs, targets) * (self.factor if exploded else 1.0)


@pytest.mark.parametrize("factor", [math.inf, math.nan])
def test_a_diverged_training_is_a_result(factor: float) -> None:
    """It ends with that epoch; the loss that is not finite is None, and there are no metrics."""
    windows = Windows()

    (outcome,) = trained(Explodes(factor, in_training=False), data(), settings(), windows)

    assert outcome.stop_reason is StopReason.DIVERGED
    assert outcome.val_loss is None
    assert outcome.train_loss is not None
    assert outcome.val_metrics == {}
    assert windows.log == ["enter 1", "leave 1"]


def test_weights_of_nan_give_neither_loss_nor_metrics() -> None:
    """A training whose gradient explodes has diverged."""
    (outcome,) = trained(Explodes(math.nan, in_training=True), data(), settings())

    assert (outcome.train_loss, outcome.val_loss, outcome.val_metrics) == (None, None, {})
    assert outcome.stop_reason is StopReason.DIVERGED


class Fails(Tiny):
    """A scenario that raises an error in one of its forward passes; the first is the warm-up."""

    def __init__(self, error: BaseException, *, at: int) -> None:
        """Raise `error` in forward pass number `at`."""
        super().__init__()
        self.error = error
        self.at = at

    def make(self, features: int, classes: int) -> nn.Module:
        """A network that counts its forward passes."""
        passes = itertools.count()
        network = super().make(features, classes)

        def count(*_: object) -> None:
            if next(passes) == self.at:
                raise self.error

        network.register_forward_pre_hook(count)
        return network


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: str(error)[:20])
def test_running_out_of_memory_is_a_result(error: BaseException) -> None:
    """The messages of all devices are recognised; the epoch has neither losses nor metrics."""
    windows = Windows()
    # After the warm-up each epoch has 3 training batches and 1 validation batch: pass 6 is in the second.
    outcomes = trained(Fails(error, at=6), data(), settings(), windows)

    first, second = outcomes
    assert first.stop_reason is None
    assert second == EpochOutcome(
        epoch=2,
        train_loss=None,
        val_loss=None,
        val_metrics={},
        stop_reason=StopReason.OUT_OF_MEMORY,
    )
    assert windows.log == ["enter 1", "leave 1", "enter 2", "leave 2"]


def test_running_out_of_memory_before_the_first_epoch_is_a_result() -> None:
    """It is reported as epoch 1, and no window is opened."""
    windows = Windows()

    (outcome,) = trained(Fails(MemoryError(), at=0), data(), settings(), windows)

    assert (outcome.epoch, outcome.stop_reason) == (1, StopReason.OUT_OF_MEMORY)
    assert windows.log == []


def test_a_real_out_of_memory_error_is_recognised() -> None:
    """The error that the installed torch raises when memory runs out is recognised."""
    with pytest.raises(RuntimeError) as raised:
        torch.empty(10**16)

    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes"), KeyError("accuracy")])
def test_any_other_error_is_not_hidden(error: Exception) -> None:
    """An error of the scenario is raised, after the window is left."""
    windows = Windows()

    with pytest.raises(type(error), match=r"mat1|accuracy"):
        trained(Fails(error, at=2), data(), settings(), windows)

    assert windows.log == ["enter 1", "leave 1"]
