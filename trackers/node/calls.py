"""A trial's calls to its node's tracker: asked for now, answered when somebody needs it.

The lane is asked first, because it is quick; Ray where the lane is broken, because it knows whether
the tracker lives, is started anew, or has died for good. All calls may be repeated, so what a broken lane
owes is asked for again.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

import ray
from ray.exceptions import ActorDiedError, RayError

from trackers.errors import TrackerError
from trackers.node.actor import Handle
from trackers.node.ledger import TrackerFacts
from trackers.node.local_rpc import LocalRpc, RpcAddress, RpcBrokenError

START_TIMEOUT_S = 60.0

MOST_OWED = 64
"""Answers that may lie in the lane; with more of them a tracker could not write the next one."""

Connect = Callable[..., LocalRpc | None]
"""As `LocalRpc.connected`."""

_OWED = object()


@final
@dataclass(slots=True)
class Call:
    """Something that a tracker was asked for.

    Attributes:
        name: Of the tracker's method.
        arguments: For it.
        answer: What came: an exception where that was raised, a reference where Ray was asked.
    """

    name: str
    arguments: tuple[object, ...]
    answer: Any = _OWED


@final
class TrackerCalls:
    """Calls to a node's tracker, answered in the order in which they were asked for.

    Attributes:
        is_another: Whether another tracker was found in the place of the one that was asked before.
    """

    def __init__(
        self, manager: Handle, *, answer_s: float, connect: Connect = LocalRpc.connected
    ) -> None:
        """Ask nothing yet; see `facts`.

        Args:
            manager: The study's `TrackerManager`.
            answer_s: How long an answer is waited for.
            connect: Gives the lane to a tracker's address; None where there is none.
        """
        self.is_another = False
        self._manager = manager
        self._answer_s = answer_s
        self._connect = connect
        self._tracker: Handle = None
        self._lane: LocalRpc | None = None
        self._lane_was_lost = False
        self._address: RpcAddress | None = None
        self._owed: deque[Call] = deque()

    def facts(self) -> TrackerFacts:
        """Facts of the node's tracker, of a new one where the old one has died; it is asked from now on."""
        self.find_tracker()
        try:
            facts: TrackerFacts = self.through_ray("facts")
        except ActorDiedError:
            self.find_tracker()
            facts = self.through_ray("facts")
        self._address = facts.lane
        self._lane = self._connect(facts.lane, timeout_s=self._answer_s)
        self._lane_was_lost = self._lane is None  # it is looked for once more
        return facts

    def find_tracker(self) -> None:
        """Find the node's tracker; another one than ours, should we have one."""
        node_id = ray.get_runtime_context().get_node_id()
        asked = self._manager.tracker.remote(node_id, instead_of=self._tracker)
        self._tracker = ray.get(asked, timeout=START_TIMEOUT_S)

    def through_ray(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - as the answer is
        """Ask through Ray and wait, also for a tracker that is being started."""
        asked = getattr(self._tracker, name).remote(*arguments)
        return ray.get(asked, timeout=START_TIMEOUT_S)

    def ask(self, name: str, *arguments: object) -> Call:
        """Ask, and do not wait; see `answer`."""
        call = Call(name, arguments)
        while len(self._owed) >= MOST_OWED:
            self._take_first()
        try:
            if self._lane is not None and ray.is_initialized():
                self._lane.ask(name, *arguments)
                self._owed.append(call)
                return call
        except RpcBrokenError:
            while self._owed:
                self._take_first()  # what a tracker answered before it died lies in the lane still
            self._give_up_lane()
        except TimeoutError:
            self._give_up_lane()
        self._ask_ray(call)
        return call

    def answer(self, call: Call) -> Any:  # noqa: ANN401 - as the answer is
        """Wait for an answer; what came for other calls before it is kept with them.

        Raises:
            TrackerError: Ray was shut down.
            TimeoutError: There was none in time; it may be asked for again.
            RayError: The tracker has died, or was lost with the call.
            Exception: What was called has raised it.
        """
        until_s = time.monotonic() + self._answer_s
        while call.answer is _OWED:
            if time.monotonic() > until_s:  # each of those before it was slow to come
                message = f"no answer to {call.name!r} within {self._answer_s:g} s"
                raise TimeoutError(message)
            self._take_first()
        if isinstance(call.answer, ray.ObjectRef):
            _check_ray()
            left_s = max(until_s - time.monotonic(), 0.0)
            call.answer = ray.get(call.answer, timeout=left_s)
            self._look_for_lane()
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer

    def _take_first(self) -> None:
        """Take the answer to what was asked for first; asks Ray where the lane has none."""
        call, lane = self._owed[0], self._lane
        if lane is None:
            self._give_up_lane()
            return
        try:
            call.answer = lane.answer()
        except (RpcBrokenError, TimeoutError):
            self._give_up_lane()
            return
        except Exception as error:  # noqa: BLE001 - it is the answer
            call.answer = error
        self._owed.popleft()

    def _give_up_lane(self) -> None:
        """Use the lane no more; what it owes is asked for through Ray."""
        if self._lane is not None:
            self._lane.close()
        self._lane, self._lane_was_lost = None, True
        while self._owed:
            self._ask_ray(self._owed.popleft())

    def _ask_ray(self, call: Call) -> None:
        try:
            _check_ray()
            call.answer = getattr(self._tracker, call.name).remote(*call.arguments)
        except Exception as error:  # noqa: BLE001 - it is the answer
            call.answer = error

    def _look_for_lane(self) -> None:
        """Look for a lane that was lost, now that Ray has answered.

        Once: where there is no way, looking for it costs time.
        """
        if not self._lane_was_lost:
            return
        self._lane_was_lost = False
        with suppress(RayError):
            # It is answered after all that was asked before, so that no call overtakes another.
            asked = self._tracker.facts.remote()
            facts: TrackerFacts = ray.get(asked, timeout=self._answer_s)
            self._lane = self._connect(facts.lane, timeout_s=self._answer_s)
            # Ray may have started one in the place of ours while the trial trained.
            self.is_another |= facts.lane != self._address
            self._address = facts.lane


def _check_ray() -> None:
    """Raise where Ray was shut down: asking for something would start another one."""
    if not ray.is_initialized():
        message = "Ray was shut down"
        raise TrackerError(message)
