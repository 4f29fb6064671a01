"""Board under test: a real one, or an emulated one whose library this process has been started with."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from trackers.sources.nvml.source import NvmlSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Board under test, and what the parts of the benchmark need to know of it.

    Attributes:
        uuid: UUID of the board in NVML.
        name: Product name of the board.
        driver: Version of the driver; None when unknown.
        emulated: Whether the board is emulated; the smallest sizes are then used.
        device: Device that torch trains on: `cuda`, or `cpu` with an emulated board.
        out: Folder for files of the parts beside their results.
    """

    uuid: str
    name: str
    driver: str | None
    emulated: bool
    device: torch.device
    out: Path

    def size(self, real: float, smallest: float) -> float:
        """Return `real` on a real board, `smallest` on an emulated one."""
        return smallest if self.emulated else real


def first_board(*, emulated: bool, out: Path) -> Board:
    """Return the machine's first board.

    Raises:
        SourceUnavailableError: There is no board, or no driver.
    """
    source = NvmlSource()
    first = source.devices()[0]
    source.close()
    on_cuda = torch.cuda.is_available() and not emulated
    return Board(
        uuid=first.uuid,
        name=first.name,
        driver=first.driver,
        emulated=emulated,
        device=torch.device("cuda" if on_cuda else "cpu"),
        out=out,
    )


def ran(*arguments: str, timeout_s: float = 240) -> str:
    """Run `python ARGUMENTS`, and return what it prints.

    Raises:
        RuntimeError: The command failed.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        message = f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    return done.stdout
