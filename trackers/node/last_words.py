"""Reason why a process on this machine ended that is not a child of this one.

Only a parent is told a child's exit status. What else there is, the surest first: Linux from 6.15 on tells
it to whoever held a handle on the process; a zombie has it in /proc; `leave_last_words` and the handlers
of Ray and Python for fatal signals write into the process's error file; and the kernel counts the processes
that it has killed for want of memory.
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
_WORDS = re.compile(
    rf"{re.escape(EXIT_NOTE)}\((?P<status>-?\d+)\)"
    r"|\*\*\* (?P<signal>SIG[A-Z]+) received"
    r"|Fatal Python error: (?P<fatal>[^\n]+)"
)

OUT_OF_MEMORY = "the kernel's out-of-memory killer ended it (SIGKILL)"
UNKNOWN = "its process ended without an error message: killed (SIGKILL), or by os._exit"


def leave_last_words() -> None:
    """Have `os._exit` in this process say so before it ends; a second call changes nothing."""
    leave = os._exit
    if getattr(leave, "says_so", False):
        return

    def says_so(status: int) -> None:
        with suppress(OSError):
            os.write(2, f"\n{EXIT_NOTE}({status})\n".encode())
        leave(status)

    says_so.says_so = True  # type: ignore[attr-defined]
    os._exit = says_so  # type: ignore[assignment]


@final
@dataclass(slots=True, kw_only=True)
class Watched:
    """A process, and what will tell why it ended.

    Attributes:
        pid: Its number.
        handle: A handle on it; None where the system has none.
        errors: Its error file; None where that is not known.
        begin: From where on it is read, because a process may serve several trials.
        killed_for_memory: What the kernel had counted then.
    """

    pid: int
    handle: int | None
    errors: Path | None
    begin: int
    killed_for_memory: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Begin to watch a process, which may be gone already."""
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
        """Let go of the handle."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def why(self) -> str:
        """Return the reason why the process ended."""
        status = _told_by_handle(self.handle)
        if status is None:
            status = _told_by_zombie(self.pid)
        words = self._words()
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

    def _words(self) -> str | None:
        """Last words of its error file."""
        if self.errors is None:
            return None
        try:
            with self.errors.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(self.begin, size - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return None
        found = list(_WORDS.finditer(text))
        if not found:
            return None
        last = found[-1]
        if last["status"] is not None:
            return f"its process called os._exit({last['status']})"
        return f"its process was ended by {last['signal'] or last['fatal'].strip()}"


def killed_for_memory(counters: Path = Path("/proc/vmstat")) -> int:
    """Number of processes that the kernel has killed for want of memory; 0 where it does not tell."""
    try:
        found = re.search(r"^oom_kill (\d+)$", counters.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _told_by_handle(handle: int | None) -> int | None:
    """The status that a handle tells of a process which was waited for."""
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
    """The status of a process that nobody has waited for yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[49]) if fields[0] == "Z" else None
    except (OSError, ValueError, IndexError):
        return None
