"""Choice of the setup to use, by the least expected loss, and the probability that it is right.

The loss of a setup is the logarithm of its energy, plus a price for each point by which its
objective falls short of what was asked for: the best setup's, less the tolerance. A price of
log(1.4) means that a point is worth 40 % of energy. That it falls short at all, by however little,
costs another 10 %. Its expectation over what the true means can
be (`study.inference.posterior`) decides, so that a setup whose objective is only perhaps good
enough pays for the points by which it may fall short.
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
"""As near to the cheapest as counts as cheapest."""

_ROUNDING = 1e-9

_LEAST_NAMED = 0.01
"""Nearer than this to 0 or to 1 a probability is said to be under 1 or over 99 %."""


class Preference(StrEnum):
    """Exchange rate between energy and the last point of the objective."""

    ENERGY = "energy"
    BALANCED = "balanced"
    ACCURACY = "accuracy"

    @property
    def price(self) -> float:
        """Worth of a point, in logarithms of energy: log 1.2, log 1.4 or log 1.8."""
        return math.log1p(_SHARES[self])


_SHARES = {Preference.ENERGY: 0.2, Preference.BALANCED: 0.4, Preference.ACCURACY: 0.8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Requirements on a setup.

    Attributes:
        tolerance: By how much its objective may be worse than the best setup's; at least 0.
        point: What a point of the objective is: 0.01 of a share.
        price: Logarithm of the energy that a point is worth; at least 0.
        outside: Logarithm of the energy that it is worth to be within the tolerance at all; at
            least 0.
    """

    tolerance: float = 0.01
    point: float = 0.01
    price: float = Preference.BALANCED.price
    outside: float = math.log1p(0.1)

    def __post_init__(self) -> None:
        """Check signs.

        Raises:
            ValueError: One of them is negative, or the point is 0.
        """
        if min(self.tolerance, self.price, self.outside) < 0 or self.point <= 0:
            msg = f"{self}: tolerance, price and outside are at least 0, a point is above 0"
            raise ValueError(msg)

    @property
    def relative(self) -> "Aim":
        """The aim on the scale of `RelativeGains`, whose tolerance and point are shares of the best value."""
        tolerance, point = math.log1p(self.tolerance), math.log1p(self.point)
        return replace(self, tolerance=tolerance, point=point)


@dataclass(frozen=True, slots=True)
class RelativeGains:
    """Scale of an objective that is no share: by which share of the best value a gain falls short of it.

    Repeats of such an objective mostly differ the more the worse they are: at too high a learning rate a
    loss may be a thousand times the best, and so may the spread of its repeats. As plain numbers these few would
    decide how uncertain all setups are taken to be. So a shortfall x is -log(1 + x): near the best the
    share itself, farther off the logarithm of the factor.

    Attributes:
        best: The best setup's mean gain; of 0 nothing is a share, and gains count as they are.
    """

    best: float

    @classmethod
    def of(cls, gains: Sequence[Sequence[float]]) -> Self:
        """Return the scale of gains by setup and repeat."""
        return cls(max(float(np.mean(each)) for each in gains))

    def places(self, gains: npt.ArrayLike) -> Floats:
        """Places of gains on the scale: 0 is the best setup's, and more is better."""
        short = (self.best - np.asarray(gains, dtype=float)) / self._size
        return np.where(short > 0, -np.log1p(np.maximum(short, 0.0)), -short)

    def gains(self, places: npt.ArrayLike) -> Floats:
        """Gains at places of the scale."""
        at = np.asarray(places, dtype=float)
        short = np.where(at < 0, np.expm1(-np.minimum(at, 0.0)), -at)
        return np.asarray(self.best - self._size * short)

    @property
    def _size(self) -> float:
        return abs(self.best) or 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chosen setup, and what is probable of each. Probabilities are shares of the draws.

    Attributes:
        setup: Place of the setup with the least expected loss. Shape (...).
        expected_loss: Of each setup, less that of the chosen one. Shape (..., setups).
        within: Probability that the objective is within the tolerance. Shape (..., setups).
        cheapest: Probability that it is the cheapest such. Shape (..., setups).
        right: Probability that it is within the tolerance and at most 5 % dearer than the
            cheapest such. Shape (..., setups).
        most_accurate: Probability that no other objective is better. Shape (..., setups).
    """

    setup: Integers
    expected_loss: Floats
    within: Floats
    cheapest: Floats
    right: Floats
    most_accurate: Floats

    def of_chosen(self, probability: Floats) -> Floats:
        """One of the probabilities, of the chosen setup. Shape (...)."""
        return np.take_along_axis(probability, self.setup[..., None], axis=-1)[..., 0]


def probability_text(probability: float) -> str:
    """A probability in percent; what was drawn a finite number of times is never quite 0 or 100 %.

    The terminal, the report and a search's last line ask here, so that one answer has one probability.
    """
    if probability > 1 - _LEAST_NAMED:
        return f"over {100 * (1 - _LEAST_NAMED):.0f} %"
    if probability < _LEAST_NAMED:
        return f"under {100 * _LEAST_NAMED:.0f} %"
    return f"{100 * probability:.0f} %"


def losses(energies: Floats, objectives: Floats, aim: Aim) -> Floats:
    """Loss of each setup, in logarithms of energy.

    Args:
        energies: Logarithms of joules. Shape (..., setups).
        objectives: The higher the better; of one to be minimised the negative. The same shape.
        aim: What is asked for.
    """
    short = objectives.max(axis=-1, keepdims=True) - aim.tolerance - objectives
    price = aim.price * np.maximum(short, 0.0) / aim.point
    return np.asarray(energies + price + aim.outside * (short > _ROUNDING))


def choose(energy: Posterior, objective: Posterior, aim: Aim) -> Choice:
    """Choose by expected loss.

    Args:
        energy: Of logarithms of joules.
        objective: The higher the better.
        aim: What is asked for.
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
    """Choose by the loss of the means, as if there were no noise; for one repeat. Shape (...)."""
    return np.asarray(losses(energy.mean, objective.mean, aim).argmin(axis=-1))
