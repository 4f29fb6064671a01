"""The only training loop: every stage of every paradigm goes through it. It knows nothing of Ray.

The data lie on the device once; a batch is a selection by index, not a loader with workers. One
number is fetched from the device per epoch, so that nothing waits for it in between.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from study.record.records import StopReason
from study.scenario import Arrays, Data, Scenario
from study.training.devices import random_state, restore_random_state, synchronize
from study.training.early_stopping import EarlyStopping
from study.training.samples import VALIDATION_BATCH, Samples

Loss = Callable[[Any, Tensor], Tensor]
Metrics = Callable[[Any, Tensor], Mapping[str, Tensor]]
"""Outputs are whatever the network gives: a tensor, or tensors by the name of a task."""

StageState = dict[str, Any]
"""All that a stage needs to go on after an epoch as if nothing had been; tensors and plain values,
so that it can be kept without pickling code."""

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}

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
        patience: It ends when what it watches has not become better for so many epochs.
        optimizer: A key of `OPTIMIZERS`.
        seed: Of the weights and of the order of samples.
        weight_decay: Of the optimiser; None for its own default.
    """

    batch_size: int
    learning_rate: float
    max_epochs: int
    patience: int
    optimizer: str
    seed: int
    weight_decay: float | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What one stage trains.

    Attributes:
        network: What is trained; parameters that require no gradient are left as they are.
        train: What it is trained on.
        val: What early stopping and accuracy are taken from.
        loss: Mean loss of a batch, from outputs and targets; shape ().
        metrics: Means over a batch, likewise, each of shape (). Early stopping watches `accuracy`;
            where there is none, it watches the loss.
        reconstructs: Whether the inputs themselves are the targets.
        encode: A frozen encoder that is applied to all samples once, in the first epoch, so that
            `network` sees latent features instead of inputs; None where there is none.
    """

    network: nn.Module
    train: Arrays
    val: Arrays
    loss: Loss
    metrics: Metrics
    reconstructs: bool = False
    encode: nn.Module | None = None


def classification(scenario: Scenario, data: Data, *, network: nn.Module | None = None) -> Task:
    """A scenario's own classification, with its own fresh network unless another is given."""
    return Task(
        network=scenario.network(data) if network is None else network,
        train=data.train,
        val=data.val,
        loss=scenario.loss,
        metrics=scenario.metrics,
    )


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
        state: Gives the stage as it is after this epoch, to be taken before the next outcome; None
            where the training ends.
    """

    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_metrics: Mapping[str, float]
    stop_reason: StopReason | None
    state: Callable[[], StageState] | None = field(default=None, compare=False, repr=False)


def train(
    make: Callable[[], Task],
    settings: TrainingSettings,
    *,
    device: torch.device,
    window: Callable[[int], AbstractContextManager[object]],
    latents: Callable[[], AbstractContextManager[object]] = nullcontext,
    begin: StageState | None = None,
) -> Iterator[EpochOutcome]:
    """Train one stage, with early stopping.

    The same seed gives the same weights and order. A loss that is not finite and memory that does
    not suffice end the training as outcomes, not as errors.

    Args:
        make: Gives the task; called once the seed is set.
        settings: How it is trained.
        device: Where.
        window: Called with the epoch's number; entered before its training and left after its
            validation, with the device synchronised at both ends.
        latents: Entered, within the first epoch's window, while latent features are computed.
        begin: State to go on from; None to begin with the first epoch. Latent features are then
            computed anew, before any window.

    Yields:
        One outcome for each epoch; the last has a stop reason.
    """
    epoch = first = 1 if begin is None else int(begin["epoch"]) + 1
    try:
        torch.manual_seed(settings.seed)
        stage = _Stage(make(), settings, device)
        if begin is not None:
            stage.restore(begin)
            begin = None  # it may hold much memory
        for epoch in range(first, settings.max_epochs + 1):
            synchronize(device)
            with window(epoch):
                if epoch == 1:
                    stage.encode(latents)
                train_loss = stage.train_epoch()
                val_loss, val_metrics = stage.validate()
                synchronize(device)
            watched = val_metrics.get("accuracy", -val_loss)
            reason = stage.stopping.reason(train_loss, val_loss, watched)
            if reason is None and epoch == settings.max_epochs:
                reason = StopReason.MAX_EPOCHS
            yield EpochOutcome(
                epoch=epoch,
                train_loss=train_loss if math.isfinite(train_loss) else None,
                val_loss=val_loss if math.isfinite(val_loss) else None,
                val_metrics=val_metrics if math.isfinite(val_loss) else {},
                stop_reason=reason,
                state=partial(stage.state, epoch) if reason is None else None,
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
class _Stage:
    """A task on a device, with its optimiser, its order of samples and its early stopping."""

    def __init__(self, task: Task, settings: TrainingSettings, device: torch.device) -> None:
        self._task = task
        self._device = device
        self._batch_size = settings.batch_size
        self._network = task.network.to(device)
        self._encoder = None if task.encode is None else task.encode.to(device)
        self._train, self._val = (
            Samples.of(part, device, reconstructs=task.reconstructs)
            for part in (task.train, task.val)
        )
        self._warm_up(settings)
        trained = [each for each in self._network.parameters() if each.requires_grad]
        decay = {} if settings.weight_decay is None else {"weight_decay": settings.weight_decay}
        self._optimizer = OPTIMIZERS[settings.optimizer](
            trained, lr=settings.learning_rate, **decay
        )
        self._order = torch.Generator().manual_seed(settings.seed)
        self.stopping = EarlyStopping(patience=settings.patience)

    def state(self, epoch: int) -> StageState:
        """All that is needed to go on after `epoch`."""
        return {
            "epoch": epoch,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "order": self._order.get_state(),
            "stopping": self.stopping.state(),
            "random": random_state(self._device),
        }

    def restore(self, state: StageState) -> None:
        """Go on from a `state`."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._order.set_state(state["order"])
        self.stopping.restore(state["stopping"])
        self.encode(nullcontext)
        restore_random_state(self._device, state["random"])

    def encode(self, latents: Callable[[], AbstractContextManager[object]]) -> None:
        """Let latent features take the place of the inputs, where the task wants that."""
        if self._encoder is not None:
            with latents():
                self._train = self._train.encoded(self._encoder)
                self._val = self._val.encoded(self._encoder)
                synchronize(self._device)

    def train_epoch(self) -> float:
        """One pass over the training samples; the mean loss."""
        self._network.train()
        part = self._train
        indices = torch.randperm(len(part), generator=self._order).to(self._device)
        total = torch.zeros((), device=self._device)
        for batch in _batches(indices, self._batch_size):
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._task.loss(self._network(part.inputs[batch]), part.targets[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            total += loss.detach() * len(batch)
        return total.item() / len(part)

    @torch.inference_mode()
    def validate(self) -> tuple[float, dict[str, float]]:
        """Mean loss and mean metrics, each batch weighted by its length."""
        self._network.eval()
        part = self._val
        totals: dict[str, Tensor] = {}
        for inputs, targets in zip(
            *(torch.split(each, VALIDATION_BATCH) for each in (part.inputs, part.targets)),
            strict=True,
        ):
            # A copy, because a network may write into its input, and these are the data themselves.
            outputs = self._network(inputs.clone())
            of_batch = {
                "loss": self._task.loss(outputs, targets),
                **self._task.metrics(outputs, targets),
            }
            for name, value in of_batch.items():
                totals[name] = totals.get(name, torch.zeros_like(value)) + value * len(targets)
        means = {name: total.item() / len(part) for name, total in totals.items()}
        return means.pop("loss"), means

    def _warm_up(self, settings: TrainingSettings) -> None:
        """Have what is done once per process done before the first window, on a copy.

        An accelerator chooses its kernels by the size of a batch, so it gets a whole one.
        """
        size = settings.batch_size if self._device.type != "cpu" else WARM_UP_ON_CPU
        first = Samples(
            inputs=self._train.inputs[:size].clone(), targets=self._train.targets[:size].clone()
        )
        if self._encoder is not None:
            first = first.encoded(self._encoder)
        outputs = copy.deepcopy(self._network).train()(first.inputs)
        self._task.loss(outputs, first.targets).backward()  # type: ignore[no-untyped-call]
        torch.manual_seed(settings.seed)


def _batches(indices: Tensor, size: int) -> list[Tensor]:
    """The samples of each step; a single one that is left over goes with the batch before it.

    Batch norm cannot be trained on one sample where it has one value for each channel.
    """
    batches = list(torch.split(indices, size))
    if len(batches) > 1 and len(batches[-1]) == 1 and size > 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, on whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return any(words in said for words in OUT_OF_MEMORY)
