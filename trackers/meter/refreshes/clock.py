"""Prediction of an energy counter's refresh times, which makes short windows accurate.

A board's counter stands still between refreshes, which are 20 to 100 ms apart. A value may be that old
when it is read, so that a window of 0.1 s may be wrong by a tenth or more. Refreshes come at a steady
rate. Once their times are known, the energy since the last one is power x time.

Polling a counter fast makes some boards' counters wrong. So it is polled briefly at the start, and again
only when the prediction has become uncertain. The longer refreshes have been followed, the better their
rate is known: the time to the next observation doubles with each one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from trackers.sample import Observation

Numbers: TypeAlias = NDArray[np.float64]

REFRESHES_TO_LEARN = 8
"""Number of refreshes that are observed before their rate is trusted."""

REFRESHES_TO_GUESS = 2
"""Number of refreshes from which the time of the next one can be guessed."""

STEPS_ALIKE = 1.5
"""Times between refreshes up to this multiple of the shortest one span the same number of periods."""

KEPT_REFRESHES = 64

LARGEST_MISS = 0.1
"""Greatest distance of a refresh from its predicted time, as a share of a period."""

SURE_ENOUGH = 0.05
"""Greatest uncertainty of a prediction before it is renewed, as a share of a period."""

LONGEST_AWAITED_S = 0.3
"""Longest time for which a refresh is awaited; counters that are refreshed less often are used as they are."""

READINGS = 3
"""Number of times that a reading close to a refresh is repeated, since the process may lose its CPU meanwhile."""

LARGEST_AWAITED_ERROR_S = 0.005
"""Greatest error of a prediction for which a window's edge waits. One wait is twice as long, which is enough
unless the process loses its CPU in the meantime: `READINGS` waits of 10 ms are the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRefresh:
    """An observed refresh, which happened between two consecutive readings of the counter.

    Attributes:
        before_s: The last reading of the old value.
        after_s: The first reading of the new value.
    """

    before_s: float
    after_s: float

    @property
    def middle_s(self) -> float:
        """Middle of the two readings, the best estimate of the time of the refresh."""
        return (self.before_s + self.after_s) / 2

    @property
    def width_s(self) -> float:
        """Greatest distance of the refresh from `middle_s`."""
        return (self.after_s - self.before_s) / 2


