"""Reference intervals of a difference between setups when spreads are known, as a bound on what repeats can tell.

The first knows the spread of each setup: a z interval. The second knows the set of spreads in a study but not
which setup has which, as nobody can before the repeats; it weights each spread by the normal likelihood of the
repeats.
"""

import numpy as np

from benchmarks.calibration.worlds import Truth
from study.inference.intervals import Interval, interval
from study.inference.repeats import Floats, Integers

Z = 1.959964
"""Half-width of a 95 % interval, in known standard deviations."""

_LEAST_DEVIATION = 1e-3


class KnownSpreads:
    """Intervals of differences of log energies when the true spreads are known.

    Args:
        truth: True values of the studies.
        energies: Observed log energies; shape (studies, setups, repeats).
    """

    def __init__(self, truth: Truth, energies: Floats) -> None:
        self._deviations = truth.energy_deviation
        self._energies = energies
        self._repeats = energies.shape[-1]

    def each(self, one: Integers, other: Integers) -> Interval:
        """Return the interval when the spread of each setup is known; ends of shape (studies,)."""
        half = Z * np.hypot(self._of(self._deviations, one), self._of(self._deviations, other))
        half /= np.sqrt(self._repeats)
        middle = self._difference(one, other)
        return Interval(low=middle - half, high=middle + half)

    def not_whose(
        self, one: Integers, other: Integers, *, rng: np.random.Generator, draws: int
    ) -> Interval:
        """Return the interval when the spreads are known but not whose they are; ends of shape (studies,)."""
        variances = self._drawn(one, rng, draws) + self._drawn(other, rng, draws)
        noise = np.sqrt(variances / self._repeats) * rng.standard_normal(variances.shape)
        return interval(self._difference(one, other)[:, None] + noise)

    def _drawn(self, setup: Integers, rng: np.random.Generator, draws: int) -> Floats:
        """Draw a setup's variance from those of its study's setups; shape (studies, draws)."""
        spreads = np.maximum(self._deviations, _LEAST_DEVIATION) ** 2
        own = self._of(self._energies, setup)
        squares = ((own - own.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)[:, None]
        logs = -((self._repeats - 1) * np.log(spreads) + squares / spreads) / 2
        weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
        edges = (weights / weights.sum(axis=-1, keepdims=True)).cumsum(axis=-1)[:, None, :-1]
        place = (rng.random((len(spreads), draws, 1)) > edges).sum(axis=-1)
        return np.asarray(np.take_along_axis(spreads, place, axis=1))

    def _difference(self, one: Integers, other: Integers) -> Floats:
        means = self._energies.mean(axis=-1)
        return self._of(means, one) - self._of(means, other)

    @staticmethod
    def _of(values: Floats, setup: Integers) -> Floats:
        return np.asarray(values[np.arange(len(setup)), setup])
