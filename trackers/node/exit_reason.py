"""Reason why a process on this machine ended that is not a child of this one.

Only a parent gets a child's exit status. The other sources of information, the most reliable first: Linux 6.15
and later report it to any process that holds a pidfd; a zombie has it in /proc; `announce_os_exit` and the
handlers of Ray and Python for fatal signals write to the process's standard error, if that is a file; and the
kernel counts the processes that its out-of-memory killer has ended.
"""

import fcntl
import os
import re
import signal
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

EXIT_NOTE = "power-of-training: os._exit"

_GET_INFO = 0xC040FF0B
"""PIDFD_GET_INFO of <linux/pidfd.h>, with a structure of 64 bytes."""
_INFO = struct.Struct("<QQ11Ii")
_EXIT = 1 << 3

_TAIL_BYTES = 20_000
_REASON = re.compile(
    rf"{re.escape(EXIT_NOTE)}\((?P<status>-?\d+)\)"
    r"|\*\*\* (?P<signal>SIG[A-Z]+) received"
    r"|Fatal Python error: (?P<fatal>[^\n]+)"
)

OUT_OF_MEMORY = "the kernel's out-of-memory killer ended it (SIGKILL)"
UNKNOWN = "its process ended without an error message: killed (SIGKILL), or by os._exit"


def announce_os_exit() -> None:
    """Make `os._exit` in this process write its status to standard error first; may be called twice."""
    original = os._exit
    if getattr(original, "announcing", False):
        return

    def announcing(status: int) -> None:
        with suppress(OSError):
            os.write(2, f"\n{EXIT_NOTE}({status})\n".encode())
        original(status)

    announcing.announcing = True  # type: ignore[attr-defined]
    os._exit = announcing  # type: ignore[assignment]


@final
@dataclass(slots=True, kw_only=True)
class WatchedProcess:
    """A process, and what is needed to find out why it ended.

    Attributes:
        pid: Its process ID.
        handle: A pidfd of the process; None where the system has none.
        errors: File of its standard error; None where it is not known or is no regular file.
        begin: Offset from which that file is read, because a process may serve several trials.
        killed_for_memory: The kernel's count of out-of-memory kills when the watch began.
    """

    pid: int
    handle: int | None
    errors: Path | None
    begin: int
    killed_for_memory: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Begin to watch a process, which may have ended already."""
        handle = None
        with suppress(OSError, AttributeError):
            handle = os.pidfd_open(pid)
        errors, begin = None, 0
        with suppress(OSError):
            place = Path(f"/proc/{pid}/fd/2").readlink()
            if place.is_file():
                errors, begin = place, place.stat().st_size
        return cls(
            pid=pid,
            handle=handle,
            errors=errors,
            begin=begin,
            killed_for_memory=killed_for_memory(),
        )

    def close(self) -> None:
        """Close the pidfd; may be called twice."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def why(self) -> str:
        """Return the reason why the process ended."""
        status = _told_by_handle(self.handle)
        if status is None:
            status = _told_by_zombie(self.pid)
        words = self._reported_reason()
        if status is None:
            if words is not None:
                return words
            return OUT_OF_MEMORY if killed_for_memory() > self.killed_for_memory else UNKNOWN
        if not os.WIFSIGNALED(status):
            return words or f"its process ended with status {os.waitstatus_to_exitcode(status)}"
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL and killed_for_memory() > self.killed_for_memory:
            return OUT_OF_MEMORY
        return f"its process was ended by {signal.Signals(number).name}"

    def _reported_reason(self) -> str | None:
        """Reason that the end of the process's standard error gives; None where it gives none."""
        if self.errors is None:
            return None
        try:
            with self.errors.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(self.begin, size - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return None
        found = list(_REASON.finditer(text))
        if not found:
            return None
        last = found[-1]
        if last["status"] is not None:
            return f"its process called os._exit({last['status']})"
        return f"its process was ended by {last['signal'] or last['fatal'].strip()}"


def killed_for_memory(counters: Path = Path("/proc/vmstat")) -> int:
    """Number of processes ended by the kernel's out-of-memory killer; 0 where it is not reported."""
    try:
        found = re.search(r"^oom_kill (\d+)$", counters.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _told_by_handle(handle: int | None) -> int | None:
    """Wait status of a reaped process, by its pidfd; None where the kernel does not report it."""
    if handle is None:
        return None
    answer = bytearray(_INFO.size)
    struct.pack_into("<Q", answer, 0, _EXIT)
    try:
        fcntl.ioctl(handle, _GET_INFO, answer)
    except OSError:
        return None
    told = _INFO.unpack(answer)
    return told[-1] if told[0] & _EXIT else None


def _told_by_zombie(pid: int) -> int | None:
    """Wait status of a process that has not been reaped yet; None where it is no zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[49]) if fields[0] == "Z" else None
    except (OSError, ValueError, IndexError):
        return None