@final
class RefreshClock:
    """Predictor of one counter's refreshes from the observed ones.

    Attributes:
        period_s: Time between two refreshes; None while it is being learnt.
    """

    def __init__(self) -> None:
        """Start without any observed refresh."""
        self._observed: list[ObservedRefresh] = []
        self._anchor_s = 0.0
        self._uncertain_s = 0.0
        self._followed_s = 0.0
        self._followed_until_s = 0.0
        self._sure_until_s = float("-inf")
        self.period_s: float | None = None

    @property
    def is_learning(self) -> bool:
        """Return whether more consecutive refreshes must be observed before any can be predicted."""
        return self.period_s is None

    def add(self, refresh: ObservedRefresh) -> None:
        """Add an observed refresh; while learning, it should be the one right after the last."""
        if self.period_s is not None:
            miss_s = abs(refresh.middle_s - self._nearest_s(refresh.middle_s))
            if miss_s > LARGEST_MISS * self.period_s + refresh.width_s:
                # The driver was reloaded, or the board's clock is not steady: learn again from here.
                self._observed.clear()
                self.period_s = None
        self._observed = [*self._observed, refresh][-KEPT_REFRESHES:]
        if len(self._observed) >= REFRESHES_TO_LEARN:
            self._fit()

    def is_unsure(self, time_s: float) -> bool:
        """Return whether another refresh should be observed before refreshes around `time_s` are predicted."""
        return self.period_s is None or time_s > self._sure_until_s

    def error_s(self, time_s: float) -> float:
        """Greatest error of a refresh predicted around `time_s`; infinite while learning."""
        if self.period_s is None:
            return float("inf")
        beyond_s = max(0.0, time_s - self._followed_until_s)
        return self._uncertain_s * (1 + beyond_s / self._followed_s)

    def last_refresh_s(self, time_s: float, *, within_s: float = 0.0) -> float | None:
        """Time of the refresh that produced the value read at `time_s`; None where it is uncertain.

        It is uncertain while learning, and where the reading is so close to a refresh that the value may
        be the one from before it.

        Args:
            time_s: Time of the reading.
            within_s: Greatest error of `time_s`, in either direction.
        """
        if self.period_s is None:
            return None
        nearest_s = self._nearest_s(time_s)
        if abs(time_s - nearest_s) <= self.error_s(time_s) + within_s:
            return None
        return nearest_s if nearest_s < time_s else nearest_s - self.period_s

    def not_before_s(self, time_s: float) -> float:
        """Earliest time at which the next refresh after `time_s` is to be expected."""
        if self.period_s is not None:
            nearest_s = self._nearest_s(time_s)
            due_s = nearest_s if nearest_s > time_s else nearest_s + self.period_s
            return due_s - self.error_s(time_s)
        if len(self._observed) < REFRESHES_TO_GUESS:
            return time_s
        # A wrong guess only makes the next observation take longer.
        before, last = self._observed[-2:]
        return last.before_s + (last.before_s - before.after_s)

    def _nearest_s(self, time_s: float) -> float:
        period_s = self.period_s or 1.0
        return self._anchor_s + round((time_s - self._anchor_s) / period_s) * period_s

    def _fit(self) -> None:
        """Fit a line through the sharply observed refreshes: time of a refresh against its number."""
        # Times are relative to the first refresh, because far from zero the fit would lose digits.
        first_s = self._observed[0].middle_s
        times_s = np.array([each.middle_s - first_s for each in self._observed])
        numbers = self._numbers(times_s)
        widths_s = np.array([each.width_s for each in self._observed])
        usual_s = float(np.median(widths_s))
        sharp = widths_s <= 2 * usual_s
        times_s, numbers, widths_s = times_s[sharp], numbers[sharp], widths_s[sharp]
        if len(set(numbers)) < len(numbers):
            misses_s, slope_s, offset_s = np.array([np.inf]), 1.0, 0.0
        else:
            slope_s, offset_s = np.polyfit(numbers, times_s, 1, w=1 / np.maximum(widths_s, 1e-6))
            misses_s = np.abs(times_s - offset_s - slope_s * numbers) - widths_s
        if misses_s.max() > LARGEST_MISS * slope_s:
            self._observed.clear()
            self.period_s = None
            return
        self.period_s = float(slope_s)
        # Only sharply observed refreshes extend the time for which refreshes have been followed.
        self._followed_s = max(float(times_s[-1] - times_s[0]), self.period_s)
        self._followed_until_s = float(first_s + times_s[-1])
        self._anchor_s = float(first_s + offset_s + slope_s * numbers[-1])
        self._uncertain_s = usual_s
        # The bound is at least twice the usual width, because more observations that wide would not help.
        enough_s = max(min(SURE_ENOUGH * self.period_s, LARGEST_AWAITED_ERROR_S / 2), 2 * usual_s)
        most_beyond = enough_s / usual_s - 1 if usual_s > 0 else float("inf")
        self._sure_until_s = self._followed_until_s + most_beyond * self._followed_s

    def _numbers(self, times_s: Numbers) -> Numbers:
        """Number of each observed refresh, counted from the first one.

        While the rate is not known yet, most observations are of the next refresh. But on a busy machine we may
        wake up too late for it, and the time to the one after is a multiple of the others.
        """
        if self.period_s is not None:
            return np.round(times_s / self.period_s)
        steps_s = np.diff(times_s)
        step_s = np.median(steps_s[steps_s < STEPS_ALIKE * steps_s.min()])
        return np.concatenate(([0.0], np.cumsum(np.maximum(1.0, np.round(steps_s / step_s)))))


def observe_refresh(
    observe: Callable[[], Observation | None], wait: Callable[[], bool]
) -> ObservedRefresh | None:
    """Poll a counter until it is refreshed.

    Args:
        observe: Reads the counter; returns None where it does not answer.
        wait: Waits for a millisecond; returns True when the polling is to end.

    Returns:
        The refresh; None where the counter stood still (as an idle board's may), or stopped answering.
    """
    first = last = observe()
    while first is not None and last is not None and not wait():
        if last.time_s - first.time_s > LONGEST_AWAITED_S:
            return None
        seen = observe()
        if seen is not None and seen.counter_j != first.counter_j:
            return ObservedRefresh(before_s=last.time_s, after_s=seen.time_s)
        last = seen
    return None


def at_refresh(
    observe: Callable[[], Observation | None], wait: Callable[[float], object], clock: RefreshClock
) -> Observation | None:
    """Read a counter, and stamp the value with the time of the refresh that produced it, where known.

    A reading close to a refresh may return the value from before it, and is repeated a moment later.

    Args:
        observe: Reads the counter; returns None where it does not answer.
        wait: Waits for the given number of seconds.
        clock: Predictor of this counter's refreshes.

    Returns:
        The observation, with its own time stamp where the refresh is not known; None where the counter
        does not answer.
    """
    seen = observe()
    for _ in range(READINGS):
        if seen is None or seen.counter_j is None or clock.is_learning:
            return seen
        made_s = clock.last_refresh_s(seen.time_s, within_s=seen.took_s / 2)
        if made_s is not None:
            return replace(seen, time_s=made_s, took_s=0.0)
        error_s = clock.error_s(seen.time_s)
        if error_s > LARGEST_AWAITED_ERROR_S:
            return seen
        wait(2 * error_s)
        seen = observe() or seen
    return seen
