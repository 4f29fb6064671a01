"""What a source answers: its faults end here, and a counter without power is made to tell one."""

import logging
from collections.abc import Callable
from typing import final

from trackers.errors import DeviceLostError, ReadError, UnknownDeviceError
from trackers.meter.integrate import mean_power
from trackers.sample import Observation, PowerSample
from trackers.source import PowerSource

_log = logging.getLogger(__name__)


@final
class GuardedSource:
    """Asks a source, whatever it does."""

    def __init__(
        self, source: PowerSource, *, shortest_s: float, lost: Callable[[str], None]
    ) -> None:
        """Ask `source`.

        Args:
            source: Anybody's.
            shortest_s: A mean power is not taken over less: counters rise in steps, and would seem
                to jump.
            lost: Is told of a device that will not answer again.
        """
        self._source = source
        self._shortest_s = shortest_s
        self._lost = lost
        self._since: dict[str, Observation] = {}
        self._complained: set[str] = set()

    def ask(self, device_uuid: str, *, counter: bool) -> Observation | None:
        """What a device says; None where it does not answer, whatever the reason."""
        try:
            return self._source.observe(device_uuid, counter=counter)
        except (DeviceLostError, UnknownDeviceError):
            self._lost(device_uuid)
            return None
        except ReadError:
            return None
        except (Exception, SystemExit):  # noqa: BLE001 - a source may be anybody's; it ends no training
            if device_uuid not in self._complained:
                self._complained.add(device_uuid)
                _log.exception("%s: unforeseen fault; no reading", self._source.name)
            return None

    def power(self, device_uuid: str, seen: Observation) -> PowerSample | None:
        """The power that was told, or the mean since the counter was read before.

        A mean holds from then on, so that its integral is the counter's energy.
        """
        if seen.power_w is not None:
            return PowerSample(time_s=seen.time_s, power_w=seen.power_w)
        since = self._since.get(device_uuid)
        if since is not None and seen.time_s - since.time_s < self._shortest_s:
            return None
        if seen.counter_j is not None:
            self._since[device_uuid] = seen
        return None if since is None else mean_power(since, seen)

    def forget(self, device_uuid: str) -> None:
        """A device is watched no more; a later mean does not reach back to now."""
        self._since.pop(device_uuid, None)
