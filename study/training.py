"""The only training loop: every stage of every paradigm goes through it. It knows nothing of Ray.

The data lie on the device once; a batch is a selection by index, not a loader with workers. One
number is fetched from the device per epoch, so that nothing waits for it in between.
"""

import copy
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, final

import numpy.typing as npt
import torch
from torch import Tensor, nn

from study.devices import synchronize
from study.records import StopReason
from study.scenario import Arrays, Data, Scenario

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
}

VALIDATION_BATCH = 1024
"""Largest batch that is validated at once; it changes the memory, not the result."""

WARM_UP_ON_CPU = 64
"""Samples of the batch before the first epoch."""

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "status_alloc_failed")
"""What CUDA and MPS, the CPU, and CUDA's libraries say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How one stage is trained.

    Attributes:
        batch_size: Samples per step; more than there are means all of them.
        learning_rate: Constant over the training.
        max_epochs: The training ends after so many epochs at the latest.
        patience: It ends when the validation accuracy has not risen for so many epochs.
        optimizer: A key of `OPTIMIZERS`.
        seed: Of the weights and of the order of samples.
    """

    batch_size: int
    learning_rate: float
    max_epochs: int
    patience: int
    optimizer: str
    seed: int


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Inputs and targets of one part of the data, on the device."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.targets)

    @classmethod
    def of(cls, arrays: Arrays, device: torch.device) -> "Samples":
        """Put arrays on a device; on a CPU they are shared, not copied, and never written to."""
        return cls(
            inputs=_tensor(arrays.inputs).to(device), targets=_tensor(arrays.targets).to(device)
        )


def _tensor(array: npt.NDArray[Any]) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only; nothing here writes in place.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOutcome:
    """What one epoch came to.

    Attributes:
        epoch: From 1.
        train_loss: Mean over the training samples; None where it was not finite or not reached.
        val_loss: Mean over the validation samples; None likewise.
        val_metrics: The scenario's metrics over the validation samples; empty where there is no
            `val_loss`, because outputs that are not numbers recognise nothing.
        stop_reason: Why the training ends with this epoch; None where it goes on.
    """

    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_metrics: Mapping[str, float]
    stop_reason: StopReason | None


def train(
    scenario: Scenario,
    data: Data,
    settings: TrainingSettings,
    *,
    device: torch.device,
    window: Callable[[int], AbstractContextManager[object]],
) -> Iterator[EpochOutcome]:
    """Train a scenario's network from scratch, with early stopping on its validation accuracy.

    The same seed gives the same weights and order. A loss that is not finite and memory that does
    not suffice end the training as outcomes, not as errors.

    Args:
        scenario: Gives network, loss and metrics.
        data: What to train and validate on.
        settings: How.
        device: Where.
        window: Called with the epoch's number; entered before its training and left after its
            validation, with the device synchronised at both ends.

    Yields:
        One outcome for each epoch; the last has a stop reason.
    """
    epoch = 1
    try:
        torch.manual_seed(settings.seed)
        network = scenario.network(data).to(device)
        part = Samples.of(data.train, device)
        held_out = Samples.of(data.val, device)
        _warm_up(network, scenario, part, settings, device)
        optimizer = OPTIMIZERS[settings.optimizer](network.parameters(), lr=settings.learning_rate)
        order = torch.Generator().manual_seed(settings.seed)
        stopping = EarlyStopping(patience=settings.patience)
        for epoch in range(1, settings.max_epochs + 1):
            synchronize(device)
            with window(epoch):
                indices = torch.randperm(len(part), generator=order).to(device)
                train_loss = _train_epoch(
                    network, scenario, optimizer, part, torch.split(indices, settings.batch_size)
                )
                val_loss, val_metrics = _validate(network, scenario, held_out)
                synchronize(device)
            reason = stopping.reason(train_loss, val_loss, val_metrics["accuracy"])
            if reason is None and epoch == settings.max_epochs:
                reason = StopReason.MAX_EPOCHS
            yield EpochOutcome(
                epoch=epoch,
                train_loss=train_loss if math.isfinite(train_loss) else None,
                val_loss=val_loss if math.isfinite(val_loss) else None,
                val_metrics=val_metrics if math.isfinite(val_loss) else {},
                stop_reason=reason,
            )
            if reason is not None:
                return
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        yield EpochOutcome(
            epoch=epoch,
            train_loss=None,
            val_loss=None,
            val_metrics={},
            stop_reason=StopReason.OUT_OF_MEMORY,
        )


@final
class EarlyStopping:
    """Ends a training whose validation accuracy no longer rises, or whose loss is not finite."""

    def __init__(self, *, patience: int) -> None:
        """Allow `patience` epochs in a row without a new best accuracy."""
        self._patience = patience
        self._best = -math.inf
        self._waited = 0

    def reason(self, train_loss: float, val_loss: float, val_accuracy: float) -> StopReason | None:
        """Why to stop after an epoch with these figures; None to go on."""
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            return StopReason.DIVERGED
        self._waited = 0 if val_accuracy > self._best else self._waited + 1
        self._best = max(self._best, val_accuracy)
        return StopReason.PATIENCE if self._waited >= self._patience else None


def _train_epoch(
    network: nn.Module,
    scenario: Scenario,
    optimizer: torch.optim.Optimizer,
    part: Samples,
    batches: tuple[Tensor, ...],
) -> float:
    """One pass over the training samples; the mean loss."""
    network.train()
    total = torch.zeros((), device=part.targets.device)
    for batch in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = scenario.loss(network(part.inputs[batch]), part.targets[batch])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += loss.detach() * len(batch)
    return total.item() / len(part)


@torch.inference_mode()
def _validate(
    network: nn.Module, scenario: Scenario, part: Samples
) -> tuple[float, dict[str, float]]:
    """Mean loss and mean metrics over a part, each batch weighted by its length."""
    network.eval()
    totals: dict[str, Tensor] = {}
    for inputs, targets in zip(
        *(torch.split(each, VALIDATION_BATCH) for each in (part.inputs, part.targets)), strict=True
    ):
        # A copy, because a network may write into its input, and these are the data themselves.
        outputs = network(inputs.clone())
        of_batch = {"loss": scenario.loss(outputs, targets), **scenario.metrics(outputs, targets)}
        for name, value in of_batch.items():
            totals[name] = totals.get(name, torch.zeros_like(value)) + value * len(targets)
    means = {name: total.item() / len(part) for name, total in totals.items()}
    return means.pop("loss"), means


def _warm_up(
    network: nn.Module,
    scenario: Scenario,
    part: Samples,
    settings: TrainingSettings,
    device: torch.device,
) -> None:
    """Have what is done once per process done before the first window, on a copy of the network.

    An accelerator chooses its kernels by the size of a batch, so it gets a whole one.
    """
    size = settings.batch_size if device.type != "cpu" else WARM_UP_ON_CPU
    inputs, targets = (each[:size].clone() for each in (part.inputs, part.targets))
    scenario.loss(copy.deepcopy(network).train()(inputs), targets).backward()  # type: ignore[no-untyped-call]
    torch.manual_seed(settings.seed)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, on whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return any(words in said for words in OUT_OF_MEMORY)
