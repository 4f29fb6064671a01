"""Energy windows of one attempt at a trial: over the whole attempt, its set-up and each epoch."""

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
    """Interface to the node's tracker, as `trackers.node.client.TrackerClient` provides it."""

    @property
    def devices(self) -> Sequence[Device]:
        """Devices on the trial's bill; the first is the one that it computes on."""

    def open(self, key: WindowKey) -> None:
        """Open a window now."""

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """Set the power limit of the trial's board until the trial ends.

        Returns:
            The limit that the board reports afterwards, in watts.
        """

    def power_limits(self) -> PowerLimits:
        """Return the power limits that may be set on the trial's board."""

    def close(self, key: WindowKey) -> None:
        """Close a window now."""

    def readings(self, key: WindowKey) -> Mapping[str, Reading]:
        """Wait for the readings of a closed window, by device; the first is of what the trial computes on."""


@dataclass(slots=True, kw_only=True)
class _ClosedWindow:
    """An epoch's window that was closed; `readings` is None until they are asked for."""

    key: WindowKey
    duration_s: float
    readings: Mapping[str, Reading] | None = None


@final
class TrialMeter:
    """Opens and closes the windows of one attempt: over all of it, its set-up and each epoch.

    Attributes:
        client: Interface to the node's tracker.
        stage: Stage that is being trained; before training, the first stage.
        epoch: Epoch of the stage that is running or ran last; 1 before the first.
        peak_memory_bytes: Peak memory so far; None if torch does not report it.
        profile: Measurement of power limits in the current stage; None if none are measured.
        power_limit_w: Power limit that the trial has set, in watts; None if it has set none.
    """

    def __init__(self, plan: TrialPlan, client: Windows, *, first_stage: str) -> None:
        """Measure the attempt of `plan` through `client`, beginning with `first_stage`."""
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
        self._last: _ClosedWindow | None = None

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Open the windows over the whole attempt and over its set-up; close them at the end."""
        self.client.open(self._key(TRIAL, 0))
        self.client.open(self._key(SETUP, 0))
        self._in_setup = True
        try:
            yield
        finally:
            self._end_setup()
            self.client.close(self._key(TRIAL, 0))
            # Wait: once this reading is there, every closed window has been booked.
            self.client.readings(self._key(TRIAL, 0))

    @contextmanager
    def window(self, epoch: int) -> Iterator[None]:
        """Measure one epoch of the current stage; the first such window ends the set-up."""
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
            self._last = _ClosedWindow(key=key, duration_s=duration_s)

    @contextmanager
    def latents(self) -> Iterator[None]:
        """Measure the computation of latent features, which lies within an epoch."""
        key = self._key(LATENTS, 0)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close(key)

    @contextmanager
    def tested(self) -> Iterator[None]:
        """Measure the test of a stage's best weights, after its last epoch."""
        self._tests += 1
        key = self._key(TEST, self._tests)
        self.client.open(key)
        try:
            yield
        finally:
            self.client.close(key)

    def limit_power(self, limit_w: float) -> float:
        """Set the power limit of the trial's board, in watts.

        Returns:
            The limit that the board reports afterwards, in watts.

        Raises:
            TrackerError: The limit cannot be set.
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
        """Set up the measurement of power limits in a stage that begins.

        If an earlier attempt has measured all limits in this stage, its choice is set instead.

        Args:
            asked: The values of `--power-limits`; empty to measure none.
            energy_of: Scope of the energy that ranks.
            batch_size: Batch size of the setup.
            earlier: Results that the trial has reported so far.
            synchronize: Waits until the device has completed all queued work.

        Raises:
            TrackerError: The board does not accept a limit.
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
        """Return what the last epoch measured of power limits (JSON); None if nothing, or on a second call."""
        return None if self.profile is None else self.profile.take_result()

    def take(self, epoch: int) -> tuple[Mapping[str, Reading], float]:
        """Return the readings of an epoch's window by device, and its duration in seconds.

        The first reading is of what the trial computes on; it is a missing reading if the epoch had no
        window. Reading is deferred to this call, so the tracker works while the trial continues after
        the end of the epoch.
        """
        ended = self._last
        if ended is None or ended.key != self._key(self.stage, epoch):
            return {"": Reading.missing("", note="the epoch was not begun")}, 0.0
        if ended.readings is None:
            ended.readings = self.client.readings(ended.key)
        return ended.readings, ended.duration_s

    def part(self, epoch: int) -> ProcessPart:
        """Return the energy and memory that this process used in an epoch; see `take`."""
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
