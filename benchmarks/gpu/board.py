"""The board under test: a real one, or an emulated one whose library is found by this process."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from trackers.sources.nvml.source import NvmlSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Board as the parts of the benchmark need it.

    Attributes:
        uuid: As NVML names it.
        name: As its vendor names it.
        driver: Version of the driver; None if not told.
        emulated: Whether it is a stand-in: sizes are then the smallest.
        device: Where torch trains: `cuda`, or `cpu` beside an emulated board.
        out: Folder for what parts leave beside their result.
    """

    uuid: str
    name: str
    driver: str | None
    emulated: bool
    device: torch.device
    out: Path

    def size(self, real: float, smallest: float) -> float:
        """A length or number: `real` on a board, `smallest` where it is emulated."""
        return smallest if self.emulated else real


def first_board(*, emulated: bool, out: Path) -> Board:
    """The machine's first board.

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
    """Return what `python ARGUMENTS` prints.

    Raises:
        RuntimeError: It failed.
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
