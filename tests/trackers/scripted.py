"""A sensor that does what a test says: power, counter and faults as functions of time."""

from collections.abc import Callable, Sequence
from typing import final

from trackers.clock import Clock
from trackers.errors import TrackerError, UnknownDeviceError
from trackers.sample import Component, Device, Observation

BOARD = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
OTHER = "GPU-1f0e7a6b-93c2-58d4-a1b7-6e0d4c82f513"


@final
class ScriptedSource:
    """Boards that follow one script; `reads` counts how often they were asked."""

    name = "scripted"
    note = "what the test says"
    counter_persists = True

    def __init__(
        self,
        clock: Clock,
        *,
        power_w: Callable[[float], float] | None = None,
        counter_j: Callable[[float], float] | None = None,
        fault: Callable[[int, float], BaseException | None] = lambda _read, _now_s: None,
        power_limit_w: float | None = None,
        estimated: bool = False,
        uuids: Sequence[str] = (BOARD,),
    ) -> None:
        """Follow functions of the clock's time.

        Args:
            clock: Says the time.
            power_w: Power; None: it is never told.
            counter_j: Energy counter; None: there is none.
            fault: What the n-th reading (from 1) raises; None: it succeeds.
            power_limit_w: The boards' limit.
            estimated: Whether it says that it estimates.
            uuids: The boards.
        """
        self.estimated = estimated
        self.reads = 0
        self.closed = 0
        self._clock = clock
        self._power_w = power_w
        self._counter_j = counter_j
        self._fault = fault
        self._devices = tuple(
            Device(uuid=uuid, name="board", component=Component.GPU, power_limit_w=power_limit_w)
            for uuid in uuids
        )

    def devices(self) -> Sequence[Device]:
        """The boards."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        if device_uuid not in {device.uuid for device in self._devices}:
            message = f"unknown device {device_uuid!r}"
            raise UnknownDeviceError(message)
        self.reads += 1
        now_s = self._clock.now_s()
        fault = self._fault(self.reads, now_s)
        if fault is not None:
            raise fault
        wants_counter = self._counter_j is not None and (counter or self._power_w is None)
        return Observation(
            time_s=now_s,
            power_w=None if self._power_w is None else self._power_w(now_s),
            counter_j=self._counter_j(now_s) if wants_counter and self._counter_j else None,
        )

    def close(self) -> None:
        """Count the calls."""
        self.closed += 1


def each(n: int, error: type[TrackerError]) -> Callable[[int, float], BaseException | None]:
    """A fault in each n-th reading."""
    return lambda read, _now_s: error(f"reading {read} failed") if read % n == 0 else None


def after(time_s: float, error: type[TrackerError]) -> Callable[[int, float], BaseException | None]:
    """A fault in all readings from a time on."""
    return lambda _read, now_s: error(f"failed at {now_s} s") if now_s >= time_s else None
