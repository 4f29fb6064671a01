"""CPU time of a process and its descendants, as exactly as the system reports it."""

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
"""Time between two searches for children where the system does not tell when a process was started; a search
looks at every process of the machine, which costs milliseconds."""

LOST_S = 0.1
"""A larger fall of the total time means that a child has ended without being waited for, so that its time is in no
parent's total; it is then added here. When a child is waited for, the total falls by less, because its parent's
time is reported in hundredths of a second."""

CHILDREN, STARTED = slice(13, 15), 19
"""Fields of `/proc/PID/stat`, counted from the state (proc(5)): user and system time of the children waited for;
start time."""

READ_BYTES = 65_536
"""Size of the chunks in which a file of the kernel is read."""

_LINUX = platform.system() == "Linux"


@final
class ProcessTree:
    """CPU time of a process and its descendants, including those that have ended.

    A descendant whose parent ends before it no longer belongs to the tree; its time until then is kept.
    """

    def __init__(
        self,
        pid: int,
        *,
        clock: Clock | None = None,
        newest: Callable[[], str | None] | None = None,
    ) -> None:
        """Open the tree of a process.

        Args:
            pid: Process ID of the root.
            clock: Clock for the time between searches; the machine's monotonic clock when left out.
            newest: Returns an identifier of the process that was started last on the machine, or None
                where it is not known; `newest_process` when left out.

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
        """CPU seconds of the tree since the process began, user and system time together; never falls.

        Raises:
            DeviceLostError: The process has ended.
        """
        try:
            self._find_children()
            total_s = self._left_s + self._seconds()
            if total_s < self._most_s - LOST_S:
                # A child may have been waited for after its parent's time was read: read them again.
                total_s = self._left_s + self._seconds()
        except (psutil.NoSuchProcess, OSError) as error:
            raise _ended(self._process.pid) from error
        if total_s < self._most_s - LOST_S:
            self._left_s += self._most_s - total_s
        self._most_s = max(self._most_s, total_s)
        return self._most_s

    def _seconds(self) -> float:
        """CPU seconds of the process and of its present descendants.

        Raises:
            DeviceLostError: See `_own_seconds`.
            psutil.NoSuchProcess: The process has ended.
            OSError: The process has ended.
        """
        own_s = self._own_seconds()
        # The time of an ended child is added to its parent's only when the parent waits for it.
        return own_s + sum(_child_cpu_seconds(child) for child in self._children)

    def _own_seconds(self) -> float:
        """CPU seconds of the process itself and of the children that it has waited for.

        A process that has got the same process ID is recognized by its start time.

        Raises:
            DeviceLostError: The process has ended, and another one may have its process ID.
            psutil.NoSuchProcess: The process has ended.
            OSError: The process has ended.
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
        """Search for descendants, if a process may have been started since the last search.

        This is done without delay, because a child's time belongs to the window in which it was used, and
        not to a later one in which the child is found.
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
            with suppress(psutil.Error):  # the time of one that has ended is in its parent's
                if (
                    child.ppid() in pids
                ):  # the kernel's lists may lack some while others start and end
                    found.append(child)
                    pids.add(child.pid)
                else:
                    self._left_s += _child_cpu_seconds(child)
        self._children = found


def newest_process() -> str | None:
    """ID of the process or thread that was started last on this machine; None if it is not known."""
    if not _LINUX:
        return None
    try:
        newest = _read("/proc/loadavg").split()[-1].decode()
    except (OSError, IndexError):
        return None
    return None if newest == "0" else newest  # sandboxes that do not track it report 0


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return the descendants of a process, by the kernel's lists of children where it has them.

    Otherwise all processes of the machine are searched. Hardened machines forbid that (psutil issues 2026,
    2167), and the result is then empty.
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
    """Yield the process IDs of all descendants, from the list of children of each thread.

    Raises:
        OSError: This kernel has no such lists, or the process has ended.
    """
    for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a kernel folder
        children = _read(f"/proc/{pid}/task/{thread}/children")
        for child in map(int, children.split()):
            yield child
            with suppress(FileNotFoundError, ProcessLookupError):  # the child has ended meanwhile
                yield from _listed_children(child)


def _ended(pid: int) -> DeviceLostError:
    return DeviceLostError(f"process {pid} has ended")


def _own_cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds of a process and of the children that it has waited for."""
    if _LINUX:
        return _clock_s(process.pid) + _children_s(_stat(process.pid))
    times = process.cpu_times()
    ended_s = float(getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0))
    return float(times.user + times.system) + ended_s


def _stat(pid: int) -> list[bytes]:
    """Return the fields of `/proc/PID/stat` from the state on; psutil would read the file for each value.

    Raises:
        OSError: There is no such process.
    """
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    """Read a file of the kernel, without Python's file objects, which would take several times as long.

    Where processes are started all the time, a hundred of these files are read each second.

    Raises:
        OSError: The file cannot be read.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(file, READ_BYTES), b""))
    finally:
        os.close(file)


def _children_s(stat: list[bytes]) -> float:
    return sum(map(int, stat[CHILDREN])) / os.sysconf("SC_CLK_TCK")


def _clock_s(pid: int) -> float:
    """CPU seconds of a process in nanosecond resolution, because an epoch may last only hundredths of a second.

    The clock identifier is the one that clock_getcpuclockid(3) returns for a process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def _child_cpu_seconds(child: psutil.Process) -> float:
    try:
        return _own_cpu_seconds(child)
    except OSError:
        pass  # ended and not waited for: its clock is gone, but its times are still reported
    except psutil.Error:
        return 0.0
    try:
        return float(sum(child.cpu_times()[:4]))
    except psutil.Error:
        return 0.0  # it has ended and its time is in its parent's, or it is another user's
