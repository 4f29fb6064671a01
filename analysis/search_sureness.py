"""How sure a search is that it found the best: as sure as seeds let it be.

A setup's energy to target differs from seed to seed by a factor. Of that factor's logarithm the
standard deviation is pooled over all setups that were trained with several seeds; with it, the
means of all setups are drawn again and again (Student's t, no prior), and it is counted how often
the recommended one is the cheapest, or dearer by at most 5 %. Where no setup has two seeds,
nothing is known, and nothing is said.

A training that was stopped counts with the least that it can have needed. It flatters its setup,
so what comes out is the least that the probability can be.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

DRAWS = 20_000
NEAR = 0.05
"""As near to the best as the benchmarks ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """How sure an answer is.

    Attributes:
        setup: The recommended one.
        best: Probability that it is the best of those that were compared.
        near: Probability that it is at most 5 % dearer than the best of them (or, where accuracy
            is looked for, less accurate by at most 5 %).
        compared: Number of setups that were compared.
        stopped: Those of them of which no seed got to its end: of these the least is taken.
        factor: By which seeds differ: the exponential of the pooled standard deviation.
        repeats: Trainings beyond the first of each setup, on which that rests.
    """

    setup: int
    best: float
    near: float
    compared: int
    stopped: int
    factor: float
    repeats: int


def sureness(
    costs: Mapping[int, Sequence[float]],
    *,
    confirmed: bool,
    least: Mapping[int, Sequence[float]] | None = None,
    draws: int = DRAWS,
) -> Sureness | None:
    """Compute it; None where no setup has two seeds, or there is no setup.

    Args:
        costs: Of each setup, what each seed cost; all above 0, the less the better.
        confirmed: Whether the answer is one of the setups that were trained again.
        least: Of each setup, the least that each seed that was stopped can have cost.
        draws: Number of draws.
    """
    costs = {setup: many for setup, many in costs.items() if many}
    freedom = sum(len(many) - 1 for many in costs.values())
    if not freedom:
        return None
    deviation = math.sqrt(sum(_squares(many) for many in costs.values()) / freedom)
    every = {n: [*costs.get(n, ()), *(least or {}).get(n, ())] for n in {**costs, **(least or {})}}
    names = list(every)
    answer = recommended(costs, every, confirmed=confirmed)
    draw = np.random.default_rng(0)
    # One scale for all setups in a draw, because there is one deviation.
    scale = deviation / np.sqrt(draw.chisquare(freedom, size=(draws, 1)) / freedom)
    errors = np.array([1 / math.sqrt(len(every[name])) for name in names])
    means = np.array([fmean(map(math.log, every[name])) for name in names])
    drawn = means + scale * errors * draw.standard_normal((draws, len(names)))
    above = drawn[:, names.index(answer)] - drawn.min(axis=1)
    return Sureness(
        setup=answer,
        best=float((above <= 0).mean()),
        near=float((above <= math.log1p(NEAR)).mean()),
        compared=len(names),
        stopped=len(every.keys() - costs.keys()),
        factor=math.exp(deviation),
        repeats=freedom,
    )


def recommended(
    costs: Mapping[int, Sequence[float]], every: Mapping[int, Sequence[float]], *, confirmed: bool
) -> int:
    """The setup with the least mean; of those with several seeds, where such were `confirmed`."""
    again = {setup: many for setup, many in costs.items() if len(many) > 1}
    chosen = again if confirmed and again else costs
    return min(chosen, key=lambda setup: fmean(every[setup]))


def _squares(values: Sequence[float]) -> float:
    """Squared deviations of the logarithms from their mean, summed up."""
    logs = [math.log(each) for each in values]
    return sum((each - fmean(logs)) ** 2 for each in logs)
