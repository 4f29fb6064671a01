"""CPU time of process trees and of the machine, read once for all devices that are asked at one moment.

A source's package and its memory are shared by the same times; each look at them costs several of the
kernel's files.
"""

import threading
import time
from collections.abc import Callable
from typing import final

from trackers.errors import DeviceLostError
from trackers.sources.cpu.cpu_estimate import machine_cpu_times
from trackers.sources.cpu.process_tree import ProcessTree

MOMENT_S = 0.001
"""What was read so long ago is still true: a tree uses a thousandth of a second on each CPU meanwhile, a tenth
of what the kernel counts the machine's time by."""


@final
class CpuTimes:
    """CPU seconds so far, of processes with their children, and of the machine."""

    def __init__(
        self,
        *,
        tree: Callable[[int], ProcessTree] = ProcessTree,
        busy_seconds: Callable[[], float] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read nothing yet.

        Args:
            tree: Opens a process by its number.
            busy_seconds: Reads the machine's time.
            now_s: Says the time.
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
        """CPU seconds in which the machine was busy, all its CPUs together."""
        with self._lock:
            return self._recent(None, self._busy_seconds)

    def clear(self) -> None:
        """Forget all processes."""
        with self._lock:
            self._trees.clear()
            self._read.clear()

    def _recent(self, of: int | None, read: Callable[[], float]) -> float:
        """A value of this moment, read if it was not yet; `of` is the process, None the machine."""
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
            # Another process may get the number.
            self._trees.pop(pid, None)
            self._read.pop(pid, None)
            raise


def machine_busy_seconds() -> float:
    """CPU seconds since the machine started that were neither idle nor waiting for a disk."""
    times = machine_cpu_times()
    # Guests are in `user` already; interrupts have fields of their own where the system tells them.
    parts = ("user", "system", "nice", "irq", "softirq")
    return sum(float(getattr(times, part, 0.0)) for part in parts)
