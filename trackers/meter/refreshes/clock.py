"""Refresh times of an energy counter, which make short windows right.

A board's counter stands still between refreshes, 20 to 100 ms apart, so a value is up to that old
when it is read, and a window of 0.1 s may be wrong by a tenth or more. Refreshes come at a steady
rate. Once their times are known, the energy since the last one is power x time.

Polling a counter fast makes some boards' counters wrong, so that it is done for a moment at the
start, and again only when the prediction has grown uncertain. The longer refreshes have been
followed, the better their rate is known: with each look the time to the next one doubles.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from trackers.sample import Observation

Numbers: TypeAlias = NDArray[np.float64]

LOOKS_TO_LEARN = 8
"""Refreshes that are watched before the rate is believed."""

LOOKS_TO_GUESS = 2
"""Refreshes after which it can be guessed when the next one is due."""

STEPS_ALIKE = 1.5
"""Steps that differ by less are of as many periods."""

KEPT_LOOKS = 64

LARGEST_MISS = 0.1
"""Of a period: how far a refresh may lie from where it was expected."""

SURE_ENOUGH = 0.05
"""Of a period: how uncertain a prediction may be before it is renewed."""

LONGEST_LOOK_S = 0.3
"""Counters that are refreshed less often are taken as they are."""

READINGS = 3
"""A process that loses its CPU while it reads is asked again, so often."""

LONGEST_WAIT_S = 0.005
"""A window's edge is not held up for longer than twice this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A refresh that was seen: the counter had not changed at the first time, and had at the second.

    Attributes:
        before_s: The last reading of the old value.
        after_s: The first reading of the new value.
    """

    before_s: float
    after_s: float

    @property
    def middle_s(self) -> float:
        """The likeliest time of the refresh."""
        return (self.before_s + self.after_s) / 2

    @property
    def width_s(self) -> float:
        """Greatest distance from there."""
        return (self.after_s - self.before_s) / 2


@final
class RefreshClock:
    """Predicts one counter's refreshes from those that were seen."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._looks: list[Look] = []
        self._anchor_s = 0.0
        self._uncertain_s = 0.0
        self._followed_s = 0.0
        self._followed_until_s = 0.0
        self._sure_until_s = float("-inf")
        self.period_s: float | None = None

    @property
    def is_learning(self) -> bool:
        """Return whether more refreshes in a row must be seen before any is predicted."""
        return self.period_s is None

    def saw(self, look: Look) -> None:
        """Take note of a refresh; while learning, it must be the next one after the last."""
        if self.period_s is not None:
            miss_s = abs(look.middle_s - self._nearest_s(look.middle_s))
            if miss_s > LARGEST_MISS * self.period_s + look.width_s:
                # The driver was reloaded, or the clock of the board is not steady: learn anew.
                self._looks.clear()
                self.period_s = None
        self._looks = [*self._looks, look][-KEPT_LOOKS:]
        if len(self._looks) >= LOOKS_TO_LEARN:
            self._fit()

    def is_unsure(self, time_s: float) -> bool:
        """Return whether a prediction for that time should be renewed by another look."""
        return self.period_s is None or time_s > self._sure_until_s

    def error_s(self, time_s: float) -> float:
        """Greatest error of a predicted refresh; infinite while learning."""
        if self.period_s is None:
            return float("inf")
        beyond_s = max(0.0, time_s - self._followed_until_s)
        return self._uncertain_s * (1 + beyond_s / self._followed_s)

    def last_refresh_s(self, time_s: float, *, within_s: float = 0.0) -> float | None:
        """Return the refresh that made the value read at `time_s`; None where it cannot be told.

        It cannot while learning, and not where the reading lies so near to a refresh that the
        value may be the one from before it.

        Args:
            time_s: When it was read.
            within_s: So much earlier or later it may have been.
        """
        if self.period_s is None:
            return None
        nearest_s = self._nearest_s(time_s)
        if abs(time_s - nearest_s) <= self.error_s(time_s) + within_s:
            return None
        return nearest_s if nearest_s < time_s else nearest_s - self.period_s

    def not_before_s(self, time_s: float) -> float:
        """Time before which there is no need to look for the next refresh after a time."""
        if self.period_s is not None:
            nearest_s = self._nearest_s(time_s)
            due_s = nearest_s if nearest_s > time_s else nearest_s + self.period_s
            return due_s - self.error_s(time_s)
        if len(self._looks) < LOOKS_TO_GUESS:
            return time_s
        # What is guessed wrong costs a look that takes longer, and no more.
        before, last = self._looks[-2:]
        return last.before_s + (last.before_s - before.after_s)

    def _nearest_s(self, time_s: float) -> float:
        period_s = self.period_s or 1.0
        return self._anchor_s + round((time_s - self._anchor_s) / period_s) * period_s

    def _fit(self) -> None:
        """Put a line through the looks that were sharp: number of the refresh to its time."""
        # From the first look on, because far from zero the fit would lose digits.
        first_s = self._looks[0].middle_s
        times_s = np.array([look.middle_s - first_s for look in self._looks])
        numbers = self._numbers(times_s)
        widths_s = np.array([look.width_s for look in self._looks])
        usual_s = float(np.median(widths_s))
        sharp = widths_s <= 2 * usual_s
        times_s, numbers, widths_s = times_s[sharp], numbers[sharp], widths_s[sharp]
        if len(set(numbers)) < len(numbers):
            misses_s, slope_s, offset_s = np.array([np.inf]), 1.0, 0.0
        else:
            slope_s, offset_s = np.polyfit(numbers, times_s, 1, w=1 / np.maximum(widths_s, 1e-6))
            misses_s = np.abs(times_s - offset_s - slope_s * numbers) - widths_s
        if misses_s.max() > LARGEST_MISS * slope_s:
            self._looks.clear()
            self.period_s = None
            return
        self.period_s = float(slope_s)
        # A look that was not sharp tells nothing new.
        self._followed_s = max(float(times_s[-1] - times_s[0]), self.period_s)
        self._followed_until_s = float(first_s + times_s[-1])
        self._anchor_s = float(first_s + offset_s + slope_s * numbers[-1])
        self._uncertain_s = usual_s
        # Where looks are too coarse to be ever sure enough, more of them would not help.
        enough_s = max(min(SURE_ENOUGH * self.period_s, LONGEST_WAIT_S / 2), 2 * usual_s)
        most_beyond = enough_s / usual_s - 1 if usual_s > 0 else float("inf")
        self._sure_until_s = self._followed_until_s + most_beyond * self._followed_s

    def _numbers(self, times_s: Numbers) -> Numbers:
        """Number the refreshes that were seen, counted from the first one.

        Where the rate is not known yet, most looks see the next refresh, but a busy machine may
        wake up too late for it: the step to the one after is some multiple of the others.
        """
        if self.period_s is not None:
            return np.round(times_s / self.period_s)
        steps_s = np.diff(times_s)
        step_s = np.median(steps_s[steps_s < STEPS_ALIKE * steps_s.min()])
        return np.concatenate(([0.0], np.cumsum(np.maximum(1.0, np.round(steps_s / step_s)))))


