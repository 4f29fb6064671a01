"""Order in which arms are tried: the middle of the space first, then arms close to good ones.

The middle is closest to the best arm wherever that is, and users list values around those that seem right;
of two middle values the lower is taken. After that, the log cost of the arms is modelled as a Gaussian
process over the ranks of the values (words are either equal or not), and the arm with the largest expected
improvement over the best comes next (Jones, Schonlau and Welch 1998, Journal of Global Optimization
13:455). A paused arm counts with its predicted cost.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from study.search.space.space import Axis, Choice

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

REACH = 0.25
"""Length scale of an axis, as a fraction of the number of its values; at least one rank."""

LOWER = 0.01

UNLIKE = 0.5
"""Correlation of two arms that differ in one word."""

OWN_VARIANCE = 0.05
"""Variance of an arm's log cost that it does not share with its neighbours: seeds, and its own effect."""

LEAST_J = 1e-12
"""Lower bound for energies before taking the logarithm, which 0 does not have."""

LEAST_VARIANCE = math.log(2) ** 2
"""Lower bound for the variance of the log cost over arms: they are assumed to differ by a factor of two."""


@final
class ArmOrder:
    """Gaussian process over the arms of a search, which says which of them to try next."""

    def __init__(
        self,
        axes: Sequence[Axis],
        arms: Sequence[Choice],
        *,
        seed: int,
        start: Sequence[Choice] = (),
    ) -> None:
        """Prepare the order.

        Args:
            axes: Axes of the arms.
            arms: All arms.
            seed: Seed that decides between equally good arms.
            start: Arms that come first, in this order.
        """
        self._start = tuple(start)
        self._arms = list(arms)
        random.Random(seed).shuffle(self._arms)  # noqa: S311 - an order, not a secret
        self._place = {arm: place for place, arm in enumerate(self._arms)}
        places = [
            np.asarray([axis.values.index(arm[column]) for arm in self._arms], dtype=np.float64)
            for column, axis in enumerate(axes)
        ]
        self._alike = np.ones((len(self._arms), len(self._arms)))
        self._far = np.zeros(len(self._arms))
        for axis, ranks in zip(axes, places, strict=True):
            apart = np.abs(ranks[:, None] - ranks[None, :])
            if axis.is_ordered:
                reach = max(1.0, REACH * len(axis.values))
                self._alike *= np.exp(-((apart / reach) ** 2) / 2)
                # LOWER makes the lower of two middle values the nearer one.
                self._far += ((ranks - (len(axis.values) - 1) / 2 + LOWER) / len(axis.values)) ** 2
            else:
                self._alike *= np.where(apart > 0, UNLIKE, 1.0)

    def next(self, untried: Sequence[Choice], costs_j: Mapping[Choice, float]) -> Choice:
        """Return the arm to try next.

        Args:
            untried: Arms to choose from; at least one.
            costs_j: Energy to the target of the other arms in joules, known or predicted.
        """
        for arm in self._start:
            if arm in untried:
                return arm
        places = np.asarray(sorted(self._place[arm] for arm in untried))
        if not costs_j:
            return self._arms[int(places[self._far[places].argmin()])]
        known = np.asarray([self._place[arm] for arm in costs_j])
        worth = self._improvement(
            places, known, np.log(np.maximum(list(costs_j.values()), LEAST_J))
        )
        return self._arms[int(places[worth.argmax()])]

    def drawn(
        self, costs_j: Mapping[Choice, Sequence[float]], source: np.random.Generator
    ) -> dict[Choice, float]:
        """Draw the log cost of each arm from its posterior, for Thompson sampling.

        Args:
            costs_j: Energies to the target of the trainings of each known arm, in joules; at least one
                arm with one training.
            source: Random generator.

        Returns:
            Natural logarithms of joules, by arm.
        """
        known = np.asarray([self._place[arm] for arm in costs_j])
        logs = [np.log(np.maximum(each, LEAST_J)) for each in costs_j.values()]
        means = np.asarray([each.mean() for each in logs])
        counts = np.asarray([len(each) for each in logs])
        level, scale = means.mean(), max(float(means.var()), LEAST_VARIANCE)
        between = scale * self._alike + np.diag(np.full(len(self._arms), OWN_VARIANCE / 2))
        seen = between[np.ix_(known, known)] + np.diag(OWN_VARIANCE / 2 / counts)
        across = between[:, known]
        solved = np.linalg.solve(seen, np.column_stack([means - level, across.T]))
        covariance = between - across @ solved[:, 1:]
        root = np.linalg.cholesky(covariance + np.diag(np.full(len(self._arms), 1e-9 * scale)))
        values = level + across @ solved[:, 0] + root @ source.standard_normal(len(self._arms))
        return dict(zip(self._arms, map(float, values), strict=True))

    def _improvement(self, places: Places, known: Places, costs: Floats) -> Floats:
        """Return each arm's expected improvement in log cost over the cheapest known arm."""
        level = costs.mean()
        scale = max(float(costs.var()), LEAST_VARIANCE)
        between = scale * self._alike[np.ix_(known, known)]
        between[np.diag_indices_from(between)] += OWN_VARIANCE
        across = scale * self._alike[np.ix_(places, known)]
        solved = np.linalg.solve(between, np.column_stack([costs - level, across.T]))
        centre = level + across @ solved[:, 0]
        variance = scale + OWN_VARIANCE - np.einsum("ij,ji->i", across, solved[:, 1:])
        deviation = np.sqrt(np.maximum(variance, OWN_VARIANCE))
        z = (costs.min() - centre) / deviation
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return np.asarray(deviation * (z * ndtr(z) + density))
