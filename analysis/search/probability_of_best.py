"""How sure a search is that it found the best: as sure as seeds let it be.

A setup's energy to target differs from seed to seed by a factor. Of that factor's logarithm the
standard deviation is pooled over all setups that were trained with several seeds; with it, the
means of all setups are drawn again and again (Student's t, no prior), and it is counted how often
the recommended one is the cheapest, or dearer by at most 5 %. Where no setup has two seeds,
nothing is known, and nothing is said.

Setups of which no training got to its end are compared apart: each counts with the least that it
can have needed, which flatters all of them, so what comes out is the least that the probability
can be.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

DRAWS = 20_000
NEAR = 0.05
"""As near to the best as the benchmarks ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityOfBest:
    """How sure an answer is.

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
    draws: int = DRAWS,
) -> ProbabilityOfBest | None:
    """Return how sure an answer is; None where no setup has two seeds, or the answer no cost.

    Args:
        costs: Of each setup, what each seed cost; all above 0, the less the better.
        answer: Number of the recommended setup (`study.record.answers`).
        least: Of each setup, the least that each seed that was stopped can have cost.
        draws: Number of draws.
    """
    costs = {setup: many for setup, many in costs.items() if many}
    freedom = sum(len(many) - 1 for many in costs.values())
    if not freedom or answer not in costs:
        return None
    deviation = math.sqrt(sum(_squares(many) for many in costs.values()) / freedom)
    every = {n: [*costs.get(n, ()), *(least or {}).get(n, ())] for n in {**costs, **(least or {})}}
    drawn = _drawn(every, deviation, freedom, draws)
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
    every: Mapping[int, Sequence[float]], deviation: float, freedom: int, draws: int
) -> dict[int, npt.NDArray[np.float64]]:
    """Draws of the mean logarithm of each setup."""
    draw = np.random.default_rng(0)
    # One scale for all setups in a draw, because there is one deviation.
    scale = deviation / np.sqrt(draw.chisquare(freedom, size=draws) / freedom)
    return {
        name: fmean(map(math.log, values))
        + scale / math.sqrt(len(values)) * draw.standard_normal(draws)
        for name, values in every.items()
    }


def _squares(values: Sequence[float]) -> float:
    """Squared deviations of the logarithms from their mean, summed up."""
    logs = [math.log(each) for each in values]
    return sum((each - fmean(logs)) ** 2 for each in logs)
