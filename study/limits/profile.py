"""Search for the cheapest power limit of a training while it trains.

A power limit changes what an epoch costs, but not what is learnt in it. So one training can measure all limits:
its first epoch is cut into slices, each under its own limit and in its own window, and the rest of the
training runs under the limit with the least energy per sample. If an epoch has too few steps for all limits, or is
too short to be measured, the measurement continues in the next epochs.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, final

from trackers.sample import PowerLimits

SETTLING: Final = 0.25
"""Share of a slice, at its start, that is not measured: a board takes a moment to follow its limit."""

LEAST_S: Final = 1.0
"""Seconds for which a limit is measured, unless `MOST_SLICES` is reached before."""
MOST_SLICES: Final = 3
"""Number of slices after which a limit counts as measured, however short they were."""

AUTO_LIMITS: Final = 5
"""Number of limits that `--power-limits auto` tries, at most."""
ROUND_W: Final = 5.0
"""Watts to whose multiples `auto` rounds the limits in between."""


@dataclass(slots=True, kw_only=True)
class MeasuredLimit:
    """Measurement under one power limit.

    Attributes:
        power_limit_w: The limit, as the board reports it.
        energy_j: Energy of all its slices; None if that of one is missing.
        time_s: Total duration of the slices.
        samples: Number of samples trained on in the slices.
        slices: Number of slices.
    """

    power_limit_w: float
    energy_j: float | None = 0.0
    time_s: float = 0.0
    samples: int = 0
    slices: int = 0

    @property
    def is_enough(self) -> bool:
        """Return whether the limit has been measured for long enough."""
        return self.time_s >= LEAST_S or self.slices >= MOST_SLICES

    @property
    def sample_j(self) -> float:
        """Energy per sample, in joules; infinite if it is not known."""
        return self.energy_j / self.samples if self.energy_j and self.samples else math.inf


@final
class LimitProfile:
    """Measures power limits in slices of epochs, and sets the cheapest.

    Attributes:
        measured: Measurement under each limit.
        chosen_w: Limit that was set for good, in watts; None until all limits are measured.
    """

    def __init__(
        self,
        limits_w: Sequence[float],
        *,
        set_limit: Callable[[float], float],
        open_window: Callable[[], None],
        close_window: Callable[[], tuple[float | None, float]],
        batch_size: int,
    ) -> None:
        """Set up the measurement.

        Args:
            limits_w: Limits to measure, in watts.
            set_limit: Sets a limit in watts, and returns the limit that the board reports afterwards.
            open_window: Opens a window, after waiting for the device's queued work.
            close_window: Closes the window likewise; returns its energy in joules, None if it is not
                known, and its duration in seconds.
            batch_size: Number of samples per step.
        """
        self.measured = [MeasuredLimit(power_limit_w=each) for each in limits_w]
        self.chosen_w: float | None = None
        self._set_limit = set_limit
        self._open_window = open_window
        self._close_window = close_window
        self._batch_size = batch_size
        self._now: MeasuredLimit | None = None
        self._opened_at: int | None = None
        self._order: list[MeasuredLimit] = []
        self._is_new = False

    def at_step(self, step: int, steps: int) -> None:
        """Set limits and open or close windows as a step of an epoch begins.

        Args:
            step: Number of the step, from 0; equal to `steps` at the end of the epoch.
            steps: Number of steps in the epoch.
        """
        if self.chosen_w is not None:
            return
        if step >= steps:
            self._end_slice(step)
            self._choose()
            return
        if step == 0:
            self._plan(steps)
        place = step * len(self._order) // steps
        wanted = self._order[place]
        if wanted is not self._now:
            self._end_slice(step)
            self._now = wanted
            wanted.power_limit_w = self._set_limit(wanted.power_limit_w)
        first, last = (math.ceil(each * steps / len(self._order)) for each in (place, place + 1))
        if self._opened_at is None and step - first >= math.floor(SETTLING * (last - first)):
            self._opened_at = step
            self._open_window()

    def take_result(self) -> str | None:
        """Return all measurements as JSON, as records hold them; None if nothing is new since the last call."""
        is_new, self._is_new = self._is_new, False
        return json.dumps([asdict(each) for each in self.measured]) if is_new else None

    def _plan(self, steps: int) -> None:
        """Choose the limits that this epoch measures, those with the fewest slices first."""
        open_ = [each for each in self.measured if not each.is_enough]
        open_.sort(key=lambda each: each.slices)
        self._order = open_[: max(1, steps // 2)]
        self._now = None

    def _end_slice(self, step: int) -> None:
        if self._now is None or self._opened_at is None:
            return
        energy_j, time_s = self._close_window()
        known = self._now.energy_j is not None and energy_j is not None
        self._now.energy_j = (self._now.energy_j or 0.0) + (energy_j or 0.0) if known else None
        self._now.time_s += time_s
        self._now.samples += self._batch_size * (step - self._opened_at)
        self._now.slices += 1
        self._is_new = True
        self._now, self._opened_at = None, None

    def _choose(self) -> None:
        """Set the limit that is cheapest so far; it is final once all limits are measured."""
        known = [each for each in self.measured if each.slices]
        best = min(known, key=lambda each: (each.sample_j, -each.power_limit_w))
        now_w = self._set_limit(best.power_limit_w)
        if all(each.is_enough for each in self.measured):
            self.chosen_w = now_w


def limits_to_try(asked: Sequence[str], board: PowerLimits) -> list[float]:
    """Return the limits that a training measures, in watts, in descending order.

    Args:
        asked: The values of `--power-limits`: watts, or `auto` for limits spread from the board's
            present limit down to its lowest.
        board: Settable limits of the board.
    """
    if "auto" not in asked:
        return sorted((float(each) for each in asked), reverse=True)
    step_w = (board.now_w - board.lowest_w) / (AUTO_LIMITS - 1)
    between = (board.now_w - number * step_w for number in range(1, AUTO_LIMITS - 1))
    rounded = (ROUND_W * round(each / ROUND_W) for each in between)
    return list(dict.fromkeys([board.now_w, *rounded, board.lowest_w]))


def chosen_before(text: str) -> float | None:
    """Return the limit that an earlier attempt chose, in watts; None if it had not measured all limits.

    Args:
        text: JSON from `LimitProfile.take_result`.
    """
    measured = [MeasuredLimit(**each) for each in json.loads(text)]
    if not all(each.is_enough for each in measured):
        return None
    best = min(measured, key=lambda each: (each.sample_j, -each.power_limit_w))
    return best.power_limit_w
