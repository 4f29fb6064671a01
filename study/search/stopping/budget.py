"""The energy that a whole search may use.

Everything counts: epochs, set-up, what lies between epochs, tests, attempts that were lost. A trial
is begun only if it can get to its first rung; once the budget is used, each running trial ends with
the epoch it is in. So the budget is passed by at most one epoch for each running trial.

What a trial uses beside its epochs (its overhead) is known only afterwards. Until then each trial
is counted with as much as the dearest of all trials so far has used; before the first one nobody
knows anything.
"""

import math
from typing import final


@final
class Budget:
    """Joules that may be used, and those that were.

    Attributes:
        limit_j: What may be used; infinite where there is no budget.
        spent_j: What was used, as far as it was booked.
        dearest_epoch_j: The costliest epoch so far; 0 before the first.
        dearest_overhead_j: The costliest overhead of a trial so far; 0 before the first.
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
        self.dearest_overhead_j = 0.0
        self._promised: dict[str, float] = {}
        self._overheads: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._ended: set[str] = set()

    @property
    def expected_j(self) -> float:
        """Energy used, with the overhead that begun trials are still expected to report."""
        ahead = (max(0.0, self.dearest_overhead_j - told_j) for told_j in self._overheads.values())
        return self.spent_j + sum(ahead)

    @property
    def is_used_up(self) -> bool:
        """Return whether running trials are to end with the epoch they are in."""
        return self.expected_j >= self.limit_j

    def start(self, trial: str, *, first_rung_j: float) -> bool:
        """Begin a trial, if it can get to its first rung beside those that run already.

        Args:
            trial: Its name.
            first_rung_j: Energy to its first rung, as far as that is known beforehand; at least
                that of the costliest epoch so far is taken.

        Returns:
            Whether it may begin.
        """
        if not self.has_room(first_rung_j=first_rung_j):
            return False
        self._promised[trial] = max(first_rung_j, self.dearest_epoch_j)
        self._overheads[trial] = 0.0
        return True

    def has_room(self, *, first_rung_j: float) -> bool:
        """Return whether a trial may begin; see `start`."""
        epochs_j = max(first_rung_j, self.dearest_epoch_j)
        needed_j = sum(self._promised.values()) + epochs_j + self.dearest_overhead_j
        return not self.is_used_up and self.expected_j + needed_j <= self.limit_j

    def epoch(self, trial: str, energy_j: float) -> None:
        """Book an epoch; it counts against what was promised to its trial."""
        self.dearest_epoch_j = max(self.dearest_epoch_j, energy_j)
        self._promised[trial] = max(0.0, self._promised.get(trial, 0.0) - energy_j)
        self.book(energy_j)

    def overhead(self, trial: str, energy_j: float, *, lost_j: float = 0.0) -> None:
        """Take what a trial has used beside its epochs, in all so far; what is new is booked.

        Args:
            trial: Its name.
            energy_j: Set-up, what lies between epochs, and tests, of its last attempt.
            lost_j: Its attempts before, which no other trial is expected to lose.
        """
        known_j = self._told.get(trial, 0.0)
        self._told[trial] = max(known_j, energy_j + lost_j)
        self.book(self._told[trial] - known_j)
        self.dearest_overhead_j = max(self.dearest_overhead_j, energy_j)
        if trial in self._overheads:
            self._overheads[trial] = energy_j
        if trial in self._ended:
            self._overheads.pop(trial, None)

    def book(self, energy_j: float) -> None:
        """Book whatever else was used."""
        self.spent_j += energy_j

    def end(self, trial: str) -> None:
        """A trial has ended: no epoch is promised to it any more.

        Its overhead is expected until it is told once more.
        """
        self._promised.pop(trial, None)
        self._ended.add(trial)
