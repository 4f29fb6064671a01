"""Data that do not lie on the device: read batch by batch, by `DataLoader` workers if asked for.

A map-style `torch.utils.data.Dataset` is shuffled like arrays, from the trial's seed. A scenario's own
loaders do their own shuffling. Both are opened on the machine of the trial.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from study.training.ranks import ALONE, Ranks
from study.training.samples import VALIDATION_BATCH, Batch, Samples, index_batches

VALIDATION_BYTES = 32 * 2**20
"""Largest size of a validation batch in bytes; workers prefetch several such batches."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Streamed:
    """Batches of a data set or of a scenario's own loader, moved to the device one by one.

    Attributes:
        source: Map-style data set of pairs of inputs and targets.
        loader: The scenario's own loader, used instead of ours; None if it has none.
        device: Device to which batches are moved.
        options: Options of our `DataLoader`: `num_workers`, `pin_memory`, `collate_fn` ...
        reconstructs: Whether the inputs themselves are the targets.
        ranks: This process among those that train together: each yields only its part of a batch, and
            reads only that part from a data set.
    """

    source: Any
    device: torch.device
    loader: Iterable[Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reconstructs: bool = False
    ranks: Ranks = ALONE

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.source)

    def training(self, batch_size: int, order: torch.Generator) -> Iterator[Batch]:
        """Yield the batches of one pass over all samples; those of a data set in an order from `order`."""
        if self.loader is not None:
            return self._parts_of(self.loader, self.ranks)
        indices = torch.randperm(len(self), generator=order)
        return self._read(index_batches(indices, batch_size), self.ranks)

    def validation(self) -> Iterator[Batch]:
        """Yield batches of all samples in order; with several processes, only those of this one."""
        if self.loader is not None:
            return (self._to_device(each) for each in self.ranks.own_batches(self.loader))
        batches = torch.split(torch.arange(len(self)), self.validation_batch)
        return self._read(list(self.ranks.own_batches(batches)), ALONE)

    @cached_property
    def validation_batch(self) -> int:
        """Number of samples in a validation batch: the same for all setups, fewer if samples are large.

        A scenario's own loader chooses it, and its first batch is read to learn it.
        """
        if self.loader is not None:
            return count_of(_pair(next(iter(self.loader)))[0])
        of_sample = max(bytes_of(self.source[0]), 1)
        return min(max(VALIDATION_BYTES // of_sample, 1), VALIDATION_BATCH)

    def first(self, count: int, ranks: Ranks = ALONE) -> Batch:
        """Return a first batch of `count` samples or fewer.

        A batch of the scenario's loader stays whole if some of its tensors are not per sample.
        """
        if self.loader is not None:
            return next(self._parts_of((_shortened(each, count) for each in self.loader), ranks))
        return next(self._read([torch.arange(min(count, len(self)))], ranks))

    @torch.no_grad()
    def encoded(self, encoder: nn.Module) -> Samples:
        """Return the samples as latent features of an encoder, all of them on the device."""
        if self.loader is not None:
            return _encoded(encoder, (self._to_device(each) for each in self.loader), self.ranks)
        own, _ = self.ranks.part(len(self))
        part = torch.split(torch.arange(len(self))[own], self.validation_batch)
        samples = _encoded(encoder, self._read(part, ALONE), self.ranks)
        inputs, targets = (
            self.ranks.gathered(each, len(self)) for each in (samples.inputs, samples.targets)
        )
        return replace(samples, inputs=inputs, targets=targets)

    def _read(self, batches: Sequence[Tensor], ranks: Ranks) -> Iterator[Batch]:
        """Yield this process's parts of batches that are given by their indices."""
        source: Dataset[Any] = self.source
        parts = [ranks.part(len(each)) for each in batches]
        sampler = [each[own].tolist() for each, (own, _) in zip(batches, parts, strict=True)]
        loader = DataLoader(source, batch_sampler=sampler, **self.options)
        for read, whole, (_, share) in zip(loader, batches, parts, strict=True):
            yield self._to_device(read)._replace(size=len(whole), share=share)

    def _parts_of(self, batches: Iterable[Any], ranks: Ranks) -> Iterator[Batch]:
        """Yield this process's parts of batches that the scenario's own loader yields whole."""
        for batch in batches:
            pair = _pair(batch)
            size = count_of(pair[0])
            own, share = ranks.part(size)
            part = tuple(_slice(each, own, size) for each in pair)
            yield self._to_device(part)._replace(size=size, share=share)

    def _to_device(self, batch: Any) -> Batch:  # noqa: ANN401 - whatever a loader gives
        inputs, targets = _pair(batch)
        moved = to_device(inputs, self.device)
        wanted = moved if self.reconstructs else to_device(targets, self.device)
        return Batch(moved, wanted, count_of(inputs))


def _pair(batch: Any) -> Sequence[Any]:  # noqa: ANN401 - whatever a loader gives
    """Return a batch as inputs and targets, refusing with TypeError what is not a pair."""
    if isinstance(batch, list | tuple) and len(batch) == 2:  # noqa: PLR2004 - a pair
        return batch
    many = f" of {len(batch)}" if isinstance(batch, list | tuple) else ""
    message = f"a batch is a {type(batch).__name__}{many} instead of a pair of inputs and targets"
    raise TypeError(message)


def _encoded(encoder: nn.Module, batches: Iterable[Batch], ranks: Ranks) -> Samples:
    latents, targets = [], []
    for batch in batches:
        latents.append(encoder(batch.inputs))
        targets.append(batch.targets)
    return Samples(inputs=torch.cat(latents), targets=torch.cat(targets), ranks=ranks)


def _shortened(batch: Any, count: int) -> Sequence[Any]:  # noqa: ANN401 - whatever a loader gives
    """Return the first `count` samples of a batch; all of them if it cannot be cut."""
    pair = _pair(batch)
    size = count_of(pair[0])
    if size <= count or not _is_per_sample(pair, size):
        return pair
    return [_slice(each, slice(count), size) for each in pair]


def _is_per_sample(values: Any, size: int) -> bool:  # noqa: ANN401 - whatever a batch is made of
    """Return whether all tensors of a batch of `size` have a row for each sample."""
    if isinstance(values, Tensor):
        return values.ndim > 0 and len(values) == size
    nested = values.values() if isinstance(values, Mapping) else values
    if isinstance(values, Mapping | list | tuple):
        return all(_is_per_sample(each, size) for each in nested)
    return True


def _slice(values: Any, own: slice, size: int) -> Any:  # noqa: ANN401 - whatever a batch is made of
    """Return some samples of a batch of `size`; values that are not per sample stay whole."""
    if own == slice(None):
        return values
    if isinstance(values, Tensor):
        return values[own] if values.ndim and len(values) == size else values
    if isinstance(values, Mapping):
        return {name: _slice(each, own, size) for name, each in values.items()}
    if isinstance(values, list | tuple):
        return [_slice(each, own, size) for each in values]
    return values


def bytes_of(values: Any) -> int:  # noqa: ANN401 - whatever a sample is made of
    """Return the size in bytes of the tensors and arrays in a sample; other values count as 0."""
    if isinstance(values, Mapping):
        return sum(map(bytes_of, values.values()))
    if isinstance(values, list | tuple):
        return sum(map(bytes_of, values))
    return int(getattr(values, "nbytes", 0))


def to_device(values: Any, device: torch.device) -> Any:  # noqa: ANN401 - whatever a batch is made of
    """Return a batch with its tensors, also those in mappings, lists and tuples, moved to a device."""
    if isinstance(values, Tensor):
        return values.to(device, non_blocking=True)
    if isinstance(values, Mapping):
        return {name: to_device(each, device) for name, each in values.items()}
    if isinstance(values, list | tuple):
        return [to_device(each, device) for each in values]
    return values


def count_of(values: Any) -> int:  # noqa: ANN401 - whatever a batch is made of
    """Return the number of samples in a batch: the length of its first tensor.

    Raises:
        TypeError: The first value in the batch is not a tensor.
    """
    if isinstance(values, Tensor):
        return len(values)
    nested = values.values() if isinstance(values, Mapping) else values
    if isinstance(values, Mapping | list | tuple) and nested:
        return count_of(next(iter(nested)))
    message = (
        f"a batch holds a {type(values).__name__}; allowed: tensors, and mappings or lists of them"
    )
    raise TypeError(message)
