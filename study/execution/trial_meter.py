"""The windows of a trial's attempt: over all of it, over its set-up, over each epoch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, final

from study.record.records import LATENTS, TEST
from study.store.setups import TrialPlan
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Device, Reading


class Windows(Protocol):
    """The way to the node's tracker; a `trackers.node.client.TrackerClient`."""

    device: Device | None

    def open(self, key: WindowKey) -> None:
        """Open a window now."""

    def close(self, key: WindowKey) -> Reading:
        """Close it now."""


@final
class TrialMeter:
    """The windows of one attempt: over all of it, over its set-up, over each epoch.

    Attributes:
        client: The way to the node's tracker.
        stage: The stage that is being trained; the first one before any is.
        epoch: Its epoch that is running, or ran last; 1 before the first.
        peak_memory_bytes: Most memory so far; None where torch does not tell.
    """

    def __init__(self, plan: TrialPlan, client: Windows, *, first_stage: str) -> None:
        """Measure `plan` through `client`."""
        self.client = client
        self.stage = first_stage
        self.epoch = 1
        self.peak_memory_bytes: int | None = None
        self._plan = plan
        self._in_setup = False
        self._tests = 0
        self._last: tuple[str, int, Reading, float] | None = None

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Around the whole attempt."""
        self.client.open(self._key(TRIAL, 0))
        self.client.open(self._key(SETUP, 0))
        self._in_setup = True
        try:
            yield
        finally:
            self._end_setup()
            self.client.close(self._key(TRIAL, 0))

    @contextmanager
    def window(self, epoch: int) -> Iterator[None]:
        """Around one epoch of the present stage."""
        self._end_setup()
        self.epoch = epoch
        key = self._key(self.stage, epoch)
        self.client.open(key)
        start_s = time.monotonic()
        try:
            yield
        finally:
            duration_s = time.monotonic() - start_s
            self._last = (self.stage, epoch, self.client.close(key), duration_s)

    @contextmanager
    def latents(self) -> Iterator[None]:
        """Around the computing of latent features, within an epoch."""
        key = self._key(LATENTS, 0)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close(key)

    @contextmanager
    def tested(self) -> Iterator[None]:
        """Around the test of a stage's best weights, after its last epoch."""
        self._tests += 1
        key = self._key(TEST, self._tests)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close(key)

    def take(self, epoch: int) -> tuple[Reading, float]:
        """Reading and length in seconds of an epoch's window; missing where it had none."""
        if self._last is None or self._last[:2] != (self.stage, epoch):
            return Reading.missing("", note="the epoch was not begun"), 0.0
        _, _, reading, duration_s = self._last
        return reading, duration_s

    def _end_setup(self) -> None:
        if self._in_setup:
            self.client.close(self._key(SETUP, 0))
            self._in_setup = False

    def _key(self, stage: str, epoch: int) -> WindowKey:
        return WindowKey(
            trial_id=self._plan.trial_id,
            attempt=self._plan.attempt,
            stage=str(stage),
            epoch=epoch,
        )
