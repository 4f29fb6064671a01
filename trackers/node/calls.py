"""Asynchronous calls of a trial to its node's tracker, through a local socket (the lane) or through Ray.

The lane is used first, because it is fast. Where it is broken Ray is used, which knows whether the tracker
is alive, is being restarted, or has died for good. All calls are idempotent, so those that a broken lane has
not answered are repeated through Ray.
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
"""Greatest number of unread answers in the lane; with more, its buffer could fill up and block the tracker."""

Connect = Callable[..., LocalRpc | None]
"""Function with the signature of `LocalRpc.connected`."""

_OWED = object()


@final
@dataclass(slots=True)
class Call:
    """A call of a tracker's method.

    Attributes:
        name: Name of the method.
        arguments: Its arguments.
        answer: The answer, or the exception that was raised; an object reference while Ray has not
            answered, and `_OWED` while the lane has not.
    """

    name: str
    arguments: tuple[object, ...]
    answer: Any = _OWED


@final
class TrackerCalls:
    """Calls to a node's tracker, answered in the order in which they are made.

    Attributes:
        is_another: Whether the tracker was found to have been replaced by another one.
    """

    def __init__(
        self, manager: Handle, *, answer_s: float, connect: Connect = LocalRpc.connected
    ) -> None:
        """Prepare calls; nothing is asked before `facts`.

        Args:
            manager: The study's `TrackerManager`.
            answer_s: Longest wait for an answer.
            connect: Returns the lane to a tracker's address, or None where it cannot be reached.
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
        """Find the node's tracker, or a new one if it has died; connect to it and return its facts."""
        self.find_tracker()
        try:
            facts: TrackerFacts = self.through_ray("facts")
        except ActorDiedError:
            self.find_tracker()
            facts = self.through_ray("facts")
        self._address = facts.lane
        self._lane = self._connect(facts.lane, timeout_s=self._answer_s)
        self._lane_was_lost = self._lane is None  # so that connecting is tried once more
        return facts

    def find_tracker(self) -> None:
        """Ask the manager for the node's tracker; for a replacement where we already had one."""
        node_id = ray.get_runtime_context().get_node_id()
        asked = self._manager.tracker.remote(node_id, instead_of=self._tracker)
        self._tracker = ray.get(asked, timeout=START_TIMEOUT_S)

    def through_ray(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - as the answer is
        """Call a method through Ray and wait, long enough for a tracker that is being started."""
        asked = getattr(self._tracker, name).remote(*arguments)
        return ray.get(asked, timeout=START_TIMEOUT_S)

    def ask(self, name: str, *arguments: object) -> Call:
        """Call a method without waiting for its answer; see `answer`."""
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
                self._take_first()  # answers from before the tracker died can still be read
            self._give_up_lane()
        except TimeoutError:
            self._give_up_lane()
        self._ask_ray(call)
        return call

    def answer(self, call: Call) -> Any:  # noqa: ANN401 - as the answer is
        """Wait for the answer to a call; answers to earlier calls are stored in these.

        Raises:
            TrackerError: Ray was shut down.
            TimeoutError: There was no answer in time; this method may be called again.
            RayError: The tracker has died, or was lost with the call.
            Exception: Any exception that the called method raised.
        """
        until_s = time.monotonic() + self._answer_s
        while call.answer is _OWED:
            if (
                time.monotonic() > until_s
            ):  # the answers before it were slow, each within its own time
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
        """Read the answer to the oldest call from the lane; give up the lane where there is none."""
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
        """Close the lane, and repeat its unanswered calls through Ray."""
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
        """Try to reconnect a lost lane, now that Ray has answered.

        This is tried only once, because it costs time, and there may be no way to connect.
        """
        if not self._lane_was_lost:
            return
        self._lane_was_lost = False
        with suppress(RayError):
            # This is answered after all earlier calls, so that no call overtakes another.
            asked = self._tracker.facts.remote()
            facts: TrackerFacts = ray.get(asked, timeout=self._answer_s)
            self._lane = self._connect(facts.lane, timeout_s=self._answer_s)
            # Ray may have restarted the tracker while the trial was training.
            self.is_another |= facts.lane != self._address
            self._address = facts.lane


def _check_ray() -> None:
    """Raise `TrackerError` where Ray was shut down, because a call would start a new one."""
    if not ray.is_initialized():
        message = "Ray was shut down"
        raise TrackerError(message)
