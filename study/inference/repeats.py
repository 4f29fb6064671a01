"""The repeats of each setup as counts, means and variances."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

HALF_WIDTH = 1.96
"""Standard deviations in the half-width that a reading's uncertainty is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """One quantity of all setups, each over its repeats.

    Attributes:
        count: Repeats of each setup, at least 1. Shape (..., setups).
        mean: Their arithmetic mean. Shape (..., setups).
        variance: Their sample variance (count - 1); NaN for one repeat. Shape (..., setups).
    """

    count: Integers
    mean: Floats
    variance: Floats

    def __post_init__(self) -> None:
        """Check shapes and signs.

        Raises:
            ValueError: Shapes differ, a setup has no repeat, or a number is none.
        """
        shapes = {self.count.shape, self.mean.shape, self.variance.shape}
        if len(shapes) != 1 or not self.mean.shape:
            msg = f"count, mean and variance have shapes {shapes}; they must be one, (..., setups)"
            raise ValueError(msg)
        if self.mean.size == 0 or not (self.count >= 1).all() or not np.isfinite(self.mean).all():
            msg = "each setup needs a repeat with a finite value; leave out a setup that has none"
            raise ValueError(msg)
        if not (self.variance[self.count > 1] >= 0).all():
            msg = "a variance of several repeats is at least 0"
            raise ValueError(msg)

    @classmethod
    def of(cls, values: Sequence[Sequence[float]]) -> Self:
        """Summarise one study.

        Args:
            values: Of each setup the values of its repeats, of any number.

        Raises:
            ValueError: A setup has no repeat, or a value is not finite.
        """
        several = [each if len(each) > 1 else (math.nan, math.nan) for each in values]
        return cls(
            count=np.asarray([len(each) for each in values], dtype=np.int64),
            mean=np.asarray([np.mean(each) if len(each) else math.nan for each in values]),
            variance=np.asarray([np.var(each, ddof=1) for each in several]),
        )

    @classmethod
    def of_energies_j(cls, energies_j: Sequence[Sequence[float]]) -> Self:
        """Summarise the natural logarithms of one study's energies.

        Args:
            energies_j: Of each setup the energies of its repeats; above 0.

        Raises:
            ValueError: An energy is not above 0, or a setup has no repeat.
        """
        wrong = [each for many in energies_j for each in many if not each > 0]
        if wrong:
            msg = f"an energy of {wrong[0]} J has no logarithm: it must be above 0"
            raise ValueError(msg)
        return cls.of([[math.log(each) for each in many] for many in energies_j])

    @classmethod
    def of_array(cls, values: Floats) -> Self:
        """Summarise studies in which all setups have the same number of repeats.

        Args:
            values: Shape (..., setups, repeats).
        """
        count = values.shape[-1]
        mean = values.mean(axis=-1)
        several = count > 1
        return cls(
            count=np.full(mean.shape, count, dtype=np.int64),
            mean=mean,
            variance=values.var(axis=-1, ddof=1) if several else np.full(mean.shape, math.nan),
        )

    @property
    def freedom(self) -> Integers:
        """Degrees of freedom of each variance: repeats less one. Shape (..., setups)."""
        return self.count - 1

    @property
    def squares(self) -> Floats:
        """Squared deviations from the mean, summed up; 0 for one repeat. Shape (..., setups)."""
        return np.where(self.freedom > 0, self.freedom * self.variance, 0.0)

    @property
    def tell_a_spread(self) -> bool:
        """Return whether in every study some setup has two repeats."""
        return bool((self.freedom.sum(axis=-1) > 0).all())

    def plus(self, setup: Integers, value: Floats) -> Self:
        """Add a repeat to one setup of each study.

        Args:
            setup: Places of the setups. Shape (...), that of the studies.
            value: What the new repeat came to. Shape (...).
        """
        place = np.arange(self.mean.shape[-1]) == np.asarray(setup)[..., None]
        new = np.asarray(value)[..., None]
        count = self.count + place
        gap = np.where(place, new - self.mean, 0.0)
        mean = self.mean + gap / count
        squares = self.squares + gap * np.where(place, new - mean, 0.0)
        spread = np.full(mean.shape, math.nan)
        np.divide(squares, count - 1, out=spread, where=count > 1)
        return type(self)(count=count, mean=mean, variance=spread)

    def expecting(self, more: Integers) -> Self:
        """Count repeats that are still under way as if they came to what is known already.

        Means and variances stay; a setup of which no variance is known stays whole as it is.

        Args:
            more: Repeats under way. Shape (..., setups).
        """
        return type(self)(
            count=self.count + np.where(self.count > 1, more, 0),
            mean=self.mean,
            variance=self.variance,
        )


def relative_deviation(half_width_j: float, energy_j: float) -> float:
    """Standard deviation of the logarithm of an energy, of a half-width in joules.

    A reading's own uncertainty (its edges, its few samples) lies within the spread of the repeats already:
    it is only the least that the spread can be (`least_variance` of `study.inference.posterior`). What all
    readings of a board share is in the effect of its board (`study.inference.boards`).

    Args:
        half_width_j: Half-width of the energy's 95 % interval.
        energy_j: The energy; above 0.
    """
    return half_width_j / HALF_WIDTH / energy_j
