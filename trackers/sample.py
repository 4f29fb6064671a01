"""Value types of energy measurement: devices, observations and readings.

All are frozen, in joules, watts and seconds. Every `time_s` is on the node's monotonic clock
(`trackers.clock`), which all processes of a machine share. None means unknown; an unknown value is
never written as 0.
"""

import math
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from trackers.moved import answer_old_names


class Method(StrEnum):
    """Method by which an energy was obtained.

    `counter`: difference of the device's energy counter. `sampled`: integral of power samples.
    `estimated`: computed from something other than a sensor, such as CPU time.
    """

    COUNTER = "counter"
    SAMPLED = "sampled"
    ESTIMATED = "estimated"


class Status(StrEnum):
    """Degree to which an energy can be trusted.

    `ok`: nothing speaks against it. `degraded`: known, with a doubt that `Reading.note` names.
    `missing`: not known.
    """

    OK = "ok"
    DEGRADED = "degraded"
    MISSING = "missing"


class Scope(StrEnum):
    """Scope of a reading's energy: a device, some processes or the whole machine."""

    DEVICE = "device"
    PROCESSES = "processes"
    MACHINE = "machine"


class Component(StrEnum):
    """Role of a device on the energy bill.

    A GPU belongs to one consumer and is measured under its own identifier. CPU and memory are shared:
    a consumer asks for its share of each such device, `process_device(pid, uuid)`. The node is the
    whole machine, measured at its plug or power supply, and contains the others.
    """

    GPU = "gpu"
    CPU = "cpu"
    MEMORY = "memory"
    NODE = "node"


def process_device(pid: int, device_uuid: str | None = None) -> str:
    """Return the identifier under which a source measures the share of one process and its children.

    Args:
        pid: The process.
        device_uuid: A CPU or memory device; when left out, all of the source's CPUs together.

    Examples:
        >>> process_device(4711)
        'process:4711'
        >>> process_device(4711, "cpu:vm")
        'process:4711:cpu:vm'
    """
    return f"process:{pid}" if device_uuid is None else f"process:{pid}:{device_uuid}"


def process_and_device(target: str) -> tuple[int, str | None] | None:
    """Parse an identifier made by `process_device` into process and device; None for any other."""
    match = _PROCESS.fullmatch(target)
    return None if match is None else (int(match["pid"]), match["device"])


_PROCESS = re.compile(r"process:(?P<pid>\d+)(:(?P<device>.+))?", flags=re.ASCII)


@answer_old_names(
    for_whoever_asks="is_recording",
    power_mean_s="averaging_period_s",
    told_each_s="update_period_s",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a source can observe.

    Attributes:
        uuid: Identifier that is stable across processes and restarts; never an index.
        name: Name that the vendor gives it.
        component: Role of the device on the energy bill.
        part_of: UUID of the device that contains it, whose energy includes its own; None when no
            device but the node does.
        power_limit_w: Highest power that it may draw; None if not known.
        driver: Version of the driver that reports for it; None if not known.
        shared: Whether it may have users that cannot be seen from here, as with MIG instances.
        averaging_period_s: Time over which the sensor averages each power that it reports; 0 where that
            is short.
        update_period_s: Time between two updates of its power or counter, where the source knows this to
            be long (a second for a smart plug); 0 where it answers with a current value whenever it is
            asked. A sample stands for that long, and little is known of a shorter window.
        is_recording: Whether it is a recording, which stands for whatever any consumer computes on.
    """

    uuid: str
    name: str
    component: Component
    part_of: str | None = None
    power_limit_w: float | None = None
    driver: str | None = None
    shared: bool = False
    averaging_period_s: float = 0.0
    update_period_s: float = 0.0
    is_recording: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardState:
    """State of a board other than its energy; each value is None when the board does not report it.

    Attributes:
        temperature_c: Temperature in degrees Celsius.
        sm_clock_hz: Clock rate of its streaming multiprocessors.
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
        lowest_w: Lowest limit that can be set.
        highest_w: Highest limit that can be set.
        now_w: Limit that is set now.
        refused: Why no limit can be set, and what to do about it; empty where one can be set, or where
            this was not tried.
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
        time_s: Time of the answer.
        power_w: Power that the device draws; None where the source has only a counter.
        counter_j: Energy since an arbitrary start, which never falls; None where there is no counter
            or it was not asked for.
        took_s: Duration of the call that read the counter, which was read at some moment of it; 0 where
            `time_s` is the time at which the counter took its value.
    """

    time_s: float
    power_w: float | None = None
    counter_j: float | None = None
    took_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that no sensor can mean.

        Raises:
            ValueError: The power or the energy is negative or not finite.
        """
        for name, value in (("power_w", self.power_w), ("counter_j", self.counter_j)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                message = f"{name} is {value}; allowed: a finite number from 0, or None"
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
        duration_s: Length of the window.
        energy_j: Energy; None exactly when `status` is `missing`.
        method: Method by which the energy was obtained; None when it is missing.
        status: Degree to which the energy can be trusted.
        coverage: Share of the window for which the device was observed; in [0, 1].
        uncertainty_common_j: Part of the uncertainty that all readings of the device share, such as
            its calibration; None if not known.
        uncertainty_own_j: Half-width within which 95 % of this reading's own errors lie; None if not
            known.
        power_samples: Number of power samples inside the window.
        note: Why the status is not `ok`; empty when it is.
        counter_over_power: Ratio of the counter's energy to the integral of the power; None when one
            of them is not known, or when power was sampled too rarely to tell.
        shared_by: Number of consumers among which the device's energy was split; 1 when it was not
            split although others may use the device; None when the device belongs to one consumer.
        state: State that the board reported shortly before the window's end.
        scope: Whether the energy is of a device, of some processes or of the whole machine.
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
            message = f"energy_j is {self.energy_j}; allowed: a finite number from 0, or None"
            raise ValueError(message)
        if (self.energy_j is None) != (self.status is Status.MISSING):
            message = f"energy_j is {self.energy_j} with status {self.status}"
            raise ValueError(message)
        if not 0 <= self.coverage <= 1:
            message = f"coverage is {self.coverage}; allowed: 0 to 1"
            raise ValueError(message)

    @property
    def mean_power_w(self) -> float | None:
        """Mean power over the window; None when the energy is missing or the window has no length."""
        if self.energy_j is None or self.duration_s <= 0:
            return None
        return self.energy_j / self.duration_s

    @property
    def uncertainty_j(self) -> float | None:
        """Half-width of the energy's interval, common and own part combined; None if either is unknown."""
        if self.uncertainty_common_j is None or self.uncertainty_own_j is None:
            return None
        return math.hypot(self.uncertainty_common_j, self.uncertainty_own_j)

    def degraded(self, note: str, **changes: Any) -> "Reading":  # noqa: ANN401 - any field
        """Return this reading as `degraded`, with a note appended; a missing reading stays `missing`.

        Args:
            note: Reason, appended to the existing note.
            **changes: Other fields to replace.
        """
        notes = "; ".join(filter(None, (self.note, note)))
        status = Status.MISSING if self.energy_j is None else Status.DEGRADED
        return replace(self, status=status, note=notes, **changes)

    @classmethod
    def missing(
        cls, device_uuid: str, *, note: str, start_s: float = 0.0, duration_s: float = 0.0
    ) -> "Reading":
        """Return the reading of a window of which nothing is known; `note` says why."""
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
