"""Objective that one way of training gives up against another."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from analysis.energy.spread import Spread
from study.record.objective import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """Objective that a way of training gives up.

    Attributes:
        given_up: In the objective's own unit (of a share, in [0, 1]); negative where the objective
            has become better.
        reference: Value of the objective of the other way, which it is held against.
    """

    given_up: float
    reference: float

    @classmethod
    def of(
        cls, reference: Spread | None, other: Spread | None, objective: Objective
    ) -> Self | None:
        """Return the change from a reference to another way; None where one is not known."""
        if reference is None or other is None:
            return None
        given_up = objective.gain(reference.mean) - objective.gain(other.mean)
        return cls(given_up=given_up, reference=reference.mean)

    @classmethod
    def mean(cls, changes: Iterable[Self | None]) -> Self | None:
        """Return the mean over setups of those that are known; None where none is."""
        known = [each for each in changes if each is not None]
        if not known:
            return None
        return cls(
            given_up=statistics.fmean(each.given_up for each in known),
            reference=statistics.fmean(each.reference for each in known),
        )

    def relative(self, objective: Objective) -> float:
        """Return what a tolerance is held against: points of a share, else relative to the reference."""
        return self.given_up if objective.is_share else self.given_up / (abs(self.reference) or 1.0)