def look(observe: Callable[[], Observation | None], wait: Callable[[], bool]) -> Look | None:
    """Poll a counter until it is refreshed.

    Args:
        observe: Reads the counter; None where it does not answer.
        wait: Waits a millisecond; True when the looking is to end.

    Returns:
        The refresh; None where the counter stood still (an idle board's may), or fell silent.
    """
    first = last = observe()
    while first is not None and last is not None and not wait():
        if last.time_s - first.time_s > LONGEST_LOOK_S:
            return None
        seen = observe()
        if seen is not None and seen.counter_j != first.counter_j:
            return Look(before_s=last.time_s, after_s=seen.time_s)
        last = seen
    return None


def at_refresh(
    observe: Callable[[], Observation | None], wait: Callable[[float], object], clock: RefreshClock
) -> Observation | None:
    """Read a counter, stamped with the time at which its value was made, where that is known.

    A reading next to a refresh may be the value from before it, and is made again a moment later.

    Args:
        observe: Reads the counter; None where it does not answer.
        wait: Waits for so many seconds.
        clock: Of this counter's refreshes.
    """
    seen = observe()
    for _ in range(READINGS):
        if seen is None or seen.counter_j is None or clock.is_learning:
            return seen
        made_s = clock.last_refresh_s(seen.time_s, within_s=seen.took_s / 2)
        if made_s is not None:
            return replace(seen, time_s=made_s, took_s=0.0)
        error_s = clock.error_s(seen.time_s)
        if error_s > LONGEST_WAIT_S:
            return seen
        wait(2 * error_s)
        seen = observe() or seen
    return seen
