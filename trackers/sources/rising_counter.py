"""Reading of the kernel's energy files: their location, and a counter in microjoules made to rise for ever.

The kernel's counter may wrap around at its range, restart after sleep, or jump. An energy that the device
cannot have used since the previous reading is never added.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from trackers.clock import Clock
from trackers.errors import DeviceLostError, ReadError

HIGHEST_W = 2000.0
"""Power above what any package, memory or board draws; the largest of 2025 are rated 500 W and 1,400 W."""

PAUSE_S = 1.0
"""Time for which a process may be suspended between reading a counter and reading the clock."""

LONGEST_BYTES = 4096
"""Greatest size of a file in sysfs, which is one page."""

HOST_SYS = "HOST_SYS"
"""Environment variable that names the folder where a container has its host's `/sys`."""


def class_folder(name: str) -> Path:
    """Return the folder of a device class such as `powercap`, in `/sys` or in the folder of `HOST_SYS`.

    A container does not see all of its host's `/sys`, and may have it mounted elsewhere. Other monitoring
    tools use the same variable (gopsutil, and with it Telegraf).
    """
    return Path(os.environ.get(HOST_SYS) or "/sys") / "class" / name


def kernel_text(path: Path) -> str:
    """Read a short file of the kernel, without the buffers of a text file, which would take several times as long.

    Raises:
        OSError: The file cannot be read.
        UnicodeDecodeError: The file does not contain text.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, LONGEST_BYTES).decode()
    finally:
        os.close(file)


def number(path: Path, read: Callable[[Path], str]) -> int:
    """Read the integer in a file of the kernel.

    Raises:
        DeviceLostError: The file is gone.
        ReadError: The file could not be read this time, or does not contain an integer.
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
    """Value of a counter in microjoules, as the file has it, and the time of reading."""

    uj: int
    time_s: float


@final
class RisingCounter:
    """An energy counter of the kernel, continued over wrap-arounds and restarts.

    Attributes:
        path: File of the counter.
    """

    def __init__(
        self,
        path: Path,
        *,
        range_path: Path | None,
        read: Callable[[Path], str],
        clock: Clock,
    ) -> None:
        """Prepare a counter; nothing is read yet.

        Args:
            path: File of the counter, in microjoules.
            range_path: File of the value at which the counter wraps around; None where it does not.
            read: Reads a file's text.
            clock: Clock for the bound on the energy between two readings.
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
        """Last value of the file in joules; None before the first reading."""
        return None if self._last is None else self._last.uj / 1e6

    def energy_j(self) -> float:
        """Read the counter and return the energy since an arbitrary start.

        Raises:
            ReadError: The file could not be read this time, or the counter has jumped.
            DeviceLostError: The file is gone.
        """
        now = _Value(uj=number(self.path, self._read), time_s=self._clock.now_s())
        # The first value is the start of the sum; any later one is compared with the one before.
        step_uj = now.uj if self._last is None else self._step_uj(self._last, now)
        if step_uj is None and self._refused is not None:
            # The refused value was not a single fault: the counter has jumped and continues from there.
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
            # The counter wrapped around, or it restarted because the machine had slept.
            ways = [now.uj]
            if self._range_path is not None:
                range_uj = number(self._range_path, self._read)
                ways.insert(0, max(0, range_uj - last.uj) + now.uj)
        most_uj = HIGHEST_W * (now.time_s - last.time_s + PAUSE_S) * 1e6
        return next((step_uj for step_uj in ways if step_uj <= most_uj), None)
