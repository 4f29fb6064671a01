"""The processes that train one network together: which part of a batch is whose, and their sums.

Each has the same weights, the same order of samples and the same decisions, and takes its part of every
batch, so that a training by several is that of one but for the order in which floats are added.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, final

import torch
from torch import Tensor, distributed, nn
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel

from models.synchronized import with_common_statistics
from study.errors import OptionError

FEWEST = 2
"""Samples that each must get, else all of them take the whole batch: a batch norm cannot be trained on
one sample where that has one value for each channel."""

PATIENCE = timedelta(hours=1)
"""For how long one waits for another; that another has died is noticed at once, and not by this."""

SEED_STEP = 2**32
"""Difference of the seeds of two of them, for dropout and the like; those of trials are below it."""

Batch = TypeVar("Batch")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """One of the processes that train together.

    Attributes:
        rank: Its number, from 0.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def are_several(self) -> bool:
        """Return whether anybody else trains along."""
        return self.count > 1

    def part(self, size: int) -> tuple[slice, float]:
        """Return which samples of a batch are this process's.

        Args:
            size: Of the batch.

        Returns:
            The samples, and for what share of the batch they stand; the shares of all add up to 1.
        """
        if size < FEWEST * self.count:
            return slice(None), 1 / self.count
        start, stop = (size * each // self.count for each in (self.rank, self.rank + 1))
        return slice(start, stop), (stop - start) / size

    def every(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return those batches of a validation that this process looks at, as a whole.

        A metric need not be a mean of samples, and so is not to be taken of parts of a batch.
        """
        return itertools.islice(batches, self.rank, None, self.count)

    def totals(self, own: Mapping[str, float]) -> dict[str, float]:
        """Return sums over all processes by name; one that has nothing to add need not have a name."""
        if not self.are_several:
            return dict(own)
        found: list[Mapping[str, float]] = [{}] * self.count
        distributed.all_gather_object(found, dict(own))
        names = dict.fromkeys(name for each in found for name in each)
        return {name: sum(each.get(name, 0.0) for each in found) for name in names}

    def summed(self, value: Tensor) -> Tensor:
        """Return the sum over all processes, which each of them has."""
        if not self.are_several:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total

    def gathered(self, part: Tensor, size: int) -> Tensor:
        """Return all samples of which each process has computed its `part`.

        Args:
            part: Shape (samples of this process, ...).
            size: Number of all samples.

        Returns:
            Shape (size, ...).
        """
        own, share = self.part(size)
        if share == 1 or own == slice(None):
            return part
        whole = part.new_zeros((size, *part.shape[1:]))
        whole[own] = part
        return self.summed(whole)

    def prepared(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return a network for this device whose batch norms see whole batches, where torch can that."""
        if self.are_several and device.type == "cuda":
            network = with_common_statistics(network)
        return network.to(device)

    def joined(self, network: nn.Module, *, some_unused: bool) -> nn.Module:
        """Return the network as it is to be called in training, so that gradients are shared.

        Args:
            network: With the same weights in all processes.
            some_unused: Whether parameters exist that take no part in the loss.
        """
        if not self.are_several:
            return network
        return DistributedDataParallel(network, find_unused_parameters=some_unused)

    def same_buffers(self, network: nn.Module) -> None:
        """Give all processes the first one's running statistics of batch norms."""
        if self.are_several:
            for each in network.buffers():
                distributed.broadcast(each, src=0)

    def seed(self, seed: int) -> int:
        """Return the seed of what is to differ between processes."""
        return seed + self.rank * SEED_STEP


ALONE = Ranks()


def backend_of(device: torch.device) -> str:
    """Return the library by which processes on such a device talk.

    Raises:
        OptionError: A machine has only one of it.
    """
    if device.type == "mps":
        message = (
            "several workers in a trial cannot train on mps, of which a machine has one. Give "
            "--workers-per-trial 1, or --device cpu."
        )
        raise OptionError(message)
    return distributed.get_default_backend_for_device(device)


def meeting(host: str, port: int | None = None) -> TCPStore:
    """Return where the processes find each other.

    Args:
        host: This machine's address for the others; in them, that of the first one's machine.
        port: What the first one's has; None in the first one, which opens it.
    """
    is_first = port is None
    return TCPStore(host, port or 0, is_master=is_first, wait_for_workers=False, timeout=PATIENCE)


def join(ranks: Ranks, store: Store, device: torch.device) -> None:
    """Meet the others; returns when all are there."""
    distributed.init_process_group(
        backend_of(device),
        store=store,
        rank=ranks.rank,
        world_size=ranks.count,
        timeout=PATIENCE,
    )


def leave() -> None:
    """Talk to the others no more; what waits for them then fails."""
    if distributed.is_initialized():
        distributed.distributed_c10d._abort_process_group()  # noqa: SLF001 - the public way waits
