"""CPU time of process trees and of the machine, cached for all devices that are read at one moment.

The same times divide a source's packages and memories, and reading them takes several files of the kernel.
"""

import threading
import time
from collections.abc import Callable
from typing import final

from trackers.errors import DeviceLostError
from trackers.sources.cpu.cpu_estimate import machine_cpu_times
from trackers.sources.cpu.process_tree import ProcessTree

MOMENT_S = 0.001
"""Time for which a value is cached. Meanwhile a tree can use a thousandth of a second on each CPU, a tenth of the
resolution with which the kernel counts the machine's time."""


@final
class CpuTimes:
    """CPU seconds so far of process trees and of the machine."""

    def __init__(
        self,
        *,
        tree: Callable[[int], ProcessTree] = ProcessTree,
        busy_seconds: Callable[[], float] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the cache; nothing is read yet.

        Args:
            tree: Opens the process tree of a process ID.
            busy_seconds: Returns the busy CPU seconds of the machine; `machine_busy_seconds` when left out.
            now_s: Returns the present time.
        """
        self._tree = tree
        self._busy_seconds = busy_seconds or machine_busy_seconds
        self._now_s = now_s
        self._lock = threading.Lock()
        self._trees: dict[int, ProcessTree] = {}
        self._read: dict[int | None, tuple[float, float]] = {}

    def tree_seconds(self, pid: int) -> float:
        """CPU seconds of a process and its children.

        Raises:
            DeviceLostError: The process has ended.
        """
        with self._lock:
            return self._recent(pid, lambda: self._tree_seconds(pid))

    def busy_seconds(self) -> float:
        """Busy CPU seconds of all CPUs of the machine together."""
        with self._lock:
            return self._recent(None, self._busy_seconds)

    def clear(self) -> None:
        """Forget all processes."""
        with self._lock:
            self._trees.clear()
            self._read.clear()

    def _recent(self, of: int | None, read: Callable[[], float]) -> float:
        """Return a cached value, or read it where it is too old; `of` is a process ID, None the machine."""
        at_s, value_s = self._read.get(of, (float("-inf"), 0.0))
        now_s = self._now_s()
        if now_s - at_s > MOMENT_S:
            value_s = read()
            self._read[of] = now_s, value_s
        return value_s

    def _tree_seconds(self, pid: int) -> float:
        try:
            if pid not in self._trees:
                self._trees[pid] = self._tree(pid)
            return self._trees[pid].cpu_seconds()
        except DeviceLostError:
            # Another process may get the same process ID.
            self._trees.pop(pid, None)
            self._read.pop(pid, None)
            raise


def machine_busy_seconds() -> float:
    """Return the CPU seconds since the machine started that were neither idle nor waiting for I/O."""
    times = machine_cpu_times()
    # Guests are included in `user`; interrupts have fields of their own where the system reports them.
    parts = ("user", "system", "nice", "irq", "softirq")
    return sum(float(getattr(times, part, 0.0)) for part in parts)
