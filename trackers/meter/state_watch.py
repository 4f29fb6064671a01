"""Keeps what boards last said of their temperature, clock and the like.

They are asked in the background, now and then, and not at a window's edge, which it would delay.
"""

from collections.abc import Iterable
from typing import final

from trackers.clock import Clock
from trackers.sample import BoardState
from trackers.source import PowerSource, TellsState

ASK_EACH_S = 1.0


@final
class StateWatch:
    """The last known state of each device of a source."""

    def __init__(self, source: PowerSource, clock: Clock) -> None:
        """Ask `source`, if it tells any state at all."""
        self._source = source if isinstance(source, TellsState) else None
        self._clock = clock
        self._ask_at_s = clock.now_s()
        self._states: dict[str, BoardState] = {}

    def ask(self, devices: Iterable[str]) -> None:
        """Ask the devices, if it is time to."""
        now_s = self._clock.now_s()
        if self._source is None or now_s < self._ask_at_s:
            return
        self._ask_at_s = now_s + ASK_EACH_S
        for device_uuid in devices:
            self._states[device_uuid] = self._asked(self._source, device_uuid)

    def last(self, device_uuid: str) -> BoardState:
        """What a device said last; nothing but None before it was asked."""
        return self._states.get(device_uuid, BoardState())

    def _asked(self, source: TellsState, device_uuid: str) -> BoardState:
        try:
            return source.state(device_uuid)
        except (Exception, SystemExit):  # noqa: BLE001 - a source may be anybody's; it ends no sampling
            return BoardState()
