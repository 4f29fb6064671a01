"""The values of measuring: devices, observations, readings. Frozen, in joules, watts and seconds.

Every `time_s` is on the node's monotonic clock (`trackers.clock`), which all processes of a
machine share. None means not known; it is never written as 0.
"""

import math
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Method(StrEnum):
    """Method by which an energy was found."""

    COUNTER = "counter"
    SAMPLED = "sampled"
    ESTIMATED = "estimated"


class Status(StrEnum):
    """Degree to which an energy can be trusted."""

    OK = "ok"
    DEGRADED = "degraded"
    MISSING = "missing"


class Scope(StrEnum):
    """Scope of a reading's energy: a device, some processes or the whole machine."""

    DEVICE = "device"
    PROCESSES = "processes"
    MACHINE = "machine"


class Component(StrEnum):
    """Role of a device on the bill.

    A GPU belongs to one consumer and is asked for by its own identifier. CPU and memory are shared:
    a consumer asks for its share of each of their devices, `process_device(pid, uuid)`. The node is
    the whole machine, at its plug or power supply, and contains the others.
    """

    GPU = "gpu"
    CPU = "cpu"
    MEMORY = "memory"
    NODE = "node"


def process_device(pid: int, device_uuid: str | None = None) -> str:
    """The identifier under which a source measures the share of one process and its children.

    Args:
        pid: The process.
        device_uuid: A device of CPU or memory; left out: all of the source's CPUs together.

    Examples:
        >>> process_device(4711)
        'process:4711'
        >>> process_device(4711, "cpu:vm")
        'process:4711:cpu:vm'
    """
    return f"process:{pid}" if device_uuid is None else f"process:{pid}:{device_uuid}"


def process_and_device(target: str) -> tuple[int, str | None] | None:
    """Process and device of an identifier that `process_device` made; None for any other."""
    match = _PROCESS.fullmatch(target)
    return None if match is None else (int(match["pid"]), match["device"])


