"""The energy that a whole search may use.

Everything counts: epochs, set-up, what lies between epochs, attempts that were lost. A trial is
begun only if it can get to its first rung; once the budget is used, each running trial ends with
the epoch it is in. So the budget is passed by at most one epoch for each running trial.
"""

import math
from typing import final


@final
class Budget:
    """Joules that may be used, and those that were.

    Attributes:
        limit_j: What may be used; infinite where there is no budget.
        spent_j: What was used.
        dearest_epoch_j: The costliest epoch so far; 0 before the first.
    """

    def __init__(self, limit_j: float | None = None) -> None:
        """Allow `limit_j`, or without it whatever is used.

        Raises:
            ValueError: It is not above 0.
        """
        if limit_j is not None and not limit_j > 0:
            message = f"a budget of {limit_j} J; allowed is a number above 0"
            raise ValueError(message)
        self.limit_j = math.inf if limit_j is None else limit_j
        self.spent_j = 0.0
        self.dearest_epoch_j = 0.0
        self._promised: dict[str, float] = {}

    @property
    def is_used_up(self) -> bool:
        """Whether running trials are to end with the epoch they are in."""
        return self.spent_j >= self.limit_j

    def start(self, trial: str, *, first_rung_j: float) -> bool:
        """Begin a trial, if it can get to its first rung beside those that run already.

        Args:
            trial: Its name.
            first_rung_j: Energy to its first rung, as far as that is known beforehand; at least
                that of the costliest epoch so far is taken.

        Returns:
            Whether it may begin.
        """
        needed_j = max(first_rung_j, self.dearest_epoch_j)
        if self.is_used_up or self.spent_j + sum(self._promised.values()) + needed_j > self.limit_j:
            return False
        self._promised[trial] = needed_j
        return True

    def epoch(self, trial: str, energy_j: float) -> None:
        """Book an epoch; it counts against what was promised to its trial."""
        self.dearest_epoch_j = max(self.dearest_epoch_j, energy_j)
        self._promised[trial] = max(0.0, self._promised.get(trial, 0.0) - energy_j)
        self.book(energy_j)

    def book(self, energy_j: float) -> None:
        """Book whatever else was used: set-up, pauses, lost attempts."""
        self.spent_j += energy_j

    def end(self, trial: str) -> None:
        """A trial has ended: nothing is promised to it any more."""
        self._promised.pop(trial, None)
