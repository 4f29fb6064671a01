"""Client of a node's `Tracker`, with which a trial opens and closes windows."""

import logging
import math
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from ray.exceptions import ActorDiedError, RayError

from trackers.errors import TrackerError
from trackers.node.actor import Handle
from trackers.node.calls import Call, Connect, TrackerCalls
from trackers.node.ledger import Bill, Readings, WindowKey
from trackers.node.local_rpc import LocalRpc
from trackers.node.plain import packed_bill, plain_key, readings_of
from trackers.sample import Device, Method, PowerLimits, Reading

CALL_TIMEOUT_S = 10.0

MOST_KEPT = 64
"""Number of closed windows whose readings are kept here; for older ones the tracker is asked again."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Window:
    """A window as the client has requested it.

    Attributes:
        opened: The call that opens it; None where there was none.
        closed: The call that closes it; None while it is open.
        stop_s: End of the window; infinite while it is open.
        readings: Its readings; None until they have been waited for.
    """

    opened: Call | None = None
    closed: Call | None = None
    stop_s: float = math.inf
    readings: Readings | None = None

    @property
    def is_read(self) -> bool:
        """Return whether the readings have arrived, so that no tracker has to be asked for them."""
        is_answered = self.closed is not None and isinstance(self.closed.answer, dict)
        return is_answered or self.readings is not None


@final
class TrackerClient:
    """Client with which a trial opens and closes windows over the devices on its bill.

    Nothing here raises, whatever happens to the tracker, its manager or Ray, except setting and querying
    power limits: where there is no answer, the reading is missing and its note says why.
    """

    def __init__(
        self,
        manager: Handle,
        *,
        accelerator_uuid: str | None,
        on_accelerator: bool,
        further_uuids: Sequence[str] = (),
        answer_s: float = CALL_TIMEOUT_S,
        connect: Connect = LocalRpc.connected,
    ) -> None:
        """Find the node's tracker, and wait until it samples.

        Args:
            manager: The study's `TrackerManager`.
            accelerator_uuid: See `TrackerFacts.bill`.
            on_accelerator: See `TrackerFacts.bill`.
            further_uuids: See `TrackerFacts.bill`.
            answer_s: Longest wait for an answer of the tracker once it was found.
            connect: See `TrackerCalls`.
        """
        self._calls = TrackerCalls(manager, answer_s=answer_s, connect=connect)
        self._bill: Bill = ()
        self._packed_bill = b""
        self._estimated = False
        self._windows: dict[WindowKey, _Window] = {}
        self._limit: tuple[str, float] | None = None
        self.device: Device | None = None
        self.note = ""
        try:
            facts = self._calls.facts()
            self._bill = facts.bill(
                accelerator_uuid=accelerator_uuid,
                on_accelerator=on_accelerator,
                pid=os.getpid(),
                further_uuids=further_uuids,
            )
            self._packed_bill = packed_bill(self._bill)
            self.device = self._bill[0].device
            self._estimated = facts.methods.get(self.device.uuid) is Method.ESTIMATED
        except Exception as error:  # noqa: BLE001 - see the class
            self.note = f"no tracker: {error}"
            _log.warning("%s; the trial goes on without being measured", self.note)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices on the trial's bill, beginning with the one that it computes on."""
        return tuple(item.device for item in self._bill)

    def open(self, key: WindowKey) -> None:
        """Open a window that starts now.

        This waits for the tracker's answer only when the energy is estimated. An estimate has no sampled
        power to correct for the time until the tracker has read the CPU time, and an epoch may be as short
        as that. Other windows are opened while the trial already trains.
        """
        start_s = None if self._estimated else time.monotonic()
        if self.device is None:
            return
        try:
            opened = self._calls.ask(
                "open", plain_key(key), self._packed_bill, start_s, os.getpid()
            )
            self._windows[key] = _Window(opened=opened)
            if self._estimated:
                self._calls.answer(opened)
        except Exception as error:  # noqa: BLE001 - see the class
            _log.warning("window not opened: %s", error)

    def close(self, key: WindowKey) -> None:
        """Close a window now; `readings` then waits for its readings.

        When the energy is estimated this waits for them itself, because the estimate would otherwise count
        the CPU time of what the trial does next.
        """
        stop_s = time.monotonic()
        if self.device is None:
            return
        try:
            window = self._windows.setdefault(key, _Window())
            window.stop_s = stop_s
            window.closed = self._calls.ask("close", plain_key(key), stop_s)
            if self._estimated:
                self._settled(window)
            self._forget_oldest()
        except Exception as error:  # noqa: BLE001 - see the class
            _log.warning("window not closed: %s", error)

    def readings(self, key: WindowKey) -> Readings:
        """Wait for the readings of a closed window and return them, of all devices on the trial's bill.

        By then all earlier calls have been answered too.

        Returns:
            Reading by device UUID, beginning with the device that the trial computes on; never empty.
        """
        if self.device is None:
            return {"": Reading.missing("", note=self.note)}
        try:
            if key not in self._windows or self._windows[key].closed is None:
                self.close(key)  # closing a window twice returns the same readings
            readings = self._settled(self._windows[key])
            del self._windows[key]
        except Exception as error:  # noqa: BLE001 - see the class
            return self._missing(_no_answer(error))
        return readings

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """Set the power limit of the trial's board until the trial has ended.

        This call raises, because a trial under a limit other than its setup's would give a wrong result.

        Args:
            trial_id: The trial.
            limit_w: The limit.

        Returns:
            The limit that the board reports afterwards.

        Raises:
            TrackerError: The limit cannot be set.
        """
        now_w: float = self._of_board("limit", trial_id, self._board, limit_w)
        self._limit = (trial_id, limit_w)
        return now_w

    def power_limits(self) -> PowerLimits:
        """Return the power limits that the trial's board accepts.

        Raises:
            TrackerError: The board has no limit that can be set.
        """
        limits: PowerLimits = self._of_board("limits_of", self._board)
        return limits

    @property
    def _board(self) -> str:
        if self.device is None:
            message = f"there is no board whose power limit could be set: {self.note}"
            raise TrackerError(message)
        return self.device.uuid

    def _of_board(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - as the answer is
        call = self._calls.ask(name, *arguments)
        try:
            with suppress(TimeoutError):
                return self._calls.answer(call)
            return self._calls.answer(call)  # through Ray, after the lane timed out
        except RayError as error:
            message = f"the power limit cannot be set: {error}"
            raise TrackerError(message) from error

    def _settled(self, window: _Window) -> Readings:
        """Wait for the readings of a closed window; they are `missing` where there is no answer."""
        note = "no tracker has opened the window"
        try:
            if window.readings is None:
                self._await(window)
        except Exception as error:  # noqa: BLE001 - see the class
            note = _no_answer(error)
        if window.readings is None:
            window.readings = self._missing(note)
        return window.readings

    def _await(self, window: _Window) -> None:
        """Wait for a window's readings, if need be from the tracker that has replaced a dead one."""
        try:
            self._take(window)
        except ActorDiedError:
            self._calls.find_tracker()
        if window.readings is None or self._calls.is_another:
            self._hand_over()
        if window.readings is None:
            self._take(window)

    def _take(self, window: _Window) -> None:
        """Store a window's readings; None where the tracker does not know the window, being another one."""
        plain = None if window.closed is None else self._calls.answer(window.closed)
        window.readings = None if plain is None else readings_of(plain)

    def _missing(self, note: str) -> Readings:
        return {
            item.device.uuid: Reading.missing(item.device.uuid, note=note) for item in self._bill
        }

    def _forget_oldest(self) -> None:
        """Drop the oldest windows whose readings have arrived, beyond `MOST_KEPT`."""
        read = [key for key, window in self._windows.items() if window.is_read]
        for key in read[:-MOST_KEPT]:
            del self._windows[key]

    def _hand_over(self) -> None:
        """Give a new tracker the open windows of the dead one, and set the trial's power limit again.

        The observations at the windows' start are in this process, as the dead tracker's answers.
        """
        self._calls.is_another = False
        lost = {key: each for key, each in self._windows.items() if not each.is_read}
        for key, window in lost.items():
            try:
                opened = None if window.opened is None else self._calls.answer(window.opened)
            except Exception as error:  # noqa: BLE001 - see the class
                _log.warning("a window was lost with its tracker: %s", error)
                continue
            if opened is not None:
                self._calls.through_ray("adopt", key, self._bill, opened, os.getpid())
        ended = [each for each in lost.items() if each[1].closed is not None]
        for key, window in sorted(ended, key=lambda each: each[1].stop_s):
            window.closed = self._calls.ask("close", plain_key(key), window.stop_s)
        self._limit_again()

    def _limit_again(self) -> None:
        """Set the trial's power limit again, which was restored when a tracker died."""
        if self._limit is None or self.device is None:
            return
        trial_id, limit_w = self._limit
        try:
            self._calls.through_ray("limit", trial_id, self.device.uuid, limit_w)
        except (TrackerError, RayError) as error:
            _log.warning("%s goes on without its power limit of %g W: %s", trial_id, limit_w, error)


def _no_answer(error: Exception) -> str:
    """Return the note of readings that did not arrive."""
    if isinstance(error, TrackerError):
        return str(error)
    return f"the tracker did not answer ({type(error).__name__})"
