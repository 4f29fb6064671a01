"""Choice of the setup to use, by the least expected loss, and the probability that it is right.

The loss of a setup is the logarithm of its energy, plus a price for each point by which its objective
falls short of what is required, namely the objective of the best setup minus the tolerance. A price of
log(1.4) means that a point is worth 40 % of energy. Falling short at all, by however little, costs
another 10 %. The setup with the lowest expected loss over the posterior of the true means
(`study.inference.posterior`) is chosen, so that a setup whose objective may not be good enough is
penalised for the points by which it may fall short.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from study.inference.posterior import Posterior
from study.inference.repeats import Floats, Integers, Repeats

NEAR = 0.05
"""Relative difference in energy up to which a setup counts as being as cheap as the cheapest."""

_ROUNDING = 1e-9

_LEAST_NAMED = 0.01
"""Probabilities closer than this to 0 or 1 are printed as under 1 % or over 99 %."""


class Preference(StrEnum):
    """Preference of the user: how much energy a point of the objective is worth."""

    ENERGY = "energy"
    BALANCED = "balanced"
    ACCURACY = "accuracy"

    @property
    def price(self) -> float:
        """Worth of a point, as a difference of log energies: log 1.2, log 1.4 or log 1.8."""
        return math.log1p(_SHARES[self])


_SHARES = {Preference.ENERGY: 0.2, Preference.BALANCED: 0.4, Preference.ACCURACY: 0.8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Requirements on a setup.

    Attributes:
        tolerance: How much worse than the best setup's its objective may be; at least 0.
        point: Size of a point of the objective, for a share 0.01; above 0.
        price: Cost of each missing point, as a difference of log energies; at least 0.
        outside: Additional cost of being outside the tolerance at all, as a difference of log energies;
            at least 0.
    """

    tolerance: float = 0.01
    point: float = 0.01
    price: float = Preference.BALANCED.price
    outside: float = math.log1p(0.1)

    def __post_init__(self) -> None:
        """Check signs.

        Raises:
            ValueError: One of them is negative, or the point is not above 0.
        """
        if min(self.tolerance, self.price, self.outside) < 0 or self.point <= 0:
            msg = f"{self}: tolerance, price and outside are at least 0, a point is above 0"
            raise ValueError(msg)

    @property
    def relative(self) -> "Aim":
        """These requirements on the scale of `RelativeGains`, with tolerance and point relative to the best."""
        tolerance, point = math.log1p(self.tolerance), math.log1p(self.point)
        return replace(self, tolerance=tolerance, point=point)


@dataclass(frozen=True, slots=True)
class RelativeGains:
    """Scale for an objective that is not a share: the shortfall of a gain relative to the best value.

    The worse such an objective is, the more its repeats usually differ: at too high a learning rate a
    loss may be a thousand times the best one, and so may the spread of its repeats. As plain numbers
    these few setups would dominate the estimated uncertainty of all. A relative shortfall x is therefore
    mapped to -log(1 + x): close to the best this is the shortfall itself, further away the logarithm of
    the factor.

    Attributes:
        best: Mean gain of the best setup; if it is 0, shortfalls are absolute instead of relative.
    """

    best: float

    @classmethod
    def of(cls, gains: Sequence[Sequence[float]]) -> Self:
        """Return the scale for gains, given by setup and repeat."""
        return cls(max(float(np.mean(each)) for each in gains))

    def places(self, gains: npt.ArrayLike) -> Floats:
        """Convert gains to positions on the scale: 0 is the best setup, and higher is better."""
        short = (self.best - np.asarray(gains, dtype=float)) / self._size
        return np.where(short > 0, -np.log1p(np.maximum(short, 0.0)), -short)

    def gains(self, places: npt.ArrayLike) -> Floats:
        """Convert positions on the scale back to gains."""
        at = np.asarray(places, dtype=float)
        short = np.where(at < 0, np.expm1(-np.minimum(at, 0.0)), -at)
        return np.asarray(self.best - self._size * short)

    @property
    def _size(self) -> float:
        return abs(self.best) or 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chosen setup, and probabilities for each setup, as fractions of the posterior draws.

    Attributes:
        setup: Index of the setup with the least expected loss. Shape (...).
        expected_loss: Expected loss of each setup minus that of the chosen one. Shape (..., setups).
        within: Probability that the objective is within the tolerance. Shape (..., setups).
        cheapest: Probability that it is the cheapest setup within the tolerance. Shape (..., setups).
        right: Probability that it is within the tolerance and needs at most 5 % more energy than the
            cheapest setup within it. Shape (..., setups).
        most_accurate: Probability that no setup has a better objective. Shape (..., setups).
    """

    setup: Integers
    expected_loss: Floats
    within: Floats
    cheapest: Floats
    right: Floats
    most_accurate: Floats

    def of_chosen(self, probability: Floats) -> Floats:
        """Return one of the probabilities for the chosen setup. Shape (...)."""
        return np.take_along_axis(probability, self.setup[..., None], axis=-1)[..., 0]


def probability_text(probability: float) -> str:
    """Format a probability in percent, never as 0 or 100 %, since it rests on a finite number of draws.

    The terminal, the report and the last line of a search all use this function, so that they agree.
    """
    if probability > 1 - _LEAST_NAMED:
        return f"over {100 * (1 - _LEAST_NAMED):.0f} %"
    if probability < _LEAST_NAMED:
        return f"under {100 * _LEAST_NAMED:.0f} %"
    return f"{100 * probability:.0f} %"


def losses(energies: Floats, objectives: Floats, aim: Aim) -> Floats:
    """Compute the loss of each setup, on the scale of log energy. Shape (..., setups).

    Args:
        energies: Natural logarithms of joules. Shape (..., setups).
        objectives: Objectives, higher is better (negated where lower is). The same shape.
        aim: Requirements on a setup.
    """
    short = objectives.max(axis=-1, keepdims=True) - aim.tolerance - objectives
    price = aim.price * np.maximum(short, 0.0) / aim.point
    return np.asarray(energies + price + aim.outside * (short > _ROUNDING))


def choose(energy: Posterior, objective: Posterior, aim: Aim) -> Choice:
    """Choose the setup with the least expected loss.

    Args:
        energy: Posterior of the logarithms of joules.
        objective: Posterior of the objective, higher is better.
        aim: Requirements on a setup.
    """
    energies, objectives = energy.pooled, objective.pooled
    expected = losses(energies, objectives, aim).mean(axis=-2)
    best = objectives.max(axis=-1, keepdims=True)
    enough = objectives >= best - aim.tolerance - _ROUNDING
    admitted = np.where(enough, energies, math.inf)
    least = admitted.min(axis=-1, keepdims=True)
    return Choice(
        setup=np.asarray(expected.argmin(axis=-1)),
        expected_loss=expected - expected.min(axis=-1, keepdims=True),
        within=enough.mean(axis=-2),
        cheapest=(admitted <= least).mean(axis=-2),
        right=(admitted <= least + math.log1p(NEAR)).mean(axis=-2),
        most_accurate=(objectives >= best).mean(axis=-2),
    )


def choose_by_means(energy: Repeats, objective: Repeats, aim: Aim) -> Integers:
    """Choose by the loss at the means, ignoring noise; for studies with one repeat. Shape (...)."""
    return np.asarray(losses(energy.mean, objective.mean, aim).argmin(axis=-1))
