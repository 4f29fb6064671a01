"""A trial's side of the trackers: opens and closes windows through its node's `Tracker`.

The lane is asked first, because it is quick; Ray where the lane is broken, because it knows whether
the tracker lives, is started anew, or has died for good.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, final

import ray
from ray.exceptions import ActorDiedError, RayError

from trackers.errors import TrackerError
from trackers.node.actor import Handle
from trackers.node.ledger import Bill, Readings, TrackerFacts, WindowKey
from trackers.node.local_rpc import LocalRpc, RpcAddress, RpcBrokenError
from trackers.node.plain import packed_bill, plain_key, readings_of
from trackers.sample import Device, Method, PowerLimits, Reading

CALL_TIMEOUT_S = 10.0
START_TIMEOUT_S = 60.0

_log = logging.getLogger(__name__)


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
    ) -> None:
        """Find the node's tracker, and wait until it samples; later, wait `answer_s` for it.

        See `TrackerFacts.bill` for what is measured.
        """
        self._manager = manager
        self._answer_s = answer_s
        self._node_id = ""
        self._tracker: Handle = None
        self._bill: Bill = ()
        self._packed_bill = b""
        self._estimated = False
        self._opened: dict[WindowKey, Any] = {}
        self._asked: deque[tuple[WindowKey, Bill, float | None, int]] = deque()
        self._lane: LocalRpc | None = None
        self._address: RpcAddress | None = None
        self._is_another = False
        self._lane_was_lost = False
        self._limit: tuple[str, float] | None = None
        self.device: Device | None = None
        self.note = ""
        try:
            self._node_id = ray.get_runtime_context().get_node_id()
            facts = self._facts()
            self._address = facts.lane
            self._lane = LocalRpc.connected(facts.lane, timeout_s=self._answer_s)
            self._lane_was_lost = self._lane is None  # it is looked for once more
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
        if self.device is None or not ray.is_initialized():
            return
        start_s = None if self._estimated else time.monotonic()
        asked = (key, self._bill, start_s, os.getpid())
        try:
            with suppress(RpcBrokenError, TimeoutError):
                self._ask(*asked)
                if self._estimated:
                    self._take_answers()
                return
            # What a tracker that was too slow has still to open by the lane is the same window.
            opened = self._tracker.open.remote(*asked)
            self._opened[key] = opened
            if self._estimated:
                ray.get(opened, timeout=self._answer_s)
        except Exception as error:  # noqa: BLE001 - see the class
            _log.warning("window not opened: %s", error)

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
        """Ask by the lane, else through Ray."""
        with suppress(RpcBrokenError, TimeoutError):
            return self._by_rpc(name, *arguments)
        try:
            return ray.get(getattr(self._tracker, name).remote(*arguments), timeout=self._answer_s)
        except RayError as error:
            message = f"the power limit cannot be set: {error}"
            raise TrackerError(message) from error

    def close(self, key: WindowKey) -> Reading:
        """Close a window now; its reading of what the trial computes on."""
        return next(iter(self.close_bill(key).values()))

    def close_bill(self, key: WindowKey) -> Readings:
        """Close a window now; its readings of all devices on the trial's bill.

        Returns:
            By device; the first is what the trial computes on. There is always one.
        """
        stop_s = time.monotonic()
        if self.device is None:
            return {"": Reading.missing("", note=self.note)}
        if not ray.is_initialized():  # asking for something would start another Ray
            return self._missing("Ray was shut down")
        try:
            return self._readings(key, stop_s)
        except Exception as error:  # noqa: BLE001 - see the class
            return self._missing(f"the tracker did not answer ({type(error).__name__})")
        finally:
            self._opened.pop(key, None)

    def _readings(self, key: WindowKey, stop_s: float) -> Readings:
        """The readings of a window, be it by a tracker that took the place of a dead one."""
        readings: Readings | None
        try:
            readings = self._closed(key, stop_s)
        except ActorDiedError:
            self._tracker = self._find()
            readings = None
        if readings is None or self._is_another:
            self._hand_over()
        if readings is None:
            readings = self._closed(key, stop_s)
        return readings or self._missing("no tracker has opened the window")

    def _missing(self, note: str) -> Readings:
        return {
            item.device.uuid: Reading.missing(item.device.uuid, note=note) for item in self._bill
        }

    def _closed(self, key: WindowKey, stop_s: float) -> Readings | None:
        readings: Readings | None
        with suppress(RpcBrokenError):
            plain = self._by_rpc("close", plain_key(key), stop_s)
            return None if plain is None else readings_of(plain)
        readings = ray.get(self._tracker.close.remote(key, stop_s), timeout=self._answer_s)
        if self._lane_was_lost:
            self._lane_was_lost = False  # once: where there is no way, looking for it costs time
            with suppress(RayError):
                facts = ray.get(self._tracker.facts.remote(), timeout=self._answer_s)
                self._lane = LocalRpc.connected(facts.lane, timeout_s=self._answer_s)
                # Ray may have started one in the place of ours while the trial trained.
                self._is_another |= facts.lane != self._address
                self._address = facts.lane
        return readings

    def _by_rpc(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - as the answer is
        """Ask by the lane, which is given up where it is broken or the answer is late."""
        try:
            with self._lane_or_none() as lane, self._earlier_answers_kept():
                lane.ask(name, *arguments)
        finally:
            self._take_answers()  # to what was asked before; the tracker is at work meanwhile
        with self._lane_or_none() as lane:
            return lane.answer()

    @contextmanager
    def _earlier_answers_kept(self) -> Iterator[None]:
        """Around a question: answers that a tracker gave before it died lie in the lane still."""
        try:
            yield
        except RpcBrokenError:
            self._take_answers()
            raise

    def _ask(self, key: WindowKey, bill: Bill, start_s: float | None, pid: int) -> None:
        """Ask by the lane for a window; see `_take_answers`."""
        with self._lane_or_none() as lane, self._earlier_answers_kept():
            lane.ask("open", plain_key(key), self._packed_bill, start_s, pid)
        self._asked.append((key, bill, start_s, pid))

    def _take_answers(self) -> None:
        """Take what the tracker saw at the windows that were asked for; asks Ray where it fell silent."""
        while self._asked:
            asked = self._asked.popleft()
            try:
                with self._lane_or_none() as lane:
                    self._opened[asked[0]] = lane.answer()
            except (RpcBrokenError, TimeoutError):
                self._opened[asked[0]] = self._tracker.open.remote(*asked)
            except Exception as error:  # noqa: BLE001 - see the class
                _log.warning("window not opened: %s", error)

    @contextmanager
    def _lane_or_none(self) -> Iterator[LocalRpc]:
        """The lane, which is given up where what is done with it fails."""
        if self._lane is None:
            message = "there is no lane"
            raise RpcBrokenError(message)
        try:
            yield self._lane
        except (RpcBrokenError, TimeoutError):
            if self._lane is not None:
                self._lane.close()
            self._lane, self._lane_was_lost = None, True
            raise

    def _hand_over(self) -> None:
        """Tell a new tracker of windows that are open, and set the trial's power limit anew.

        What the dead one saw at their start lies in this process since it answered.
        """
        self._is_another = False
        for key, answer in list(self._opened.items()):
            try:
                is_to_come = isinstance(answer, ray.ObjectRef)
                opened = ray.get(answer, timeout=self._answer_s) if is_to_come else answer
            except RayError as error:
                _log.warning("a window was lost with its tracker: %s", error)
                continue
            if opened is not None:
                adopted = self._tracker.adopt.remote(key, self._bill, opened, os.getpid())
                ray.get(adopted, timeout=START_TIMEOUT_S)
        if self._limit is not None and self.device is not None:
            trial_id, limit_w = self._limit  # it was set back when the tracker died
            again = self._tracker.limit.remote(trial_id, self.device.uuid, limit_w)
            try:
                ray.get(again, timeout=START_TIMEOUT_S)
            except (TrackerError, RayError) as error:
                _log.warning(
                    "%s goes on without its power limit of %g W: %s", trial_id, limit_w, error
                )

    def _facts(self) -> TrackerFacts:
        """Facts of the node's tracker; of a new one where the old one has died."""
        self._tracker = self._find()
        try:
            facts: TrackerFacts = ray.get(self._tracker.facts.remote(), timeout=START_TIMEOUT_S)
        except ActorDiedError:
            self._tracker = self._find()
            facts = ray.get(self._tracker.facts.remote(), timeout=START_TIMEOUT_S)
        return facts

    def _find(self) -> Handle:
        """The node's tracker; another one than ours, should we have one."""
        asked = self._manager.tracker.remote(self._node_id, instead_of=self._tracker)
        return ray.get(asked, timeout=START_TIMEOUT_S)
