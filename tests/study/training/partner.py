"""A second process that trains together with the test's own: rank 1 of two."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, final

import torch
from torch import distributed

from study.training.loop import EpochOutcome, train
from study.training.ranks import ALONE, Ranks, join_group, rendezvous_store
from study.training.recipe import TrainingSettings
from study.training.task import Task

CPU = torch.device("cpu")


def trained(
    make: Callable[[], Task], settings: TrainingSettings, ranks: Ranks = ALONE
) -> list[EpochOutcome]:
    """Outcomes of a training, without their states, which are not to be sent between processes."""
    outcomes = train(make, settings, device=CPU, window=lambda _: nullcontext(), ranks=ranks)
    return [replace(each, state=None) for each in outcomes]


@final
class Partner:
    """The second process, which runs what this process runs, at the same time."""

    def __init__(self, connection: Connection) -> None:
        """Send it requests through `connection`."""
        self._connection = connection

    def both(self, act: Callable[..., Any], *arguments: object) -> tuple[Any, Any]:
        """Call a module's function in both processes with their ranks; return both results."""
        self._connection.send((act, arguments))
        own = act(*arguments, Ranks(rank=0, count=2))
        return own, self._connection.recv()

    def outcomes(
        self, make: Callable[[], Task], settings: TrainingSettings
    ) -> tuple[list[EpochOutcome], list[EpochOutcome]]:
        """Train in both processes; return the outcomes of each."""
        return self.both(trained, make, settings)


def _serve(port: int, connection: Connection) -> None:
    torch.set_num_threads(1)
    join_group(Ranks(rank=1, count=2), rendezvous_store("127.0.0.1", port), CPU)
    while (request := connection.recv()) is not None:
        act, arguments = request
        connection.send(act(*arguments, Ranks(rank=1, count=2)))


@contextmanager
def partner() -> Iterator[Partner]:
    """Start the second process and join both in a group; end it afterwards."""
    store = rendezvous_store("127.0.0.1")
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(store.port, there))
    process.start()
    join_group(Ranks(rank=0, count=2), store, CPU)
    try:
        yield Partner(here)
    finally:
        process.kill()
        distributed.destroy_process_group()
