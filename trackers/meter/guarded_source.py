"""A source's answers for one device, with its exceptions caught and its impossible powers dropped.

A lost device is asked again after a delay that grows each time: boards come back when their driver has been
reset, but a process that has ended does not.
"""

import logging
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import final

from trackers.clock import Clock
from trackers.errors import DeviceLostError, ReadError, UnknownDeviceError
from trackers.meter.integrate import mean_power
from trackers.sample import BoardState, Device, Observation, PowerSample
from trackers.source import LimitsPower, PowerSource, TellsState

HIGHEST_OVER_LIMIT = 1.5
"""A power above this multiple of the limit is a fault of the sensor; boards overshoot for moments."""

HIGHEST_W = 100_000.0
"""Highest power accepted from a device whose limit is not known."""

RECENT_S = 2.0
"""Time before a power in which a higher limit may have held, because the sensor may average over it."""

SUDDEN, USUAL_W = 10.0, 100.0
"""A power above this multiple of the highest one accepted so far (or of this many watts, if that is higher) is
accepted only if the previous refused one was similar."""

FIRST_REST_S, LONGEST_REST_S, LONGER = 0.2, 10.0, 1.25
"""A lost device is asked again after the first delay, which is multiplied by the third number, up to the
second one, each time that the device is still lost."""

_log = logging.getLogger(__name__)


@final
class PowerBound:
    """Upper bound on the power that a device can have drawn."""

    def __init__(self, limit_w: float | None) -> None:
        """Bound powers by the device's limit or, where that is not known, by the powers seen so far."""
        self._limit_w = limit_w
        self._shown_w: float | None = None
        self._refused_w: float | None = None

    def follow(self, limit_w: float | None) -> None:
        """Update the power limit, which may have changed; None leaves it as it is."""
        if limit_w is not None:
            self._limit_w = limit_w

    def accepts(self, power_w: float) -> bool:
        """Return whether a power is plausible."""
        if self._limit_w is not None:
            return power_w <= HIGHEST_OVER_LIMIT * self._limit_w
        if power_w > HIGHEST_W:
            return False
        is_like_others = self._shown_w is None or power_w <= SUDDEN * max(self._shown_w, USUAL_W)
        is_confirmed = self._refused_w is not None and power_w >= self._refused_w / 2
        if is_like_others or is_confirmed:
            self._shown_w, self._refused_w = max(power_w, self._shown_w or 0.0), None
            return True
        self._refused_w = power_w
        return False


@final
class GuardedSource:
    """Reads one device of a source, and never raises."""

    def __init__(
        self,
        source: PowerSource,
        device_uuid: str,
        *,
        clock: Clock,
        shortest_s: float,
        device: Device | None = None,
        asks: AbstractContextManager[object] | None = None,
    ) -> None:
        """Guard a device of a source.

        Args:
            source: The source, which may be third-party code.
            device_uuid: Identifier of the device, or of the share of a process.
            clock: Clock of all times.
            shortest_s: Shortest time over which a mean power is computed from the counter; over less,
                power would seem to jump, because counters rise in steps.
            device: The device; None for the share of a process.
            asks: Lock that is held while the source is read; one of this device's own when left out.
        """
        self.source = source
        self.asking_since_s: float | None = None
        self.tells_power = False
        self._uuid = device_uuid
        self._clock = clock
        self._shortest_s = shortest_s
        self._asks = asks or threading.Lock()
        # Looked up once, because these isinstance checks take longer than most answers.
        self._limits = source if isinstance(source, LimitsPower) else None
        self._tells_state = source if isinstance(source, TellsState) else None
        self._bound = PowerBound(None if device is None else device.power_limit_w)
        self._since: Observation | None = None
        self._has_complained = False
        self._rest_s = FIRST_REST_S
        self._lost_until_s: float | None = None

    @property
    def is_lost(self) -> bool:
        """Return whether the source has said that the device will not answer again."""
        return self._lost_until_s is not None

    def rests(self) -> bool:
        """Return whether the device is lost and is not to be asked again yet."""
        return self._lost_until_s is not None and self._clock.now_s() < self._lost_until_s

    def ask(self, *, counter: bool) -> Observation | None:
        """Read the device; None where it does not answer, whatever the reason."""
        with self._asks:
            self.asking_since_s = self._clock.now_s()
            try:
                seen = self._source_says(counter=counter)
            finally:
                self.asking_since_s = None
        if seen is None:
            return None
        self._lost_until_s, self._rest_s = None, FIRST_REST_S
        return self._bounded(seen)

    def state(self) -> BoardState:
        """State of the device other than its energy; all values are None where it reports none."""
        if self._tells_state is None:
            return BoardState()
        with self._asks:
            self.asking_since_s = self._clock.now_s()
            try:
                return self._tells_state.state(self._uuid)
            except (Exception, SystemExit):  # noqa: BLE001 - third-party code must not end the sampling
                return BoardState()
            finally:
                self.asking_since_s = None

    def power(self, seen: Observation) -> PowerSample | None:
        """Return the reported power or, where there is none, the mean power since the last counter value.

        A mean is stamped with the time of that last value, so that its integral is the counter's energy.
        """
        if seen.power_w is not None:
            self.tells_power = True
            return PowerSample(time_s=seen.time_s, power_w=seen.power_w)
        if self.tells_power:
            return None  # its power was missing or implausible this time only
        since = self._since
        if since is not None and seen.time_s - since.time_s < self._shortest_s:
            return None
        if seen.counter_j is not None:
            self._since = seen
        return None if since is None else mean_power(since, seen)

    def _source_says(self, *, counter: bool) -> Observation | None:
        try:
            return self.source.observe(self._uuid, counter=counter)
        except (DeviceLostError, UnknownDeviceError):
            self._lost_until_s = self._clock.now_s() + self._rest_s
            self._rest_s = min(LONGEST_REST_S, LONGER * self._rest_s)
        except ReadError:
            pass
        except (Exception, SystemExit):  # noqa: BLE001 - third-party code must not end a training
            if not self._has_complained:
                self._has_complained = True
                _log.exception("%s: unexpected error; no reading", self.source.name)
        return None

    def _bounded(self, seen: Observation) -> Observation | None:
        """Drop an implausible power from an observation; None where nothing is left of it."""
        if self._limits is not None:
            self._bound.follow(self._limits.highest_limit_w(self._uuid, seen.time_s - RECENT_S))
        if seen.power_w is None or self.source.estimated or self._bound.accepts(seen.power_w):
            return seen
        return None if seen.counter_j is None else replace(seen, power_w=None)
