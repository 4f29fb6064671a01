"""Check of the consumers' processes, because a trial that is killed cannot report its end."""

from dataclasses import dataclass, field
from typing import final

import psutil

from trackers.node.exit_reason import WatchedProcess

REMEMBERED = 1_000
"""Number of ended processes whose reason is remembered."""


@final
@dataclass(slots=True)
class Liveness:
    """Consumers on this machine, each with its process."""

    _processes: dict[str, psutil.Process | None] = field(default_factory=dict)
    _watched: dict[str, WatchedProcess] = field(default_factory=dict)
    _ends: dict[str, str] = field(default_factory=dict)

    def watch(self, consumer: str, pid: int) -> None:
        """Watch the process of a consumer; if it has ended already, the consumer is dead at once."""
        self.forget(consumer)
        self._ends.pop(consumer, None)
        self._watched[consumer] = WatchedProcess.of(pid)
        try:
            self._processes[consumer] = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._processes[consumer] = None

    def forget(self, consumer: str) -> None:
        """Stop watching a consumer, which has ended regularly or whose end has been handled."""
        self._processes.pop(consumer, None)
        watched = self._watched.pop(consumer, None)
        if watched is not None:
            watched.close()

    def dead(self) -> list[str]:
        """Return the watched consumers whose process has ended."""
        found = [name for name, process in list(self._processes.items()) if not _runs(process)]
        for name in found:
            watched = self._watched.get(name)
            if watched is not None and name not in self._ends:
                self._ends[name] = watched.why()
        while len(self._ends) > REMEMBERED:
            del self._ends[next(iter(self._ends))]
        return found

    def why(self, consumer: str) -> str | None:
        """Return, once, why a consumer's process ended; None where it has not, or it is not known."""
        self.dead()
        return self._ends.pop(consumer, None)


def _runs(process: psutil.Process | None) -> bool:
    if process is None:
        return False
    try:
        # A killed process that has not been reaped yet is a zombie, and does not run any more.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
