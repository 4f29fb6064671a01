"""Sufficient statistics of each setup's repeats: counts, means and variances."""

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
"""Standard deviations per half-width of a 95 % interval, as which the uncertainty of a reading is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """One quantity for all setups, summarised over the repeats of each.

    Attributes:
        count: Number of repeats of each setup, at least 1. Shape (..., setups).
        mean: Arithmetic mean of its repeats. Shape (..., setups).
        variance: Sample variance of its repeats (divisor count - 1); NaN for one repeat. Shape
            (..., setups).
    """

    count: Integers
    mean: Floats
    variance: Floats

    def __post_init__(self) -> None:
        """Check shapes and signs.

        Raises:
            ValueError: Shapes differ, a setup has no repeat, a mean is not finite, or the variance of
                several repeats is negative or NaN.
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
            values: Values by setup and repeat; setups may have different numbers of repeats.

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
            energies_j: Energies in joules by setup and repeat; above 0.

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
            values: Values of the repeats. Shape (..., setups, repeats).
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
        """Degrees of freedom of each variance: repeats minus one. Shape (..., setups)."""
        return self.count - 1

    @property
    def squares(self) -> Floats:
        """Sum of squared deviations from the mean; 0 for one repeat. Shape (..., setups)."""
        return np.where(self.freedom > 0, self.freedom * self.variance, 0.0)

    @property
    def have_spread(self) -> bool:
        """Return whether in every study at least one setup has two repeats."""
        return bool((self.freedom.sum(axis=-1) > 0).all())

    def plus(self, setup: Integers, value: Floats) -> Self:
        """Return these repeats with one more for one setup of each study.

        Args:
            setup: Indices of the setups. Shape (...), that of the studies.
            value: Values of the new repeats. Shape (...).
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
        """Return these repeats with running ones counted as if they would confirm what is known.

        Means and variances stay the same. Setups without a variance are left unchanged.

        Args:
            more: Number of running repeats. Shape (..., setups).
        """
        return type(self)(
            count=self.count + np.where(self.count > 1, more, 0),
            mean=self.mean,
            variance=self.variance,
        )


def relative_deviation(half_width_j: float, energy_j: float) -> float:
    """Return the standard deviation of an energy's logarithm from its half-width in joules.

    A reading's own uncertainty (from its edges and its few samples) is already part of the spread of the
    repeats, so it only serves as a lower bound of that spread (`least_variance` of
    `study.inference.posterior`). The uncertainty common to all readings of a board is part of the board's
    effect (`study.inference.boards`).

    Args:
        half_width_j: Half-width of the energy's 95 % interval.
        energy_j: The energy in joules; above 0.
    """
    return half_width_j / HALF_WIDTH / energy_j
