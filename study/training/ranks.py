"""Data-parallel training by several processes: each one's part of a batch, and their sums.

All have the same weights, order of samples and decisions, and each takes its part of every batch, so that
training with several processes equals training with one but for the order in which floats are added.
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

MIN_SAMPLES_PER_RANK = 2
"""Fewest samples per process; of a smaller batch each process takes the whole. Batch norm cannot be trained
on one sample that has a single value per channel."""

TIMEOUT = timedelta(hours=1)
"""Longest time that a process waits for another; the death of a process is noticed at once by other means."""

SEED_STEP = 2**32
"""Difference between the seeds of neighbouring processes, for dropout and the like; trials' seeds are below it."""

Batch = TypeVar("Batch")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Rank of this process among those that train together.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def are_several(self) -> bool:
        """Return whether more than one process trains."""
        return self.count > 1

    def part(self, size: int) -> tuple[slice, float]:
        """Return which samples of a batch this process takes.

        Args:
            size: Number of samples in the batch.

        Returns:
            The slice of its samples, and their weight in the batch; the weights of all processes add up
            to 1.
        """
        if size < MIN_SAMPLES_PER_RANK * self.count:
            return slice(None), 1 / self.count
        start, stop = (size * each // self.count for each in (self.rank, self.rank + 1))
        return slice(start, stop), (stop - start) / size

    def own_batches(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the whole batches that this process validates: every `count`-th one.

        Batches are not divided, because a metric need not be a mean over samples.
        """
        return itertools.islice(batches, self.rank, None, self.count)

    def totals(self, own: Mapping[str, float]) -> dict[str, float]:
        """Return sums over all processes by name; a name that a process lacks counts as 0 there."""
        if not self.are_several:
            return dict(own)
        found: list[Mapping[str, float]] = [{}] * self.count
        distributed.all_gather_object(found, dict(own))
        names = dict.fromkeys(name for each in found for name in each)
        return {name: sum(each.get(name, 0.0) for each in found) for name in names}

    def summed(self, value: Tensor) -> Tensor:
        """Return the sum over all processes, in each of them."""
        if not self.are_several:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total

    def gathered(self, part: Tensor, size: int) -> Tensor:
        """Return the values of all samples, of which each process has computed its `part`.

        Args:
            part: Values of this process's samples; shape (samples of this process, ...).
            size: Number of samples over all processes.

        Returns:
            Values of all samples; shape (size, ...).
        """
        own, share = self.part(size)
        if share == 1 or own == slice(None):
            return part
        whole = part.new_zeros((size, *part.shape[1:]))
        whole[own] = part
        return self.summed(whole)

    def on_device(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return the network on `device`, with batch norms synchronised over processes on CUDA."""
        if self.are_several and device.type == "cuda":
            network = with_common_statistics(network)
        return network.to(device)

    def wrapped_for_ddp(self, network: nn.Module, *, some_unused: bool) -> nn.Module:
        """Return the network wrapped so that gradients are averaged over the processes.

        Args:
            network: Network with the same weights in all processes.
            some_unused: Whether some parameters take no part in the loss.
        """
        if not self.are_several:
            return network
        return DistributedDataParallel(network, find_unused_parameters=some_unused)

    def same_buffers(self, network: nn.Module) -> None:
        """Copy the first process's buffers, such as running statistics of batch norms, to all others."""
        if self.are_several:
            for each in network.buffers():
                distributed.broadcast(each, src=0)

    def seed(self, seed: int) -> int:
        """Return this process's seed for random numbers that must differ between processes."""
        return seed + self.rank * SEED_STEP


ALONE = Ranks()


def backend_of(device: torch.device) -> str:
    """Return the `torch.distributed` backend for a device.

    Raises:
        OptionError: The device is `mps`, of which a machine has only one.
    """
    if device.type == "mps":
        message = (
            "several workers in a trial cannot train on mps, of which a machine has one. Give "
            "--workers-per-trial 1, or --device cpu."
        )
        raise OptionError(message)
    return distributed.get_default_backend_for_device(device)


def rendezvous_store(host: str, port: int | None = None) -> TCPStore:
    """Return the store through which the processes find each other.

    Args:
        host: Address of the first process's machine.
        port: Port that the first process opened; None in the first process, which opens it.
    """
    is_first = port is None
    return TCPStore(host, port or 0, is_master=is_first, wait_for_workers=False, timeout=TIMEOUT)


def join_group(ranks: Ranks, store: Store, device: torch.device) -> None:
    """Join the process group, waiting until all processes have."""
    distributed.init_process_group(
        backend_of(device),
        store=store,
        rank=ranks.rank,
        world_size=ranks.count,
        timeout=TIMEOUT,
    )


def abort_group() -> None:
    """Abort the process group; operations that wait for other processes then fail."""
    if distributed.is_initialized():
        distributed.distributed_c10d._abort_process_group()  # noqa: SLF001 - the public way waits
