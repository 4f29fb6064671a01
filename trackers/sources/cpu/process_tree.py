"""CPU time of a process and its children, as exactly as the system tells it."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import final

import psutil

from trackers.clock import Clock, MonotonicClock
from trackers.errors import DeviceLostError

CHILDREN_REFRESH_S = 1.0
"""Where the system does not tell that a process was started, children are looked for so often: that
means a look at every process of the machine, which costs milliseconds."""

LOST_S = 0.1
"""A fall of the time by more is of a child that was in nobody's care: it is then kept. Of one that is waited for
less than that is cut off, because its parent's time is told in hundredths."""

CHILDREN, STARTED = slice(13, 15), 19
"""Places in `/proc/PID/stat`, from the state on (proc(5)): time of children waited for, user and system; start."""

READ_BYTES = 65_536
"""A file of the kernel's is read in parts of so many bytes."""

_LINUX = platform.system() == "Linux"


@final
class ProcessTree:
    """CPU time of a process and its children, those that have ended included.

    One whose parent has ended before it is no child any more: what it used until then stays.
    """

    def __init__(
        self,
        pid: int,
        *,
        clock: Clock | None = None,
        newest: Callable[[], str | None] | None = None,
    ) -> None:
        """Look at process `pid`.

        Args:
            pid: The process.
            clock: Says the time.
            newest: Tells which process of the machine was started last; None where it cannot.

        Raises:
            DeviceLostError: There is no such process.
        """
        self._clock = clock or MonotonicClock()
        self._refresh_at_s = self._clock.now_s()
        self._newest_process = newest or newest_process
        self._newest: str | None = None
        self._children: list[psutil.Process] = []
        self._most_s = self._left_s = 0.0
        try:
            self._process = psutil.Process(pid)
            self._started = _stat(pid)[STARTED] if _LINUX else b""
        except (psutil.NoSuchProcess, OSError) as error:
            raise _ended(pid) from error

    def cpu_seconds(self) -> float:
        """Seconds of CPU time since the process began, user and system; never falls.

        Raises:
            DeviceLostError: The process has ended.
        """
        try:
            self._find_children()
            total_s = self._left_s + self._seconds()
            if total_s < self._most_s - LOST_S:
                # A child may have been waited for after its parent was looked at: look again.
                total_s = self._left_s + self._seconds()
        except (psutil.NoSuchProcess, OSError) as error:
            raise _ended(self._process.pid) from error
        if total_s < self._most_s - LOST_S:
            self._left_s += self._most_s - total_s
        self._most_s = max(self._most_s, total_s)
        return self._most_s

    def _seconds(self) -> float:
        """CPU seconds of the process and of the children that there are.

        Raises:
            DeviceLostError: As `_own_seconds`.
            psutil.NoSuchProcess: Likewise.
            OSError: Likewise.
        """
        own_s = self._own_seconds()
        # A child that has ended is in nobody's time until its parent has waited for it.
        return own_s + sum(_child_cpu_seconds(child) for child in self._children)

    def _own_seconds(self) -> float:
        """CPU seconds of the process itself, if it is the same one still, and has not ended.

        A reused number is not taken for it: another process has started at another time.

        Raises:
            DeviceLostError: Another one has its number.
            psutil.NoSuchProcess: It has ended.
            OSError: It has ended.
        """
        if not _LINUX:
            if not self._process.is_running():
                raise _ended(self._process.pid)
            return _own_cpu_seconds(self._process)
        stat = _stat(self._process.pid)
        if stat[STARTED] != self._started:
            raise _ended(self._process.pid)
        return _clock_s(self._process.pid) + _children_s(stat)

    def _find_children(self) -> None:
        """Look for children, if one may have come since the last look.

        At once, because a child's time belongs to the window in which it was used, and not to the one
        that finds it.
        """
        newest, now_s = self._newest_process(), self._clock.now_s()
        if newest is not None and newest == self._newest:
            return
        if newest is None and now_s < self._refresh_at_s:
            return
        self._newest, self._refresh_at_s = newest, now_s + CHILDREN_REFRESH_S
        found = descendants(self._process)
        pids = {self._process.pid, *(each.pid for each in found)}
        for child in self._children:
            if child.pid in pids:
                continue
            with suppress(psutil.Error):  # one that has ended is in its parent's time
                if child.ppid() in pids:  # the kernel's lists lack some while others come and go
                    found.append(child)
                    pids.add(child.pid)
                else:
                    self._left_s += _child_cpu_seconds(child)
        self._children = found


def newest_process() -> str | None:
    """Number of the process or thread that was started last on this machine; None if not told."""
    if not _LINUX:
        return None
    try:
        newest = _read("/proc/loadavg").split()[-1].decode()
    except (OSError, IndexError):
        return None
    return None if newest == "0" else newest  # sandboxes that do not count say 0


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Children of a process and theirs; by the kernel's own lists where it has them.

    Where it has none, all processes of the machine are looked at, which a hardened one forbids (psutil
    issues 2026, 2167): children are then not known.
    """
    try:
        pids = list(_listed_children(process.pid))
    except OSError:
        with suppress(OSError, psutil.AccessDenied):
            return process.children(recursive=True)
        return []
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def _listed_children(pid: int) -> Iterator[int]:
    """Numbers of the children of a process and theirs, as each of its threads lists its own.

    Raises:
        OSError: This kernel has no such lists, or the process has ended.
    """
    for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a kernel folder
        children = _read(f"/proc/{pid}/task/{thread}/children")
        for child in map(int, children.split()):
            yield child
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                yield from _listed_children(child)


def _ended(pid: int) -> DeviceLostError:
    return DeviceLostError(f"process {pid} has ended")


def _own_cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds of a process and of its children that it has waited for."""
    if _LINUX:
        return _clock_s(process.pid) + _children_s(_stat(process.pid))
    times = process.cpu_times()
    ended_s = float(getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0))
    return float(times.user + times.system) + ended_s


def _stat(pid: int) -> list[bytes]:
    """Fields that Linux tells of a process, from its state on; psutil would read it once for each value.

    Raises:
        OSError: There is no such process.
    """
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    """Read a file of the kernel's; Python's own files would cost several times as much.

    Where processes begin all the time, a hundred of them are read each second.

    Raises:
        OSError: It cannot be read.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(file, READ_BYTES), b""))
    finally:
        os.close(file)


def _children_s(stat: list[bytes]) -> float:
    return sum(map(int, stat[CHILDREN])) / os.sysconf("SC_CLK_TCK")


def _clock_s(pid: int) -> float:
    """CPU seconds of a process, to nanoseconds: an epoch may last only a few hundredths, which others tell.

    The identifier is what clock_getcpuclockid(3) gives for a process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def _child_cpu_seconds(child: psutil.Process) -> float:
    try:
        return _own_cpu_seconds(child)
    except OSError:
        pass  # ended, and not waited for: its clock is gone, and its times are still told
    except psutil.Error:
        return 0.0
    try:
        return float(sum(child.cpu_times()[:4]))
    except psutil.Error:
        return 0.0  # ended: its time stands with its parent's ended children; or another user's
