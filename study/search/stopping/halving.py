"""Successive halving whose rungs are energies (or epochs): who may go on.

Asynchronous halving in its stopping form (Li et al., "A System for Massively Parallel
Hyperparameter Tuning", arXiv 1810.05934): rungs lie at first, first x factor, first x factor^2 ...;
a trial that crosses a rung goes on if it is among the best 1/factor of those that have crossed it
before it, itself included. With energies as rungs a frugal setup gets more epochs than a costly one
for the same joules, which is what a search that pays in joules wants.
"""

import bisect
import math
from enum import StrEnum
from typing import final

from study.record.search.curves import TrialCurve


class Rungs(StrEnum):
    """Unit and places of the rungs of a halving."""

    ENERGY = "energy"
    EPOCHS = "epochs"


@final
class Halving:
    """The rungs of one search, and who has crossed them.

    Attributes:
        first: The first rung, in joules or epochs; None until the first epoch of the search, which
            then makes it twice itself.
    """

    def __init__(self, *, rungs: Rungs, first: float | None = None, factor: float = 2.0) -> None:
        """Put rungs at `first` x `factor`^k.

        Raises:
            ValueError: `first` is not above 0, or `factor` not above 1.
        """
        if not ((first is None or 0 < first < math.inf) and 1 < factor < math.inf):
            message = (
                f"first rung {first}, factor {factor}; allowed is a rung above 0 and a factor "
                "above 1"
            )
            raise ValueError(message)
        self.first = first
        self._rungs = rungs
        self._factor = factor
        self._crossed: dict[int, list[float]] = {}

    def goes_on(self, curve: TrialCurve, *, last_epoch_j: float) -> bool:
        """Return whether a trial may go on after an epoch.

        Args:
            curve: The trial with that epoch.
            last_epoch_j: Energy of that epoch.
        """
        if self.first is None:
            self.first = 2 * (last_epoch_j if self._rungs is Rungs.ENERGY else 1.0)
        rung = self._rung(self._amount(curve))
        if rung is None or rung == self._rung(self._before(curve, last_epoch_j)):
            return True
        gain = -math.inf if curve.best_score is None else curve.objective.gain(curve.best_score)
        seen = self._crossed.setdefault(rung, [])
        bisect.insort(seen, gain)
        kept = max(1, math.ceil(len(seen) / self._factor))
        return gain >= seen[-kept]

    def _amount(self, curve: TrialCurve) -> float:
        """Amount that a trial has used so far, in the unit of the rungs."""
        return curve.known_j if self._rungs is Rungs.ENERGY else float(curve.epochs)

    def _before(self, curve: TrialCurve, last_epoch_j: float) -> float:
        """Amount that a trial had used before its last epoch."""
        now = self._amount(curve)
        return now - (last_epoch_j if self._rungs is Rungs.ENERGY else 1.0)

    def _rung(self, amount: float) -> int | None:
        """Number of the highest rung at or below an amount; None below the first."""
        if not self.first or amount < self.first:
            return None
        # The tolerance keeps first x factor^k, as computed, on its own rung.
        return math.floor(math.log(amount / self.first, self._factor) + 1e-9)
