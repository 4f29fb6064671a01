"""Values that an `EnergyMeter` hands out, and the state of a window that is open."""

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
    """A sample as the log has it."""
    return LoggedSample(
        device_uuid=device_uuid, time_s=sample.time_s, power_w=sample.power_w, window=window
    )


@dataclass(slots=True)
class Window:
    """Value of `EnergyMeter.window`; `readings` is filled when it closes."""

    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class OpenWindow:
    """A window that was opened.

    Attributes:
        start_s: When it began.
        at_start: What each of its devices said then; None where one has not answered yet.
        refreshed: What a device said after its counter's next refresh, where it was asked then.
        is_closing: Whether somebody closes it at this moment.
    """

    start_s: float
    at_start: dict[str, Observation | None]
    refreshed: dict[str, Observation] = field(default_factory=dict)
    is_closing: bool = False

    def around_start_s(self, device_uuid: str, power_mean_s: float) -> tuple[float, float]:
        """The times around the start of which power must be known when the window closes.

        From when the device's counter was made, a moment before or after the start, to where powers
        that are means of `power_mean_s` no more are of the time before.
        """
        seen = self.at_start[device_uuid]
        counted_s = self.start_s if seen is None else seen.time_s
        return min(self.start_s, counted_s), max(self.start_s, counted_s) + power_mean_s


def check_time(name: str, time_s: float | None) -> None:
    """Refuse what is no time.

    Raises:
        ValueError: It is neither a finite number nor None.
    """
    # What comes from another process, or from a user, may be anything.
    is_number = isinstance(time_s, int | float)
    if time_s is not None and not (is_number and math.isfinite(time_s)):
        message = f"{name} is {time_s!r}; allowed is a finite number of seconds, or None"
        raise ValueError(message)
