"""The only training loop: when it ends, and calm about what goes wrong."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from study.record.vocabulary import StopReason
from study.training.loop import EpochOutcome, is_out_of_memory
from tests.study.tiny import Tiny, data
from tests.study.training.short_trainings import Windows, settings, trained


def test_the_last_epoch_says_why_it_is_the_last() -> None:
    """All others have no stop reason."""
    outcomes = trained(Tiny(), data(), settings())

    reasons = [outcome.stop_reason for outcome in outcomes]
    assert reasons == [None, None, StopReason.MAX_EPOCHS]


class Stuck(Tiny):
    """Never gets better."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """Always the same accuracy."""
        return {"accuracy": torch.tensor(0.5)}


def test_patience_ends_a_training_that_no_longer_gets_better() -> None:
    """The first epoch is the best, then patience runs out: it is told so even on the last epoch."""
    outcomes = trained(Stuck(), data(), settings(patience=2, max_epochs=50))
    at_the_end = trained(Stuck(), data(), settings(patience=2, max_epochs=3))

    assert [outcome.stop_reason for outcome in outcomes] == [None, None, StopReason.PATIENCE]
    assert at_the_end[-1].stop_reason is StopReason.PATIENCE


class Explodes(Tiny):
    """Its loss is multiplied by something that is not finite after the first epochs."""

    def __init__(self, factor: float, *, in_training: bool) -> None:
        """Explode in training, or in validation only."""
        super().__init__()
        self.factor = factor
        self.in_training = in_training

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Exploded where it is to be."""
        exploded = torch.is_grad_enabled() == self.in_training
        return super().loss(outputs, targets) * (self.factor if exploded else 1.0)


@pytest.mark.parametrize("factor", [math.inf, math.nan])
def test_a_diverged_training_is_a_result(factor: float) -> None:
    """It ends with its epoch; what is not finite is None, and so is an accuracy from it."""
    windows = Windows()

    (outcome,) = trained(Explodes(factor, in_training=False), data(), settings(), windows)

    assert outcome.stop_reason is StopReason.DIVERGED
    assert outcome.val_loss is None
    assert outcome.train_loss is not None
    assert outcome.val_metrics == {}
    assert windows.log == ["enter 1", "leave 1"]


def test_weights_that_are_not_numbers_recognise_nothing() -> None:
    """A gradient that explodes leaves no loss and no accuracy behind."""
    (outcome,) = trained(Explodes(math.nan, in_training=True), data(), settings())

    assert (outcome.train_loss, outcome.val_loss, outcome.val_metrics) == (None, None, {})
    assert outcome.stop_reason is StopReason.DIVERGED


class Fails(Tiny):
    """Raises an error in one of its forward passes; the first is the warm-up."""

    def __init__(self, error: BaseException, *, at: int) -> None:
        """Raise `error` in forward pass number `at`."""
        super().__init__()
        self.error = error
        self.at = at

    def make(self, features: int, classes: int) -> nn.Module:
        """A network that counts."""
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
def test_too_little_memory_is_a_result(error: BaseException) -> None:
    """Each device says it in its own way; the epoch is told as not reached."""
    windows = Windows()
    # Per epoch 3 training batches and 1 validation batch, after the warm-up: the second epoch.
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


def test_too_little_memory_before_the_first_epoch_is_a_result() -> None:
    """Epoch 1 is told, and no window was opened."""
    windows = Windows()

    (outcome,) = trained(Fails(MemoryError(), at=0), data(), settings(), windows)

    assert (outcome.epoch, outcome.stop_reason) == (1, StopReason.OUT_OF_MEMORY)
    assert windows.log == []


def test_a_real_lack_of_memory_is_known() -> None:
    """What this torch says when memory does not suffice is understood."""
    with pytest.raises(RuntimeError) as refused:
        torch.empty(10**16)

    assert is_out_of_memory(refused.value)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes"), KeyError("accuracy")])
def test_any_other_error_is_not_hidden(error: Exception) -> None:
    """A mistake in a scenario is raised, and the window is left."""
    windows = Windows()

    with pytest.raises(type(error), match=r"mat1|accuracy"):
        trained(Fails(error, at=2), data(), settings(), windows)

    assert windows.log == ["enter 1", "leave 1"]
