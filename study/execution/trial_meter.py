"""The windows of a trial's attempt: over all of it, over its set-up, over each epoch."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from socket import gethostname
from typing import Any, Protocol, final

from study.execution.charge import ProcessPart, ranking_reading
from study.limits.profile import LimitProfile, chosen_before, limits_to_try
from study.record.vocabulary import LATENTS, PROFILE, TEST, EnergyScope
from study.store.setups import TrialPlan
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Device, PowerLimits, Reading


class Windows(Protocol):
    """The way to the node's tracker; a `trackers.node.client.TrackerClient`."""

    @property
    def devices(self) -> Sequence[Device]:
        """Devices on the trial's bill; the first is what it computes on."""

    def open(self, key: WindowKey) -> None:
        """Open a window now."""

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """Set the power limit of the trial's board until it has ended, and return what it tells then."""

    def power_limits(self) -> PowerLimits:
        """Return what may be set on it."""

    def close(self, key: WindowKey) -> None:
        """Close it now."""

    def readings(self, key: WindowKey) -> Mapping[str, Reading]:
        """Wait for its readings by device, the first of what the trial computes on."""


@dataclass(slots=True, kw_only=True)
class _Ended:
    """An epoch's window that was closed; its readings once somebody wanted them."""

    key: WindowKey
    duration_s: float
    readings: Mapping[str, Reading] | None = None


@final
class TrialMeter:
    """The windows of one attempt: over all of it, over its set-up, over each epoch.

    Attributes:
        client: The way to the node's tracker.
        stage: The stage that is being trained; the first one before any is.
        epoch: Its epoch that is running, or ran last; 1 before the first.
        peak_memory_bytes: Most memory so far; None where torch does not tell.
        profile: Measures power limits in the present stage; None where none are to be measured.
        power_limit_w: The limit that the trial has set; None where it has set none.
    """

    def __init__(self, plan: TrialPlan, client: Windows, *, first_stage: str) -> None:
        """Measure `plan` through `client`."""
        self.client = client
        self.stage = first_stage
        self.epoch = 1
        self.peak_memory_bytes: int | None = None
        self.power_limit_w: float | None = None
        self.profile: LimitProfile | None = None
        self._slices = 0
        self._plan = plan
        self._in_setup = False
        self._tests = 0
        self._last: _Ended | None = None

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
            self.client.readings(self._key(TRIAL, 0))  # all that was closed is booked by then

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
            self.client.close(key)
            self._last = _Ended(key=key, duration_s=duration_s)

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

    def limit_power(self, limit_w: float) -> float:
        """Set the power limit of the trial's board; the limit that the board tells then.

        Raises:
            TrackerError: It cannot be set.
        """
        self.power_limit_w = self.client.limit_power(self._plan.trial_id, limit_w)
        return self.power_limit_w

    def begin_profile(
        self,
        asked: Sequence[str],
        energy_of: EnergyScope,
        *,
        batch_size: int,
        earlier: Sequence[Mapping[str, Any]],
        synchronize: Callable[[], None],
    ) -> None:
        """Measure power limits in the stage that begins, unless an earlier attempt has.

        Args:
            asked: The values of `--power-limits`; empty for none.
            energy_of: Energy that ranks.
            batch_size: Of the setup.
            earlier: What the trial has reported so far.
            synchronize: Waits until the device has done what it was given.

        Raises:
            TrackerError: The board takes no limit.
        """
        self.profile = None
        if not asked:
            return
        told = [
            each["power_profile"]
            for each in earlier
            if each["stage"] == self.stage and each.get("power_profile")
        ]
        chosen_w = chosen_before(told[-1]) if told else None
        if chosen_w is not None:
            self.limit_power(chosen_w)
            return

        def open_slice() -> None:
            synchronize()
            self._slices += 1
            self.client.open(self._key(PROFILE, self._slices))

        def close_slice() -> tuple[float | None, float]:
            synchronize()
            key = self._key(PROFILE, self._slices)
            self.client.close(key)
            readings = self.client.readings(key)
            found = ranking_reading(readings, self.client.devices, energy_of)
            return found.energy_j, found.duration_s

        self.profile = LimitProfile(
            limits_to_try(asked, self.client.power_limits()),
            set_limit=self.limit_power,
            open_window=open_slice,
            close_window=close_slice,
            batch_size=batch_size,
        )

    def take_profile(self) -> str | None:
        """Return what was measured of power limits in the last epoch, as records hold it, once."""
        return None if self.profile is None else self.profile.take_news()

    def take(self, epoch: int) -> tuple[Mapping[str, Reading], float]:
        """Return the readings by device of an epoch's window, and its length in seconds.

        The first is of what the trial computes on, and missing where the epoch had no window. The
        tracker reads what it needs while the trial does what lies between the epoch's end and this.
        """
        ended = self._last
        if ended is None or ended.key != self._key(self.stage, epoch):
            return {"": Reading.missing("", note="the epoch was not begun")}, 0.0
        if ended.readings is None:
            ended.readings = self.client.readings(ended.key)
        return ended.readings, ended.duration_s

    def part(self, epoch: int) -> ProcessPart:
        """Return what this process used in an epoch; see `take`."""
        readings, _ = self.take(epoch)
        return ProcessPart(
            readings=readings,
            devices=tuple(self.client.devices),
            node=gethostname(),
            peak_memory_bytes=self.peak_memory_bytes,
        )

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
