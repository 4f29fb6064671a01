"""Yardsticks of what repeats can tell: intervals of a difference by who knows the spreads.

One knows the spread of each setup: a z interval. The other knows which spreads the setups of a study
have, and not which setup has which, as nobody does before the repeats; these then weigh each spread
by its normal likelihood.
"""

import numpy as np

from benchmarks.calibration.worlds import Truth
from study.inference.intervals import Interval, interval
from study.inference.repeats import Floats, Integers

Z = 1.959964
"""Half-width of a 95 % interval in standard deviations that are known."""

_LEAST_DEVIATION = 1e-3


class KnownSpreads:
    """Intervals of differences of logarithms of energies.

    Args:
        truth: Of the studies.
        energies: What was observed. Shape (studies, setups, repeats).
    """

    def __init__(self, truth: Truth, energies: Floats) -> None:
        self._deviations = truth.energy_deviation
        self._energies = energies
        self._repeats = energies.shape[-1]

    def each(self, one: Integers, other: Integers) -> Interval:
        """Interval if the spread of each setup is known. Ends of shape (studies,)."""
        half = Z * np.hypot(self._of(self._deviations, one), self._of(self._deviations, other))
        half /= np.sqrt(self._repeats)
        middle = self._difference(one, other)
        return Interval(low=middle - half, high=middle + half)

    def not_whose(
        self, one: Integers, other: Integers, *, rng: np.random.Generator, draws: int
    ) -> Interval:
        """Interval if the spreads are known, and not whose they are. Ends of shape (studies,)."""
        variances = self._drawn(one, rng, draws) + self._drawn(other, rng, draws)
        noise = np.sqrt(variances / self._repeats) * rng.standard_normal(variances.shape)
        return interval(self._difference(one, other)[:, None] + noise)

    def _drawn(self, setup: Integers, rng: np.random.Generator, draws: int) -> Floats:
        """Draws of a setup's variance, from those of its study. Shape (studies, draws)."""
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
