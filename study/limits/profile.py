"""The cheapest power limit of a training, found while it trains.

A power limit changes what an epoch costs and not what is learnt in it. So one training can tell what all limits
cost: its first epoch is cut into slices, each under a limit of its own and in a window of its own, and the rest
runs under the limit with which a sample took the least energy. Where an epoch has too few steps for all limits, or is
too short to be measured, the next ones go on with it.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, final

from trackers.sample import PowerLimits

SETTLING: Final = 0.25
"""Share of a slice that is not measured: a board takes a moment to follow its limit."""

LEAST_S: Final = 1.0
"""A limit is measured until it was for so long, or in so many slices:"""
MOST_SLICES: Final = 3

AUTO_LIMITS: Final = 5
ROUND_W: Final = 5.0


@dataclass(slots=True, kw_only=True)
class MeasuredLimit:
    """Measurement under a limit.

    Attributes:
        power_limit_w: The limit, as the board tells it.
        energy_j: Energy of its slices; None where one is missing.
        time_s: Their time.
        samples: Samples that were trained on in them.
        slices: Their number.
    """

    power_limit_w: float
    energy_j: float | None = 0.0
    time_s: float = 0.0
    samples: int = 0
    slices: int = 0

    @property
    def is_enough(self) -> bool:
        """Return whether it was measured for long enough."""
        return self.time_s >= LEAST_S or self.slices >= MOST_SLICES

    @property
    def sample_j(self) -> float:
        """Energy of a sample; infinite where it is not known."""
        return self.energy_j / self.samples if self.energy_j and self.samples else math.inf


@final
class LimitProfile:
    """Measures limits in slices of epochs, and sets the cheapest."""

    def __init__(
        self,
        limits_w: Sequence[float],
        *,
        set_limit: Callable[[float], float],
        open_window: Callable[[], None],
        close_window: Callable[[], tuple[float | None, float]],
        batch_size: int,
    ) -> None:
        """Measure `limits_w`.

        Args:
            limits_w: The limits.
            set_limit: Sets one, and returns what the board tells then.
            open_window: Begins to measure, once the device has done what it was given.
            close_window: Ends that; energy in joules, None where it is not known, and seconds.
            batch_size: Samples of a step.
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
        """Take note that a step of an epoch begins.

        Args:
            step: Its number, from 0; the number of steps after the last.
            steps: Steps of the epoch.
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

    def take_news(self) -> str | None:
        """Return what was measured, as records hold it (JSON); None where nothing is new."""
        is_new, self._is_new = self._is_new, False
        return json.dumps([asdict(each) for each in self.measured]) if is_new else None

    def _plan(self, steps: int) -> None:
        """The limits that an epoch measures: those of which least is known first."""
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
        """Set the limit that was cheapest so far, for good once all are measured."""
        known = [each for each in self.measured if each.slices]
        best = min(known, key=lambda each: (each.sample_j, -each.power_limit_w))
        now_w = self._set_limit(best.power_limit_w)
        if all(each.is_enough for each in self.measured):
            self.chosen_w = now_w


def limits_to_try(asked: Sequence[str], board: PowerLimits) -> list[float]:
    """Return the limits that a training measures, in watts, the present one first.

    Args:
        asked: The values of `--power-limits`: watts, or `auto` for some over the board's range.
        board: What may be set on it; limits above the present one are not tried by `auto`.
    """
    if "auto" not in asked:
        return sorted((float(each) for each in asked), reverse=True)
    step_w = (board.now_w - board.lowest_w) / (AUTO_LIMITS - 1)
    between = (board.now_w - number * step_w for number in range(1, AUTO_LIMITS - 1))
    rounded = (ROUND_W * round(each / ROUND_W) for each in between)
    return list(dict.fromkeys([board.now_w, *rounded, board.lowest_w]))


def chosen_before(text: str) -> float | None:
    """Return the limit that an earlier attempt has chosen; None where it had not measured all.

    Args:
        text: See `LimitProfile.take_news`.
    """
    measured = [MeasuredLimit(**each) for each in json.loads(text)]
    if not all(each.is_enough for each in measured):
        return None
    best = min(measured, key=lambda each: (each.sample_j, -each.power_limit_w))
    return best.power_limit_w
