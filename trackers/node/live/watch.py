"""Polling of all machines' trackers for the use of their devices, every few seconds, for live exporters."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, final

import ray
from ray.exceptions import RayError

from trackers.exports.exporter import DeviceUse
from trackers.node.live.device_uses import TrialOf

EACH_S = 2.0
END_S = 5.0

_log = logging.getLogger(__name__)


@final
class UsesWatch:
    """Thread that polls all trackers; one that does not answer is not asked again before it has answered."""

    def __init__(
        self,
        trackers: Callable[[], Iterable[Any]],
        give: Callable[[Sequence[DeviceUse]], None],
        trial_of: TrialOf,
    ) -> None:
        """Prepare the thread, which is started by `begin` or `with`.

        Args:
            trackers: Returns the handles of all trackers.
            give: Called with the uses of the devices of all trackers that have answered.
            trial_of: See `DeviceUses.take`.
        """
        self._trackers = trackers
        self._give = give
        self._trial_of = trial_of
        self._asked: dict[Any, Any] = {}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="device uses", daemon=True)

    def begin(self) -> None:
        """Start polling."""
        self._thread.start()

    def end(self) -> None:
        """Stop polling; afterwards Ray may be shut down."""
        self._ends.set()
        self._thread.join(END_S)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _run(self) -> None:
        has_complained = False
        while not self._ends.wait(EACH_S):
            try:
                self._ask()
            except Exception as error:  # noqa: BLE001 - monitoring must not affect a training
                if not has_complained:
                    has_complained = True
                    _log.warning("the use of the devices cannot be polled: %s", error)

    def _ask(self) -> None:
        for tracker in self._trackers():
            if tracker not in self._asked:
                self._asked[tracker] = tracker.uses.remote(self._trial_of)
        if not self._asked:
            return
        of_whom = {answer: tracker for tracker, answer in self._asked.items()}
        ready = ray.wait(list(of_whom), num_returns=len(of_whom), timeout=EACH_S)[0]
        uses: list[DeviceUse] = []
        for answer in ready:
            del self._asked[of_whom[answer]]
            try:
                uses += ray.get(answer)
            except RayError as error:  # the tracker is being restarted, or its machine is gone
                _log.debug("a tracker did not answer: %s", error)
        if uses:
            self._give(uses)
