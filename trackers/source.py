"""The seam between measuring and hardware: everything that can say what a device draws.

A new source is one file that implements `PowerSource`, one line in the table of
`trackers.sources.detect`, and a world of the tests (docs/how-to/add-a-power-source.md).
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
        name: The word that `--tracker` takes.
        note: How it measures, in one sentence.
        estimated: True where energies are computed from something other than a sensor.
        counter_outlives: True where a counter's value means the same to another process that opens
            the source later, so that a window can be closed by whoever takes a dead tracker's place.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def note(self) -> str: ...  # noqa: D102 - see the class

    @property
    def estimated(self) -> bool: ...  # noqa: D102 - see the class

    @property
    def counter_outlives(self) -> bool: ...  # noqa: D102 - see the class

    def devices(self) -> Sequence[Device]:
        """The devices that can be observed."""
        ...

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """Ask one device, once, without waiting.

        Args:
            device_uuid: A device's identifier; for a source of CPUs also `process_device(pid)`.
            counter: Whether the energy counter is wanted too. It is at a window's edges, and not
                between them: polling a counter fast makes some boards' counters wrong.

        Returns:
            An observation with a power, a counter, or both.

        Raises:
            UnknownDeviceError: No device has that identifier.
            ReadError: The reading failed this time.
            DeviceLostError: The device will not answer again.
        """
        ...

    def close(self) -> None:
        """Let go of the hardware; may be called twice."""
        ...


@runtime_checkable
class TellsState(Protocol):
    """A source whose boards tell more of themselves than their energy."""

    def state(self, device_uuid: str) -> BoardState:
        """State of a board now; never raises, what it does not report is None."""
        ...


@runtime_checkable
class KnowsUsers(Protocol):
    """A source that knows which processes compute on a board."""

    def users(self, device_uuid: str) -> frozenset[int]:
        """The processes on a board, as the driver numbers them; none where it does not tell."""
        ...


@runtime_checkable
class LimitsPower(Protocol):
    """A source whose boards can be told to draw no more than so much.

    A limit outlives whoever set it: `trackers.node.power_limiter` sees to it that it does not.
    """

    def power_limits(self, device_uuid: str) -> PowerLimits:
        """Return what may be set on a board, and what is.

        Raises:
            UnknownDeviceError: No board has that identifier.
            ReadError: The board knows no limits.
        """
        ...

    def limit_refused(self, device_uuid: str) -> str:
        """Return why none may be set on a board that nobody uses yet; empty where one may be.

        It is tried by setting what is set already.

        Raises:
            UnknownDeviceError: No board has that identifier.
        """
        ...

    def limit_power(self, device_uuid: str, limit_w: float) -> float:
        """Set a board's limit.

        Returns:
            The limit that the board tells afterwards.

        Raises:
            UnknownDeviceError: No board has that identifier.
            ReadError: The board does not take it.
        """
        ...

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:
        """Highest limit of a board from a time on, as far as it was set or seen here; None if not known."""
        ...
