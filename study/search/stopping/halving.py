"""Successive halving with rungs in energy (or epochs).

Asynchronous successive halving (ASHA) in its stopping form (Li et al., "A System for Massively Parallel
Hyperparameter Tuning", arXiv 1810.05934): the rungs are first, first x factor, first x factor^2 ...; a
trial that crosses a rung continues if it is among the best 1/factor of all that have crossed it so far,
itself included. With rungs in energy, a frugal setup gets more epochs than a costly one for the same
joules, as it should in a search whose cost is counted in joules.
"""

import bisect
import math
from enum import StrEnum
from typing import final

from study.record.search.curves import TrialCurve


class Rungs(StrEnum):
    """Quantity in which the rungs of successive halving are measured."""

    ENERGY = "energy"
    EPOCHS = "epochs"


@final
class Halving:
    """Successive halving of one search, with the scores of the trials at each rung.

    Attributes:
        first: First rung, in joules or epochs; None until the first epoch of the search, from which it
            is then set to two epochs.
    """

    def __init__(self, *, rungs: Rungs, first: float | None = None, factor: float = 2.0) -> None:
        """Set the rungs to `first` x `factor`^k.

        Args:
            rungs: Quantity in which rungs are measured.
            first: First rung, in joules or epochs; None to derive it from the first epoch.
            factor: Ratio of successive rungs; 1/factor of the trials continue at each.

        Raises:
            ValueError: `first` is not above 0, or `factor` not above 1.
        """
        if not ((first is None or 0 < first < math.inf) and 1 < factor < math.inf):
            message = (
                f"first rung {first}, factor {factor}; allowed: a rung above 0 and a factor above 1"
            )
            raise ValueError(message)
        self.first = first
        self._rungs = rungs
        self._factor = factor
        self._crossed: dict[int, list[float]] = {}

    def goes_on(self, curve: TrialCurve, *, last_epoch_j: float) -> bool:
        """Return whether a trial may continue after an epoch.

        Args:
            curve: Curve of the trial, this epoch included.
            last_epoch_j: Energy of this epoch, in joules.
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
        """Return what a trial has used so far, in joules or epochs."""
        return curve.known_j if self._rungs is Rungs.ENERGY else float(curve.epochs)

    def _before(self, curve: TrialCurve, last_epoch_j: float) -> float:
        """Return what a trial had used before its last epoch, in joules or epochs."""
        now = self._amount(curve)
        return now - (last_epoch_j if self._rungs is Rungs.ENERGY else 1.0)

    def _rung(self, amount: float) -> int | None:
        """Return the number of the highest rung at or below an amount, from 0; None below the first."""
        if not self.first or amount < self.first:
            return None
        # The tolerance keeps a computed first x factor^k on its own rung despite rounding.
        return math.floor(math.log(amount / self.first, self._factor) + 1e-9)
