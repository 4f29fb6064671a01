"""A part of the data that does not lie on the device: read batch by batch, by workers where asked for.

A map-style `torch.utils.data.Dataset` is shuffled as arrays are, from the trial's seed. Loaders that the
scenario makes itself shuffle as they do. Both are opened on the machine of the trial.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from study.training.samples import VALIDATION_BATCH, Batch, Samples, index_batches

VALIDATION_BYTES = 32 * 2**20
"""Of samples that are validated at once; the workers hold some such batches beforehand."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Streamed:
    """Batches of a data set or of a scenario's own loader, moved to the device one by one.

    Attributes:
        source: Gives samples by index: pairs of inputs and targets.
        loader: The scenario's own, in the place of ours; None where it has none.
        device: Where batches go.
        options: Of our `DataLoader`: `num_workers`, `pin_memory`, `collate_fn` ...
        reconstructs: Whether the inputs themselves are the targets.
    """

    source: Any
    device: torch.device
    loader: Iterable[Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reconstructs: bool = False

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.source)

    def training(self, batch_size: int, order: torch.Generator) -> Iterator[Batch]:
        """One pass over all samples, in an order of the generator's."""
        if self.loader is not None:
            return self._moved(self.loader)
        indices = torch.randperm(len(self), generator=order)
        return self._moved(self._by(index_batches(indices, batch_size)))

    def validation(self) -> Iterator[Batch]:
        """All samples in their own order."""
        if self.loader is not None:
            return self._moved(self.loader)
        return self._moved(self._by(torch.split(torch.arange(len(self)), self.validation_batch)))

    @cached_property
    def validation_batch(self) -> int:
        """Samples that are validated at once: fewer where they are large, whatever the setup."""
        of_sample = max(bytes_of(self.source[0]), 1)
        return min(max(VALIDATION_BYTES // of_sample, 1), VALIDATION_BATCH)

    def first(self, count: int) -> Batch:
        """One batch, as large as a training's would be."""
        if self.loader is not None:
            return next(self._moved(self.loader))
        return next(self._moved(self._by([torch.arange(min(count, len(self)))])))

    @torch.no_grad()
    def encoded(self, encoder: nn.Module) -> Samples:
        """The samples as latent features of an encoder, which lie on the device."""
        latents, targets = [], []
        for batch in self.validation():
            latents.append(encoder(batch.inputs))
            targets.append(batch.targets)
        return Samples(inputs=torch.cat(latents), targets=torch.cat(targets))

    def _by(self, batches: Iterable[Tensor]) -> Iterable[Any]:
        source: Dataset[Any] = self.source
        return DataLoader(source, batch_sampler=[each.tolist() for each in batches], **self.options)

    def _moved(self, batches: Iterable[Any]) -> Iterator[Batch]:
        for inputs, targets in batches:
            moved = moved_to(inputs, self.device)
            wanted = moved if self.reconstructs else moved_to(targets, self.device)
            yield Batch(moved, wanted, count_of(inputs))


def bytes_of(values: Any) -> int:  # noqa: ANN401 - whatever a sample is made of
    """Memory of the tensors and arrays of a sample; what else is in it counts nothing."""
    if isinstance(values, Mapping):
        return sum(map(bytes_of, values.values()))
    if isinstance(values, list | tuple):
        return sum(map(bytes_of, values))
    return int(getattr(values, "nbytes", 0))


def moved_to(values: Any, device: torch.device) -> Any:  # noqa: ANN401 - whatever a batch is made of
    """Tensors within mappings, lists and tuples, on a device."""
    if isinstance(values, Tensor):
        return values.to(device, non_blocking=True)
    if isinstance(values, Mapping):
        return {name: moved_to(each, device) for name, each in values.items()}
    if isinstance(values, list | tuple):
        return [moved_to(each, device) for each in values]
    return values


def count_of(values: Any) -> int:  # noqa: ANN401 - whatever a batch is made of
    """Number of samples in a batch: the length of the first tensor in it.

    Raises:
        TypeError: There is no tensor in it.
    """
    if isinstance(values, Tensor):
        return len(values)
    nested = values.values() if isinstance(values, Mapping) else values
    if isinstance(values, Mapping | list | tuple) and nested:
        return count_of(next(iter(nested)))
    message = f"a batch holds a {type(values).__name__}; allowed are tensors, and mappings or lists of them"
    raise TypeError(message)
