"""Strategies that are compared: a sampler, with or without each means of stopping trials early."""

from dataclasses import dataclass

from study.search.proposals import SamplerName
from study.search.stopping.halving import Rungs


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """Sampler and means of stopping trials early.

    Attributes:
        name: Name shown in tables.
        sampler: Name of the sampler that proposes setups.
        halving: Unit of the rungs of successive halving; None without halving.
        capping: Whether trials end at the target, or when they cannot beat the best one.
        backwards: Whether the grid is searched from its end, as its order is a matter of luck.
    """

    name: str
    sampler: SamplerName
    halving: Rungs | None = None
    capping: bool = False
    backwards: bool = False


STRATEGIES: tuple[Strategy, ...] = (
    Strategy(name="grid, in its order", sampler="grid"),
    Strategy(name="grid, backwards", sampler="grid", backwards=True),
    Strategy(name="random", sampler="random"),
    Strategy(name="TPE", sampler="tpe"),
    Strategy(name="NSGA-II", sampler="nsga2"),
    Strategy(name="GP", sampler="gp"),
    Strategy(name="halving by epochs", sampler="random", halving=Rungs.EPOCHS),
    Strategy(name="halving by energy", sampler="random", halving=Rungs.ENERGY),
    Strategy(name="random + cap", sampler="random", capping=True),
    Strategy(name="TPE + cap", sampler="tpe", capping=True),
    Strategy(name="GP + cap", sampler="gp", capping=True),
    Strategy(
        name="TPE + cap + halving by energy", sampler="tpe", capping=True, halving=Rungs.ENERGY
    ),
)
"""Strategies that are compared; the last is what `python -m study.search` does for energy to target when it does
not pause trainings."""
