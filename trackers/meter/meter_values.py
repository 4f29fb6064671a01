"""Values that an `EnergyMeter` returns, and the state of an open window."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

from trackers.sample import Observation, PowerSample, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedSample:
    """A power sample with the innermost window that was open on its device, if any."""

    device_uuid: str
    time_s: float
    power_w: float
    window: Hashable | None


def logged(device_uuid: str, sample: PowerSample, window: Hashable | None) -> LoggedSample:
    """Return a log entry for a sample of a device."""
    return LoggedSample(
        device_uuid=device_uuid, time_s=sample.time_s, power_w=sample.power_w, window=window
    )


@dataclass(slots=True)
class Window:
    """Value of `EnergyMeter.window`; `readings` is filled when it closes."""

    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class OpenWindow:
    """State of a window that is open.

    Attributes:
        start_s: Start of the window.
        at_start: Observation of each device at the start, by UUID; None while the device has not
            answered.
        refreshed: Observation after the first refresh of a device's counter in the window, by UUID;
            only of devices that were asked then.
        is_closing: Whether another call is closing it at this moment.
    """

    start_s: float
    at_start: dict[str, Observation | None]
    refreshed: dict[str, Observation] = field(default_factory=dict)
    is_closing: bool = False

    def around_start_s(self, device_uuid: str, averaging_period_s: float) -> tuple[float, float]:
        """Time span around the start whose power samples are needed when the window closes.

        It begins when the counter took the value that was read at the start, which may be shortly before
        or after the start. It ends where powers averaged over `averaging_period_s` no longer include the
        time before the start.
        """
        seen = self.at_start[device_uuid]
        counted_s = self.start_s if seen is None else seen.time_s
        return min(self.start_s, counted_s), max(self.start_s, counted_s) + averaging_period_s


def check_time(name: str, time_s: float | None) -> None:
    """Refuse a value that is not a time.

    Raises:
        ValueError: The value is neither a finite number nor None.
    """
    # Values from another process or from a user can be of any type.
    is_number = isinstance(time_s, int | float)
    if time_s is not None and not (is_number and math.isfinite(time_s)):
        message = f"{name} is {time_s!r}; allowed: a finite number of seconds, or None"
        raise ValueError(message)
