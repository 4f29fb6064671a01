"""Probability that a search has found the best setup, from the spread over seeds.

A setup's energy to target differs from seed to seed by a factor. By the model of `study.inference`
(logarithms, a spread that all setups share in part) the means of all setups are drawn again and
again, leaning on those of the other setups because the best of many is partly luck, and it is
counted how often the recommended one is the cheapest, or dearer by at most 5 %. Where no setup has
two seeds, nothing is known, and nothing is said.

Setups of which no training got to its end are compared apart: each counts with the least that it
can have needed, which flatters all of them, so what comes out is the least that the probability
can be.
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
    """Probability of an answer.

    Attributes:
        setup: The recommended one.
        best: Probability that it is the best of those of which a training got to its end.
        near: Probability that it is at most 5 % dearer than the best of them (or, where accuracy
            is looked for, less accurate by at most 5 %).
        compared: Number of these.
        least: Probability that it is the best of all, were each setup that was stopped as cheap as
            it can be; None where none was.
        stopped: Number of those.
        factor: By which seeds differ: the exponential of the pooled standard deviation.
        repeats: Trainings beyond the first of each setup, on which that rests.
    """

    setup: int
    best: float
    near: float
    compared: int
    least: float | None
    stopped: int
    factor: float
    repeats: int


def sureness(
    costs: Mapping[int, Sequence[float]],
    *,
    answer: int,
    least: Mapping[int, Sequence[float]] | None = None,
    parameters: Mapping[int, Mapping[str, object]] | None = None,
    draws: int = DRAWS,
) -> ProbabilityOfBest | None:
    """Return how sure an answer is; None where no setup has two seeds, or the answer no cost.

    Args:
        costs: Of each setup, what each seed cost; all above 0, the less the better.
        answer: Number of the recommended setup (`study.record.search.answers`).
        least: Of each setup, the least that each seed that was stopped can have cost.
        parameters: What each setup chooses, by name; setups that share a value lean on each other.
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
    """Draws of the mean logarithm of each setup."""
    axes = axes_of([parameters[name] for name in every]) if parameters.keys() >= {*every} else None
    found = posterior(Repeats.of_energies_j(list(every.values())), axes=axes, draws=draws)
    return {} if found is None else dict(zip(every, found.pooled.T, strict=True))
