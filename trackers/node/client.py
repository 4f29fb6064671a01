"""A trial's side of the trackers: opens and closes windows through its node's `Tracker`."""

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
"""Closed windows whose readings nobody has taken yet; of older ones the tracker is asked again."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Window:
    """A window as it was asked for.

    Attributes:
        opened: The call that opens it; None where nothing has.
        closed: The call that closes it; None where it goes on.
        stop_s: When it ended.
        readings: What it came to, once somebody has waited for it.
    """

    opened: Call | None = None
    closed: Call | None = None
    stop_s: float = math.inf
    readings: Readings | None = None

    @property
    def is_read(self) -> bool:
        """Return whether nothing more has to be asked of a tracker."""
        is_answered = self.closed is not None and isinstance(self.closed.answer, dict)
        return is_answered or self.readings is not None


@final
class TrackerClient:
    """A trial's side: opens and closes windows on the trial's own device.

    Nothing here raises, whatever happens to the tracker, its manager or Ray: where there is no
    answer, the reading is missing and says why.
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
        """Find the node's tracker, and wait until it samples; later, wait `answer_s` for it.

        See `TrackerFacts.bill` for what is measured, and `TrackerCalls` for `connect`.
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
            _log.warning("%s; the trial goes on unmeasured", self.note)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices on the trial's bill; the first is what it computes on."""
        return tuple(item.device for item in self._bill)

    def open(self, key: WindowKey) -> None:
        """Open a window from now on.

        The answer is waited for only for an estimate: that knows no power with which the moment
        until the tracker has read the CPU time could be put right, and an epoch may be as short as
        that moment. Others are opened while the trial trains already.
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
        """Close a window now; its readings are waited for when somebody takes them.

        For an estimate they are waited for here: it would count the CPU time of what the trial does next.
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
        """Take the readings of a window that was closed, of all devices on the trial's bill.

        What was asked for before it has been done by then, too.

        Returns:
            By device; the first is what the trial computes on. There is always one.
        """
        if self.device is None:
            return {"": Reading.missing("", note=self.note)}
        try:
            if key not in self._windows or self._windows[key].closed is None:
                self.close(key)  # a second closing tells the same readings
            readings = self._settled(self._windows[key])
            del self._windows[key]
        except Exception as error:  # noqa: BLE001 - see the class
            return self._missing(_no_answer(error))
        return readings

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """Set the power limit of the trial's board until the trial has ended.

        The only call that raises: a trial under another limit than its setup's would be a wrong result.

        Args:
            trial_id: The trial.
            limit_w: The limit.

        Returns:
            The limit that the board tells afterwards.

        Raises:
            TrackerError: It cannot be set.
        """
        now_w: float = self._of_board("limit", trial_id, self._board, limit_w)
        self._limit = (trial_id, limit_w)
        return now_w

    def power_limits(self) -> PowerLimits:
        """Return what may be set on the trial's board.

        Raises:
            TrackerError: It has no limit that can be set.
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
            return self._calls.answer(call)  # through Ray, where the lane was silent
        except RayError as error:
            message = f"the power limit cannot be set: {error}"
            raise TrackerError(message) from error

    def _settled(self, window: _Window) -> Readings:
        """The readings of a window that was closed; they are missing where there is no answer."""
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
        """Wait for a window's readings, be it by a tracker that took the place of a dead one."""
        try:
            self._take(window)
        except ActorDiedError:
            self._calls.find_tracker()
        if window.readings is None or self._calls.is_another:
            self._hand_over()
        if window.readings is None:
            self._take(window)

    def _take(self, window: _Window) -> None:
        """Take a window's readings; there are none where the tracker is not the one that opened it."""
        plain = None if window.closed is None else self._calls.answer(window.closed)
        window.readings = None if plain is None else readings_of(plain)

    def _missing(self, note: str) -> Readings:
        return {
            item.device.uuid: Reading.missing(item.device.uuid, note=note) for item in self._bill
        }

    def _forget_oldest(self) -> None:
        """Keep no more windows than need be whose readings nobody takes."""
        read = [key for key, window in self._windows.items() if window.is_read]
        for key in read[:-MOST_KEPT]:
            del self._windows[key]

    def _hand_over(self) -> None:
        """Tell a new tracker of windows that it has to close, and set the trial's power limit anew.

        What the dead one saw at their start lies in this process since it answered.
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
        """Set the power limit that was set back when a tracker died."""
        if self._limit is None or self.device is None:
            return
        trial_id, limit_w = self._limit
        try:
            self._calls.through_ray("limit", trial_id, self.device.uuid, limit_w)
        except (TrackerError, RayError) as error:
            _log.warning("%s goes on without its power limit of %g W: %s", trial_id, limit_w, error)


def _no_answer(error: Exception) -> str:
    """A note for readings that did not come."""
    if isinstance(error, TrackerError):
        return str(error)
    return f"the tracker did not answer ({type(error).__name__})"
