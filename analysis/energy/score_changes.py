"""Change of the objective between two ways of training."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from analysis.energy.spread import Spread
from study.record.objective import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """Shortfall of the objective by one way of training relative to a reference.

    Attributes:
        shortfall: By how much the objective is worse than the reference, in the objective's own unit;
            negative if it is better.
        reference: Value of the objective of the reference.
    """

    shortfall: float
    reference: float

    @classmethod
    def of(
        cls, reference: Spread | None, other: Spread | None, objective: Objective
    ) -> Self | None:
        """Return the change of the mean from a reference to another way of training; None if one is unknown."""
        if reference is None or other is None:
            return None
        shortfall = objective.gain(reference.mean) - objective.gain(other.mean)
        return cls(shortfall=shortfall, reference=reference.mean)

    @classmethod
    def mean(cls, changes: Iterable[Self | None]) -> Self | None:
        """Return the mean of the known changes of several setups; None if none is known."""
        known = [each for each in changes if each is not None]
        if not known:
            return None
        return cls(
            shortfall=statistics.fmean(each.shortfall for each in known),
            reference=statistics.fmean(each.reference for each in known),
        )

    def relative(self, objective: Objective) -> float:
        """Return the change to compare with a tolerance: absolute for a share, else relative to the reference."""
        return (
            self.shortfall if objective.is_share else self.shortfall / (abs(self.reference) or 1.0)
        )
