"""The windows of a trial's attempt: over all of it, over its set-up, over each epoch."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from socket import gethostname
from typing import Protocol, final

from study.record.vocabulary import LATENTS, TEST
from study.store.setups import TrialPlan
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Device, Reading


class Windows(Protocol):
    """The way to the node's tracker; a `trackers.node.client.TrackerClient`."""

    @property
    def devices(self) -> Sequence[Device]:
        """Devices on the trial's bill; the first is what it computes on."""

    def open(self, key: WindowKey) -> None:
        """Open a window now."""

    def close_bill(self, key: WindowKey) -> Mapping[str, Reading]:
        """Close it now; a reading by device, the first of what the trial computes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Energy and memory of one process of a trial in an epoch.

    Attributes:
        readings: By device; the first is of what it computes on.
        devices: Those devices; none where there is no tracker.
        node: Host that it is on.
        peak_memory_bytes: Most memory so far; None where torch does not tell.
    """

    readings: Mapping[str, Reading]
    devices: tuple[Device, ...] = ()
    node: str = ""
    peak_memory_bytes: int | None = None

    @classmethod
    def missing(cls, *, note: str) -> "Part":
        """That of a process of which nothing is known."""
        return cls(readings={"": Reading.missing("", note=note)})


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
        self._last: tuple[str, int, Mapping[str, Reading], float] | None = None

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
            self.client.close_bill(self._key(TRIAL, 0))

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
            self._last = (self.stage, epoch, self.client.close_bill(key), duration_s)

    @contextmanager
    def latents(self) -> Iterator[None]:
        """Around the computing of latent features, within an epoch."""
        key = self._key(LATENTS, 0)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close_bill(key)

    @contextmanager
    def tested(self) -> Iterator[None]:
        """Around the test of a stage's best weights, after its last epoch."""
        self._tests += 1
        key = self._key(TEST, self._tests)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close_bill(key)

    def take(self, epoch: int) -> tuple[Mapping[str, Reading], float]:
        """Return the readings by device of an epoch's window, and its length in seconds.

        The first is of what the trial computes on, and missing where the epoch had no window.
        """
        if self._last is None or self._last[:2] != (self.stage, epoch):
            return {"": Reading.missing("", note="the epoch was not begun")}, 0.0
        _, _, readings, duration_s = self._last
        return readings, duration_s

    def part(self, epoch: int) -> Part:
        """Return what this process used in an epoch; see `take`."""
        readings, _ = self.take(epoch)
        return Part(
            readings=readings,
            devices=tuple(self.client.devices),
            node=gethostname(),
            peak_memory_bytes=self.peak_memory_bytes,
        )

    def _end_setup(self) -> None:
        if self._in_setup:
            self.client.close_bill(self._key(SETUP, 0))
            self._in_setup = False

    def _key(self, stage: str, epoch: int) -> WindowKey:
        return WindowKey(
            trial_id=self._plan.trial_id,
            attempt=self._plan.attempt,
            stage=str(stage),
            epoch=epoch,
        )
