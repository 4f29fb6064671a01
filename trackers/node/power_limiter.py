"""Power limits that trials ask for: set for a trial, and restored when it has ended.

The process that sets a limit may be killed, and the limit would stay. So before a board's limit is first
changed, the original one is given to a guard (`trackers.node.limit_guard`), a process that outlives this one.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar, final

from trackers.errors import ReadError, TrackerError
from trackers.node.limit_guard import OUTLIVES, restore_leftovers
from trackers.sample import Component, Device, PowerLimits
from trackers.source import LimitsPower, PowerSource

ROOT = Path(__file__).parents[2]
GUARD_IS_GONE = "the process that remembers the boards' original power limits has ended"

_log = logging.getLogger(__name__)


T = TypeVar("T")


class GuardLostError(TrackerError):
    """The guard process has ended."""


class Guard(Protocol):
    """Something that remembers original power limits and outlives this process."""

    def keep(self, device_uuid: str) -> float:
        """Remember the present limit of a board and return it; from then on it will be restored."""

    def forget(self, device_uuid: str) -> None:
        """Forget a board whose original limit has been restored."""


@final
class GuardProcess:
    """A guard in a process of its own; see `trackers.node.limit_guard`."""

    def __init__(self) -> None:
        """Start the process.

        Raises:
            TrackerError: The guard cannot open the boards.
        """
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "trackers.node.limit_guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            # Asks whoever ends all processes of a study to spare this one: it restores limits and ends.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), OUTLIVES: "1"},
        )
        self._process.wait()  # for the process that forks the guard, which goes on without a parent
        self._answer()

    def keep(self, device_uuid: str) -> float:
        """See `Guard`.

        Raises:
            TrackerError: Another study has set the limit, or the guard was killed.
        """
        return float(self._asked({"keep": device_uuid})["limit_w"])

    def forget(self, device_uuid: str) -> None:
        """See `Guard`."""
        self._asked({"forget": device_uuid})

    def _asked(self, question: dict[str, str]) -> dict[str, Any]:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(question) + "\n")
                self._process.stdin.flush()
        except OSError as error:
            raise GuardLostError(GUARD_IS_GONE) from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = "" if self._process.stdout is None else self._process.stdout.readline()
        if not line:
            raise GuardLostError(GUARD_IS_GONE)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise TrackerError(answer["error"])
        return answer


@final
class PowerLimiter:
    """Power limits of a node's boards, changed for trials and restored at their end."""

    def __init__(
        self, sources: Iterable[PowerSource], *, guard: Callable[[], Guard] = GuardProcess
    ) -> None:
        """Find the boards that can be limited, and restore limits that a dead tracker has left.

        Args:
            sources: The node's power sources; those that cannot limit power are ignored.
            guard: Creates the guard; called when a limit is changed for the first time.
        """
        self._boards: dict[str, tuple[LimitsPower, Device]] = {
            device.uuid: (source, device)
            for source in sources
            if isinstance(source, LimitsPower)
            for device in source.devices()
            if device.component is Component.GPU
        }
        self._make_guard = guard
        self._guard: Guard | None = None
        self._lock = threading.Lock()
        self._before_w: dict[str, float] = {}
        self._of: dict[str, str] = {}
        for source in {id(source): source for source, _ in self._boards.values()}.values():
            restore_leftovers(source)

    def limits(self) -> tuple[PowerLimits, ...]:
        """Return the limits that each board accepts; setting one is tried, so no trial may be running."""
        found = []
        with self._lock:
            for uuid, (source, _) in self._boards.items():
                with suppress(ReadError):
                    limits = source.power_limits(uuid)
                    found.append(replace(limits, refused=source.limit_refused(uuid)))
        return tuple(found)

    def limits_of(self, device_uuid: str) -> PowerLimits:
        """Return the limits that one board accepts.

        Raises:
            TrackerError: The board has no limit that can be set.
        """
        return self._board(device_uuid)[0].power_limits(device_uuid)

    def limit(self, trial_id: str, device_uuid: str, limit_w: float) -> float:
        """Set the limit of a trial's board.

        Args:
            trial_id: The trial, at whose end the original limit is restored.
            device_uuid: The trial's board.
            limit_w: The limit.

        Returns:
            The limit that the board reports afterwards.

        Raises:
            TrackerError: The board accepts no limit or not this one, is split by MIG, or has a limit set
                for another trial.
        """
        with self._lock:
            source, device = self._board(device_uuid)
            other = self._of.get(device_uuid, trial_id)
            if device.shared or other != trial_id:
                who = f"{other} runs on it" if other != trial_id else "it is split by MIG"
                message = f"the power limit of {device_uuid} is not set: {who}"
                raise TrackerError(message)
            found = source.power_limits(device_uuid)
            if not found.lowest_w <= limit_w <= found.highest_w:
                message = f"a power limit of {limit_w:g} W is not allowed; {boards_of([found])}"
                raise TrackerError(message)
            if device_uuid not in self._before_w:
                self._before_w[device_uuid] = self._by_guard(lambda one: one.keep(device_uuid))
            self._of[device_uuid] = trial_id
            return source.limit_power(device_uuid, limit_w)

    def restore(self, trial_id: str) -> None:
        """Restore the original limits of an ended trial's boards; failures are logged, not raised."""
        with self._lock:
            for uuid in [uuid for uuid, of in self._of.items() if of == trial_id]:
                before_w = self._before_w[uuid]
                try:
                    self._board(uuid)[0].limit_power(uuid, before_w)
                except TrackerError as error:
                    _log.warning("%s: the power limit was not restored: %s", uuid, error)
                    continue  # the guard will try again when this process has ended
                del self._of[uuid], self._before_w[uuid]
                with suppress(TrackerError):
                    self._by_guard(lambda guard: guard.forget(uuid))  # noqa: B023 - called within this iteration

    def _by_guard(self, ask: Callable[[Guard], T]) -> T:
        """Ask the guard, or a new one where it does not exist yet or was killed."""
        if self._guard is not None:
            with suppress(GuardLostError):
                return ask(self._guard)
        self._guard = self._make_guard()
        return ask(self._guard)

    def _board(self, device_uuid: str) -> tuple[LimitsPower, Device]:
        if device_uuid not in self._boards:
            known = ", ".join(self._boards) or "none"
            message = f"{device_uuid or 'a CPU'} has no power limit that can be set; boards that have: {known}"
            raise TrackerError(message)
        return self._boards[device_uuid]


def boards_of(limits: Sequence[PowerLimits]) -> str:
    """Format boards with their limits, for a message."""
    return "; ".join(
        f"{each.device_uuid}: {each.lowest_w:g} to {each.highest_w:g} W" for each in limits
    )
