"""Samples on the device that a network is trained on."""

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
"""Largest batch that is validated at once; it changes the memory, not the result."""


class Batch(NamedTuple):
    """Some samples on the device.

    Attributes:
        inputs: What the network takes: a tensor, or whatever the scenario's data give.
        targets: What its outputs are held against.
        size: Number of samples in the whole batch, of which these are the part of this process.
        share: Share of the batch that they stand for; 1 where one process trains alone.
    """

    inputs: Any
    targets: Any
    size: int
    share: float = 1.0


class DataPart(Protocol):
    """One part of the data, ready to be trained on; `Samples` or `streams.Streamed`."""

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def training(self, batch_size: int, order: torch.Generator) -> Iterator[Batch]:
        """One pass over all samples, in an order of the generator's."""
        ...

    def validation(self) -> Iterator[Batch]:
        """All samples in their own order; of several processes' batches, this one's."""
        ...

    @property
    def validation_batch(self) -> int:
        """Samples that are validated at once."""
        ...

    def first(self, count: int, ranks: Ranks = ALONE) -> Batch:
        """One batch of so many samples, or of all there are; the part of one of several processes."""
        ...

    def encoded(self, encoder: nn.Module) -> "Samples":
        """The same samples as latent features of an encoder."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Inputs and targets of one part of the data, on the device.

    Attributes:
        inputs: What the network takes; shape (samples, ...).
        targets: What its outputs are held against; shape (samples, ...).
        ranks: Whose part of each batch is given.
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
        """Put arrays on a device; on a CPU they are shared, not copied, and never written to.

        Inputs that do not lie in a row are copied once: a network that was compiled for one way of lying is
        compiled anew for another.
        """
        inputs = _tensor(arrays.inputs).to(device).contiguous()
        targets = inputs if reconstructs else _tensor(arrays.targets).to(device)
        return cls(inputs=inputs, targets=targets, ranks=ranks)

    def training(self, batch_size: int, order: torch.Generator) -> Iterator[Batch]:
        """One pass over all samples, in an order of the generator's."""
        indices = torch.randperm(len(self), generator=order).to(self.inputs.device)
        for batch in index_batches(indices, batch_size):
            own, share = self.ranks.part(len(batch))
            chosen = batch if share == 1 else batch[own]
            inputs, targets = (each.index_select(0, chosen) for each in (self.inputs, self.targets))
            yield Batch(inputs, targets, len(batch), share)

    def validation(self) -> Iterator[Batch]:
        """All samples in their own order.

        Copies, because a network may write into its input, and these are the data themselves.
        """
        parts = (torch.split(each, VALIDATION_BATCH) for each in (self.inputs, self.targets))
        for inputs, targets in self.ranks.every(zip(*parts, strict=True)):
            yield Batch(inputs.clone(), targets, len(targets))

    def first(self, count: int, ranks: Ranks = ALONE) -> Batch:
        """Copies of the first samples."""
        count = min(count, len(self))
        own, share = ranks.part(count)
        inputs, targets = self.inputs[:count][own].clone(), self.targets[:count][own].clone()
        return Batch(inputs, targets, count, share)

    @torch.no_grad()
    def encoded(self, encoder: nn.Module) -> "Samples":
        """The same samples as latent features of an encoder."""
        own, _ = self.ranks.part(len(self))
        latents = [encoder(inputs) for inputs in torch.split(self.inputs[own], VALIDATION_BATCH)]
        return replace(self, inputs=self.ranks.gathered(torch.cat(latents), len(self)))


def index_batches(indices: Tensor, size: int) -> list[Tensor]:
    """The samples of each step; a single one that is left over goes with the batch before it.

    Batch norm cannot be trained on one sample where it has one value for each channel.
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