_PROCESS = re.compile(r"process:(?P<pid>\d+)(:(?P<device>.+))?", flags=re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a source can observe.

    Attributes:
        uuid: Identifier that holds across processes and restarts; never an index.
        name: As its vendor names it.
        component: What it is to the bill.
        part_of: The device that contains it and whose energy its own is in, where it is not the
            node; None where no other does.
        power_limit_w: Highest power it may draw.
        driver: Version of the driver that reports for it.
        shared: Whether others may use it whom nobody here sees, as with MIG instances.
        power_mean_s: Time over which each power that it tells is a mean; 0 where that is short.
        told_each_s: Time between two powers or counters that it tells, where the source knows it to be
            long, as a second for a plug; 0 where it tells one whenever it is asked. A sample then
            speaks for that long, and a window shorter than it knows little.
        for_whoever_asks: Whether it is a recording, which stands for what anybody uses.
    """

    uuid: str
    name: str
    component: Component
    part_of: str | None = None
    power_limit_w: float | None = None
    driver: str | None = None
    shared: bool = False
    power_mean_s: float = 0.0
    told_each_s: float = 0.0
    for_whoever_asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardState:
    """State of a board beside its energy; None for what it does not report.

    Attributes:
        temperature_c: In degrees Celsius.
        sm_clock_hz: Clock of its processors.
        utilization: Share of recent time in which it was busy; in [0, 1].
        power_limit_w: Enforced power limit.
    """

    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    utilization: float | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLimits:
    """The power limits of a board.

    Attributes:
        device_uuid: The board.
        lowest_w: Lowest limit that may be set.
        highest_w: Highest.
        now_w: The one that is set.
        refused: Why none may be set, and what to do; empty where one may be, or that was not tried.
    """

    device_uuid: str
    lowest_w: float
    highest_w: float
    now_w: float
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Answer of a source about one device at one moment.

    Attributes:
        time_s: When it was said.
        power_w: Power that the device draws; None where the source has only a counter.
        counter_j: Energy since an arbitrary start, never falling; None where there is no counter
            or it was not asked for.
        took_s: For how long the counter was waited for, in some moment of which it was read; 0 where
            `time_s` is the moment at which its value was made.
    """

    time_s: float
    power_w: float | None = None
    counter_j: float | None = None
    took_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no sensor can mean.

        Raises:
            ValueError: A power or an energy that is negative or not finite.
        """
        for name, value in (("power_w", self.power_w), ("counter_j", self.counter_j)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                message = f"{name} is {value}; allowed is a finite number from 0, or None"
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSample:
    """Power of one device at one moment."""

    time_s: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Energy of one device over one window.

    Attributes:
        device_uuid: The device.
        start_s: Start of the window.
        duration_s: Its length.
        energy_j: Energy; None exactly where `status` is `missing`.
        method: How it came about; None where it is missing.
        status: How far it can be trusted.
        coverage: Share of the window for which the device was observed; in [0, 1].
        uncertainty_common_j: Part of the uncertainty that all readings of the device share, as its
            calibration; None if not known.
        uncertainty_own_j: Half-width that 95 % of this reading's own errors lie within; None
            likewise.
        power_samples: Number of power samples inside the window.
        note: Why the status is not `ok`; empty where it is.
        counter_over_power: Energy by the counter over the integral of the power; None where one of
            them is not known, or the power was sampled too rarely to tell.
        shared_by: Number of consumers among which the device's energy was split; 1 where it was
            not, although others may use the device; None where it is one consumer's own.
        state: What the board said of itself a moment before the window's end.
        scope: Whose energy it is.
    """

    device_uuid: str
    start_s: float
    duration_s: float
    energy_j: float | None
    method: Method | None
    status: Status
    coverage: float
    power_samples: int
    uncertainty_common_j: float | None = None
    uncertainty_own_j: float | None = None
    note: str = ""
    counter_over_power: float | None = None
    shared_by: int | None = None
    state: BoardState = field(default_factory=BoardState)
    scope: Scope = Scope.DEVICE

    def __post_init__(self) -> None:
        """Refuse a reading that contradicts itself.

        Raises:
            ValueError: A negative or non-finite energy, a coverage outside [0, 1], or an energy
                that is None without the status `missing` (or the reverse).
        """
        if self.energy_j is not None and not (math.isfinite(self.energy_j) and self.energy_j >= 0):
            message = f"energy_j is {self.energy_j}; allowed is a finite number from 0, or None"
            raise ValueError(message)
        if (self.energy_j is None) != (self.status is Status.MISSING):
            message = f"energy_j is {self.energy_j} with status {self.status}"
            raise ValueError(message)
        if not 0 <= self.coverage <= 1:
            message = f"coverage is {self.coverage}; allowed is 0 to 1"
            raise ValueError(message)

    @property
    def mean_power_w(self) -> float | None:
        """Energy over time; None where either is missing."""
        if self.energy_j is None or self.duration_s <= 0:
            return None
        return self.energy_j / self.duration_s

    @property
    def uncertainty_j(self) -> float | None:
        """Half-width of the interval in which the energy lies, of both parts; None if not known."""
        if self.uncertainty_common_j is None or self.uncertainty_own_j is None:
            return None
        return math.hypot(self.uncertainty_common_j, self.uncertainty_own_j)

    def degraded(self, note: str, **changes: Any) -> "Reading":  # noqa: ANN401 - any field
        """This reading with one more doubt; one that is missing stays so."""
        notes = "; ".join(filter(None, (self.note, note)))
        status = Status.MISSING if self.energy_j is None else Status.DEGRADED
        return replace(self, status=status, note=notes, **changes)

    @classmethod
    def missing(
        cls, device_uuid: str, *, note: str, start_s: float = 0.0, duration_s: float = 0.0
    ) -> "Reading":
        """The reading of a window for which nothing is known, and why."""
        return cls(
            device_uuid=device_uuid,
            start_s=start_s,
            duration_s=duration_s,
            energy_j=None,
            method=None,
            status=Status.MISSING,
            coverage=0.0,
            power_samples=0,
            note=note,
        )
