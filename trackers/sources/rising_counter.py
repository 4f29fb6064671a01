"""The kernel's files of energy: where they lie, and a counter in microjoules that is made to rise for ever.

It may go past its range, begin again after sleep, or jump: what the device cannot have used since the
reading before is never added.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from trackers.clock import Clock
from trackers.errors import DeviceLostError, ReadError

HIGHEST_W = 2000.0
"""No package, memory or board draws as much; the largest of 2025 are rated 500 W and 1,400 W."""

PAUSE_S = 1.0
"""A process may be held up for so long between reading a counter and the clock."""

LONGEST_BYTES = 4096
"""A file of sysfs is at most a page."""

HOST_SYS = "HOST_SYS"
"""Names the folder where a container has its machine's `/sys`."""


def class_folder(name: str) -> Path:
    """Return the folder of a class of devices, such as `powercap`, in `/sys` or where HOST_SYS says.

    A container does not see all of its machine's `/sys`, and gets it mounted elsewhere; the variable is that
    of other monitors of machines (gopsutil, and with it Telegraf).
    """
    return Path(os.environ.get(HOST_SYS) or "/sys") / "class" / name


def kernel_text(path: Path) -> str:
    """Read a file of the kernel's, which is short; a text file's buffers would cost several times as much.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It holds no text.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, LONGEST_BYTES).decode()
    finally:
        os.close(file)


def number(path: Path, read: Callable[[Path], str]) -> int:
    """The whole number in a file of the kernel.

    Raises:
        DeviceLostError: The file is gone.
        ReadError: It could not be read this time, or holds something else.
    """
    try:
        return int(read(path))
    except FileNotFoundError as error:
        message = f"{path} is gone"
        raise DeviceLostError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {error}"
        raise ReadError(message) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """Value of a counter, in microjoules as it is read, and its time."""

    uj: int
    time_s: float


@final
class RisingCounter:
    """One energy counter.

    Attributes:
        path: Its file.
    """

    def __init__(
        self,
        path: Path,
        *,
        range_path: Path | None,
        read: Callable[[Path], str],
        clock: Clock,
    ) -> None:
        """Take a counter; nothing is read yet.

        Args:
            path: Its file.
            range_path: The file of the value at which it begins again; None where it does not.
            read: Reads a file's text.
            clock: Says how much can have been used.
        """
        self.path = path
        self._range_path = range_path
        self._read = read
        self._clock = clock
        self._last: _Value | None = None
        self._refused: _Value | None = None
        self._total_uj = 0

    @property
    def last_j(self) -> float | None:
        """Energy that the file gave last."""
        return None if self._last is None else self._last.uj / 1e6

    def energy_j(self) -> float:
        """Energy since an arbitrary start.

        Raises:
            ReadError: The file could not be read this time.
            DeviceLostError: The file is gone.
        """
        now = _Value(uj=number(self.path, self._read), time_s=self._clock.now_s())
        # Until there is a second value, the first is where this counter begins.
        step_uj = now.uj if self._last is None else self._step_uj(self._last, now)
        if step_uj is None and self._refused is not None:
            # The value before was no single fault: the counter has jumped, and goes on from there.
            step_uj = self._step_uj(self._refused, now)
        if step_uj is None:
            self._refused = now
            message = f"{self.path} jumped to {now.uj} uJ, which no device can have used meanwhile"
            raise ReadError(message)
        self._total_uj += step_uj
        self._last, self._refused = now, None
        return self._total_uj / 1e6

    def _step_uj(self, last: "_Value", now: "_Value") -> int | None:
        """Energy between two values; None where no device can have used it."""
        if now.uj >= last.uj:
            ways = [now.uj - last.uj]
        else:
            # It went past its range, or it began again because the machine had slept.
            ways = [now.uj]
            if self._range_path is not None:
                range_uj = number(self._range_path, self._read)
                ways.insert(0, max(0, range_uj - last.uj) + now.uj)
        most_uj = HIGHEST_W * (now.time_s - last.time_s + PAUSE_S) * 1e6
        return next((step_uj for step_uj in ways if step_uj <= most_uj), None)
