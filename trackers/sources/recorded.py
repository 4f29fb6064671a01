"""Playback of recorded power, from a CSV file of (time, watts) or from a function of time.

This is the source of `--tracker PATH.csv`, and a fake for tests and dry runs: everything above a source
then runs as it would on hardware, with energies that are known beforehand.
"""

import csv
import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, Device, Observation

COLUMNS = ("time_s", "power_w")


@final
class RecordedSource:
    """A power curve that takes the place of a sensor.

    Attributes:
        name: `recorded`.
        note: Name of the recording that is played back.
        estimated: False, because a recording was measured, if not here.
        counter_persists: False, because a recording starts again with each source.
    """

    name = "recorded"
    estimated = False
    counter_persists = False

    def __init__(
        self,
        power_w: Callable[[float], float],
        *,
        label: str = "function",
        clock: Clock | None = None,
    ) -> None:
        """Play back a function.

        Args:
            power_w: Power in watts as a function of the seconds since now.
            label: Name of the recording, in the device's identifier and name.
            clock: Clock of the playback; the machine's monotonic clock when left out.
        """
        self._power_w = power_w
        self._clock = clock or MonotonicClock()
        self._start_s = self._clock.now_s()
        self._device = Device(
            uuid=f"recorded:{label}",
            name=f"recording {label}",
            component=Component.GPU,
            is_recording=True,
        )
        self.note = f"power played back from {label}, for whatever is asked"

    @classmethod
    def from_csv(cls, path: Path, *, clock: Clock | None = None) -> "RecordedSource":
        """Play back a file in a loop, in which each power holds until the next line.

        The file has the columns `time_s` and `power_w` (others are ignored); times must rise.

        Raises:
            SourceUnavailableError: The file cannot be read, or a line of it is wrong.
        """
        times_s, powers_w = _read_csv(path)
        length_s = times_s[-1] - times_s[0]
        if length_s <= 0:
            return cls(lambda _: powers_w[0], label=path.name, clock=clock)

        def power_w(since_start_s: float) -> float:
            at_s = times_s[0] + since_start_s % length_s
            return powers_w[bisect_right(times_s, at_s) - 1]

        return cls(power_w, label=path.name, clock=clock)

    def devices(self) -> Sequence[Device]:
        """Return the recording as the only device."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; a recording has no counter."""
        if device_uuid != self._device.uuid:
            message = f"unknown device {device_uuid!r}; this recording is {self._device.uuid!r}"
            raise UnknownDeviceError(message)
        now_s = self._clock.now_s()
        return Observation(time_s=now_s, power_w=self._power_w(now_s - self._start_s))

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def _read_csv(path: Path) -> tuple[list[float], list[float]]:
    """Read and check the times and powers of a recording."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = (
            f"recording {path}: cannot be read ({error}). Give a CSV file with the columns "
            f"{' and '.join(COLUMNS)}."
        )
        raise SourceUnavailableError(message) from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        got = ", ".join(map(str, rows[0])) if rows else "no rows"
        message = f"recording {path}: got {got}; needed are the columns {' and '.join(COLUMNS)}."
        raise SourceUnavailableError(message)
    times_s, powers_w = [], []
    for line, row in enumerate(rows, start=2):
        try:
            time_s, power_w = (float(row[column]) for column in COLUMNS)
        except (TypeError, ValueError) as error:
            message = f"recording {path}, line {line}: {error}; both columns take numbers."
            raise SourceUnavailableError(message) from error
        if not (math.isfinite(time_s) and math.isfinite(power_w) and power_w >= 0):
            message = f"recording {path}, line {line}: {time_s} s, {power_w} W is not a power."
            raise SourceUnavailableError(message)
        times_s.append(time_s)
        powers_w.append(power_w)
    for line, (earlier, later) in enumerate(itertools.pairwise(times_s), start=3):
        if later <= earlier:
            message = f"recording {path}, line {line}: time {later} s is not after {earlier} s."
            raise SourceUnavailableError(message)
    return times_s, powers_w
