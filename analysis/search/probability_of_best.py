"""Probability that a search has found the best setup, from the spread over seeds.

A setup's energy to target varies from seed to seed by a factor. The means of all setups are drawn
from the posterior of `study.inference` (logarithms, partially pooled variances, means shrunk towards those of
the other setups because the best of many is partly luck). The probability is the share of draws in
which the recommended setup is the cheapest, or needs at most 5 % more energy than it. If no setup has two
seeds, the spread is unknown and no probability is given.

Setups none of whose trainings was completed enter a second comparison, each with the least energy
that it can have needed. That flatters all of them, so the result is a lower bound on the probability.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.inference.choice import NEAR
from study.inference.moderation import pooled_variance
from study.inference.posterior import axes_of, posterior
from study.inference.repeats import Floats, Repeats

DRAWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityOfBest:
    """Probability that the answer of a search is the best setup.

    Attributes:
        setup: Number of the recommended setup.
        best: Probability that it is the best of the setups with a completed training.
        near: Probability that it needs at most 5 % more energy than the best of them (or, if the goal is
            accuracy, at most 5 % less accurate).
        compared: Number of setups with a completed training.
        least: Lower bound on the probability that it is the best of all setups, taking each stopped
            setup to be as cheap as it can be; None if none was stopped.
        stopped: Number of setups that were stopped in all their trainings.
        factor: Factor by which seeds differ: exponential of the pooled standard deviation.
        repeats: Number of trainings beyond the first of each setup, which `factor` is estimated from.
    """

    setup: int
    best: float
    near: float
    compared: int
    least: float | None
    stopped: int
    factor: float
    repeats: int


def probability_of_best(
    costs: Mapping[int, Sequence[float]],
    *,
    answer: int,
    least: Mapping[int, Sequence[float]] | None = None,
    parameters: Mapping[int, Mapping[str, object]] | None = None,
    draws: int = DRAWS,
) -> ProbabilityOfBest | None:
    """Return the probability of an answer; None if no setup has two seeds or the answer has no cost.

    Args:
        costs: Cost of each completed seed, by setup; all above 0, the less the better.
        answer: Number of the recommended setup (`study.record.search.answers`).
        least: Lower bound on the cost of each stopped seed, by setup.
        parameters: Parameters of each setup, by name; setups that share a value inform each other.
        draws: Number of draws.
    """
    costs = {setup: many for setup, many in costs.items() if many}
    freedom = sum(len(many) - 1 for many in costs.values())
    if not freedom or answer not in costs:
        return None
    deviation = math.sqrt(float(pooled_variance(Repeats.of_energies_j(list(costs.values())))))
    every = {n: [*costs.get(n, ()), *(least or {}).get(n, ())] for n in {**costs, **(least or {})}}
    drawn = _drawn(every, parameters or {}, draws)
    above = drawn[answer] - np.min([drawn[name] for name in costs], axis=0)
    stopped = every.keys() - costs.keys()
    above_all = drawn[answer] - np.min(list(drawn.values()), axis=0)
    return ProbabilityOfBest(
        setup=answer,
        best=float((above <= 0).mean()),
        near=float((above <= math.log1p(NEAR)).mean()),
        compared=len(costs),
        least=float((above_all <= 0).mean()) if stopped else None,
        stopped=len(stopped),
        factor=math.exp(deviation),
        repeats=freedom,
    )


def _drawn(
    every: Mapping[int, Sequence[float]],
    parameters: Mapping[int, Mapping[str, object]],
    draws: int,
) -> Mapping[int, Floats]:
    """Draw the mean logarithm of each setup's cost, by setup; empty if there is no posterior."""
    axes = axes_of([parameters[name] for name in every]) if parameters.keys() >= {*every} else None
    found = posterior(Repeats.of_energies_j(list(every.values())), axes=axes, draws=draws)
    return {} if found is None else dict(zip(every, found.pooled.T, strict=True))
