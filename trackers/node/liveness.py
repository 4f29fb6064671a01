"""Which consumers' processes are still there; a trial that is killed says no more."""

from dataclasses import dataclass, field
from typing import final

import psutil


@final
@dataclass(slots=True)
class Liveness:
    """Consumers on this machine, each with its process."""

    _processes: dict[str, psutil.Process | None] = field(default_factory=dict)

    def watch(self, consumer: str, pid: int) -> None:
        """A consumer runs in process `pid`; one that has gone already is dead at once."""
        try:
            self._processes[consumer] = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._processes[consumer] = None

    def forget(self, consumer: str) -> None:
        """A consumer has ended as it should."""
        self._processes.pop(consumer, None)

    def dead(self) -> list[str]:
        """Consumers whose process has ended without a word."""
        return [name for name, process in self._processes.items() if not _runs(process)]


def _runs(process: psutil.Process | None) -> bool:
    if process is None:
        return False
    try:
        # A killed process that nobody has waited for yet is a zombie: it runs no more.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
