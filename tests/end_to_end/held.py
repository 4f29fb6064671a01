"""A scenario whose trainings pause where a test says, so that no fault it causes comes too late."""

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
"""Environment variable of a machine on which every training fails."""

CHECK_EVERY_S = 0.02


@final
class Gate:
    """Limit on how far trainings may go, kept in a folder that all processes of a study see."""

    def __init__(self, folder: Path) -> None:
        """A gate that is open until `hold` is called."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limit = folder / "epochs"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead a study's processes to the gate."""
        return {VARIABLE: str(self._folder)}

    def hold(self, *, after: int) -> None:
        """Let trainings finish epoch `after`; they wait within the next, whose window is already open."""
        written = self._folder / "written"
        written.write_text(str(after))
        written.replace(self._limit)

    def let_one_end(self) -> None:
        """Let the training that asks first continue to its end."""
        (self._folder / "pass").touch()

    def open(self) -> None:
        """Let all trainings continue to their ends."""
        self._limit.unlink(missing_ok=True)

    @property
    def waiting(self) -> int:
        """Number of processes whose training waits, or has waited."""
        return len(list(self._folder.glob("waits-*")))

    def waiting_in(self, epoch: int) -> int:
        """Number of processes whose training waits in this epoch, or last waited there."""
        return sum(each.read_text() == str(epoch) for each in self._folder.glob("waits-*"))

    def allows(self, epoch: int) -> bool:
        """Return whether trainings may train this epoch."""
        try:
            return epoch <= int(self._limit.read_text())
        except FileNotFoundError:
            return True

    def take_pass(self) -> bool:
        """Take the pass that `let_one_end` left; return whether it was still there."""
        try:
            (self._folder / "pass").unlink()
        except FileNotFoundError:
            return False
        return True

    def record_wait(self, epoch: int) -> None:
        """Record that this process has a training that waits in this epoch."""
        (self._folder / f"waits-{os.getpid()}").write_text(str(epoch))


@final
class Held(Sleepy):
    """A scenario whose trainings wait within an epoch until the test's gate lets them pass."""

    name = "held"

    def __init__(self) -> None:
        """No gate until a training begins."""
        self._gate: Gate | None = None
        self._epochs = 0
        self._free = False

    def network(self, data: Data) -> nn.Module:
        """Begin a training at the gate that its machine's environment names.

        Raises:
            RuntimeError: The machine's environment has `SICK`.
        """
        if SICK in os.environ:
            message = "no board was found"
            raise RuntimeError(message)
        folder = os.environ.get(VARIABLE)
        self._gate = None if folder is None else Gate(Path(folder))
        self._epochs, self._free = 0, self._gate is None
        return super().network(data)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Wait at the gate in training steps only: not in validation, nor in the check before Ray starts."""
        if outputs.requires_grad and ray.is_initialized():
            self._wait()
        return super().loss(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Count epochs: this is called once at the end of each, as all validation samples are one batch."""
        self._epochs += 1
        return super().metrics(outputs, targets)

    def _wait(self) -> None:
        while not (self._free or self._gate is None or self._gate.allows(self._epochs + 1)):
            self._free = self._gate.take_pass()
            if not self._free:
                self._gate.record_wait(self._epochs + 1)
            time.sleep(CHECK_EVERY_S)
