"""Interfaces between the meter and the hardware: `PowerSource` and its optional extensions.

A new source is one file that implements `PowerSource`, one line in the table of
`trackers.sources.detect`, and one world of the tests (docs/how-to/add-a-power-source.md).
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from trackers.sample import BoardState, Device, Observation, PowerLimits


@runtime_checkable
class PowerSource(Protocol):
    """Something that says how much power a device draws now, or how much energy it has used.

    A source is opened by its constructor, which raises `SourceUnavailableError` (with the remedy)
    where it cannot be used. It holds no thread and no history; `trackers.meter.meter` has those.

    Attributes:
        name: The name that `--tracker` accepts for it.
        note: How it measures, in one sentence.
        estimated: True where energies are computed from something other than a sensor.
        counter_persists: True where a counter's value means the same to another process that opens
            the source later. A tracker that replaces a dead one can then close the dead one's windows
            by the counter.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def note(self) -> str: ...  # noqa: D102 - see the class

    @property
    def estimated(self) -> bool: ...  # noqa: D102 - see the class

    @property
    def counter_persists(self) -> bool: ...  # noqa: D102 - see the class

    def devices(self) -> Sequence[Device]:
        """Return the devices that can be observed."""
        ...

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """Read one device, once, without waiting.

        Args:
            device_uuid: A device's identifier; for a source of CPUs or memory also one that
                `process_device` makes.
            counter: Whether the energy counter is wanted too. It is wanted at a window's edges but not
                between them, because fast polling makes some boards' counters wrong.

        Returns:
            An observation with a power, a counter, or both.

        Raises:
            UnknownDeviceError: No device has that identifier.
            ReadError: The reading failed this time.
            DeviceLostError: The device is gone and is not expected to answer again.
        """
        ...

    def close(self) -> None:
        """Release the hardware; may be called twice."""
        ...


@runtime_checkable
class TellsState(Protocol):
    """A source whose boards report more than their energy: temperature, clock, utilization, limit."""

    def state(self, device_uuid: str) -> BoardState:
        """Return the present state of a board; never raises, and values it does not report are None."""
        ...


@runtime_checkable
class KnowsUsers(Protocol):
    """A source that knows which processes compute on a board."""

    def users(self, device_uuid: str) -> frozenset[int]:
        """Return the process IDs that the driver lists for a board; empty where it lists none."""
        ...


@runtime_checkable
class LimitsPower(Protocol):
    """A source whose boards accept a power limit.

    A limit would outlive the process that set it; `trackers.node.power_limiter` restores it.
    """

    def power_limits(self, device_uuid: str) -> PowerLimits:
        """Return the range of limits that a board accepts, and the limit that is set.

        Raises:
            UnknownDeviceError: No board has that identifier.
            ReadError: The board reports no limits.
        """
        ...

    def limit_refused(self, device_uuid: str) -> str:
        """Return why no limit can be set on a board; empty where one can be set.

        This is tried by setting the present limit again, on a board that is not in use yet.

        Raises:
            UnknownDeviceError: No board has that identifier.
        """
        ...

    def limit_power(self, device_uuid: str, limit_w: float) -> float:
        """Set a board's power limit.

        Returns:
            The limit that the board reports afterwards.

        Raises:
            UnknownDeviceError: No board has that identifier.
            ReadError: The board does not accept the limit.
        """
        ...

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:
        """Highest limit of a board since `since_s`, as far as it was set or seen here; None if unknown."""
        ...
