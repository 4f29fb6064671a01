"""Training, validation and test samples that lie on the device as a whole."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, final

import numpy.typing as npt
import torch
from torch import Tensor, nn

from study.scenario import Arrays
from study.training.ranks import ALONE, Ranks

VALIDATION_BATCH = 1024
"""Largest validation batch; it affects memory use, not the result."""


class Batch(NamedTuple):
    """This process's part of a batch, on the device.

    Attributes:
        inputs: Inputs of the network: a tensor, or whatever the scenario's data consist of.
        targets: Targets that the outputs are compared with.
        size: Number of samples in the whole batch, over all processes that train together.
        share: Weight of this part in the batch; those of all processes add up to 1.
    """

    inputs: Any
    targets: Any
    size: int
    share: float = 1.0


class DataPart(Protocol):
    """One part of the data (train, val or test) ready for training: `Samples` or `streams.Streamed`."""

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def training(self, batch_size: int, order: torch.Generator) -> Iterator[Batch]:
        """Yield the batches of one pass over all samples, in an order drawn from `order`."""
        ...

    def validation(self) -> Iterator[Batch]:
        """Yield batches of all samples in order; with several processes, only those of this one."""
        ...

    @property
    def validation_batch(self) -> int:
        """Number of samples in a validation batch."""
        ...

    def first(self, count: int, ranks: Ranks = ALONE) -> Batch:
        """Return one batch of the first `count` samples or fewer, or this process's part of it."""
        ...

    def encoded(self, encoder: nn.Module) -> "Samples":
        """Return the same samples as latent features of an encoder."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Inputs and targets of one part of the data, on the device.

    Attributes:
        inputs: Inputs of the network; shape (samples, ...).
        targets: Targets that the outputs are compared with; shape (samples, ...).
        ranks: This process among those that train together: each yields only its part of a batch.
    """

    inputs: Tensor
    targets: Tensor
    ranks: Ranks = ALONE
    validation_batch = VALIDATION_BATCH

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.targets)

    @classmethod
    def of(
        cls, arrays: Arrays, device: torch.device, *, reconstructs: bool, ranks: Ranks = ALONE
    ) -> "Samples":
        """Put arrays on a device; on a CPU their memory is shared, not copied, and never written to.

        Inputs that are not contiguous are copied once: a network compiled for one memory layout would be
        recompiled for another.
        """
        inputs = _tensor(arrays.inputs).to(device).contiguous()
        targets = inputs if reconstructs else _tensor(arrays.targets).to(device)
        return cls(inputs=inputs, targets=targets, ranks=ranks)

    def training(self, batch_size: int, order: torch.Generator) -> Iterator[Batch]:
        """Yield the batches of one pass over all samples, in an order drawn from `order`."""
        indices = torch.randperm(len(self), generator=order).to(self.inputs.device)
        for batch in index_batches(indices, batch_size):
            own, share = self.ranks.part(len(batch))
            chosen = batch if share == 1 else batch[own]
            inputs, targets = (each.index_select(0, chosen) for each in (self.inputs, self.targets))
            yield Batch(inputs, targets, len(batch), share)

    def validation(self) -> Iterator[Batch]:
        """Yield batches of all samples in order; with several processes, only those of this one.

        The inputs are copies, because a network may write into its input.
        """
        parts = (torch.split(each, VALIDATION_BATCH) for each in (self.inputs, self.targets))
        for inputs, targets in self.ranks.own_batches(zip(*parts, strict=True)):
            yield Batch(inputs.clone(), targets, len(targets))

    def first(self, count: int, ranks: Ranks = ALONE) -> Batch:
        """Return a batch of copies of the first `count` samples or fewer, or this process's part of it."""
        count = min(count, len(self))
        own, share = ranks.part(count)
        inputs, targets = self.inputs[:count][own].clone(), self.targets[:count][own].clone()
        return Batch(inputs, targets, count, share)

    @torch.no_grad()
    def encoded(self, encoder: nn.Module) -> "Samples":
        """Return the same samples as latent features of an encoder."""
        own, _ = self.ranks.part(len(self))
        latents = [encoder(inputs) for inputs in torch.split(self.inputs[own], VALIDATION_BATCH)]
        return replace(self, inputs=self.ranks.gathered(torch.cat(latents), len(self)))


def index_batches(indices: Tensor, size: int) -> list[Tensor]:
    """Split indices into batches; a single leftover sample is added to the batch before it.

    Batch norm cannot be trained on one sample that has a single value per channel.
    """
    batches = list(torch.split(indices, size))
    if len(batches) > 1 and len(batches[-1]) == 1 and size > 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _tensor(array: npt.NDArray[Any]) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only; nothing here writes in place.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
