"""A scenario whose trainings go as far as a test lets them, so that no act of it comes too late."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import final

import ray
from torch import Tensor, nn

from study.scenario import Data
from tests.end_to_end.scenarios import Sleepy

VARIABLE = "TRAININGS_ARE_HELD_BY"
SICK = "TRAININGS_FAIL_AT_ONCE"
"""Set on a machine that fails every training."""

CHECK_EVERY_S = 0.02


@final
class Gate:
    """How far trainings may go: a folder that all processes of a study see."""

    def __init__(self, folder: Path) -> None:
        """Open for all, until something is said."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limit = folder / "epochs"

    @property
    def environment(self) -> dict[str, str]:
        """What a study's processes have to be told."""
        return {VARIABLE: str(self._folder)}

    def hold(self, *, after: int) -> None:
        """No training gets beyond that epoch: it waits in the next, whose window is open."""
        written = self._folder / "written"
        written.write_text(str(after))
        written.replace(self._limit)

    def let_one_end(self) -> None:
        """Whichever training comes first goes on to its end."""
        (self._folder / "pass").touch()

    def open(self) -> None:
        """All go on to their ends."""
        self._limit.unlink(missing_ok=True)

    @property
    def waiting(self) -> int:
        """How many processes have a training that waits, or has waited."""
        return len(list(self._folder.glob("waits-*")))

    def waiting_in(self, epoch: int) -> int:
        """How many processes have a training that waits, or has waited last, in this epoch."""
        return sum(each.read_text() == str(epoch) for each in self._folder.glob("waits-*"))

    def lets(self, epoch: int) -> bool:
        """Whether a training may enter this epoch."""
        try:
            return epoch <= int(self._limit.read_text())
        except FileNotFoundError:
            return True

    def takes_pass(self) -> bool:
        """Whether it was this training that came first."""
        try:
            (self._folder / "pass").unlink()
        except FileNotFoundError:
            return False
        return True

    def is_waited_at(self, epoch: int) -> None:
        """This process has a training that waits in this epoch."""
        (self._folder / f"waits-{os.getpid()}").write_text(str(epoch))


@final
class Held(Sleepy):
    """Waits, within an epoch, where the test's gate says so."""

    name = "held"

    def __init__(self) -> None:
        """At no gate, until a training begins."""
        self._gate: Gate | None = None
        self._epochs = 0
        self._free = False

    def network(self, data: Data) -> nn.Module:
        """A training begins, at the gate that its machine's environment names.

        Raises:
            RuntimeError: The machine is sick.
        """
        if SICK in os.environ:
            message = "no board was found"
            raise RuntimeError(message)
        folder = os.environ.get(VARIABLE)
        self._gate = None if folder is None else Gate(Path(folder))
        self._epochs, self._free = 0, self._gate is None
        return super().network(data)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Waits where it trains; a validation ends what was begun, and the check before Ray is no training."""
        if outputs.requires_grad and ray.is_initialized():
            self._wait()
        return super().loss(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Called once in each epoch, at its end: all validation samples are one batch."""
        self._epochs += 1
        return super().metrics(outputs, targets)

    def _wait(self) -> None:
        while not (self._free or self._gate is None or self._gate.lets(self._epochs + 1)):
            self._free = self._gate.takes_pass()
            if not self._free:
                self._gate.is_waited_at(self._epochs + 1)
            time.sleep(CHECK_EVERY_S)
