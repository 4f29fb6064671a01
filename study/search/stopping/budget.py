"""Energy budget of a whole search.

Everything counts: epochs, set-up, the time between epochs, tests, lost attempts. A trial starts only if
the budget lets it reach its first rung. Once the budget is used up, each running trial ends after its
current epoch, so the budget is exceeded by at most one epoch per running trial.

The energy of a trial outside its epochs (its overhead) is known only afterwards. Until then each trial is
assumed to need as much as the highest overhead of any trial so far; before the first one, nothing.
"""

import math
from typing import final


@final
class Budget:
    """Energy budget with the energy booked on it.

    Attributes:
        limit_j: Energy that may be used; infinite without a budget.
        spent_j: Energy booked so far.
        max_epoch_j: Highest energy of an epoch so far; 0 before the first.
        max_overhead_j: Highest overhead of a trial so far; 0 before the first.
    """

    def __init__(self, limit_j: float | None = None) -> None:
        """Set the limit; None for no limit.

        Raises:
            ValueError: The limit is not above 0.
        """
        if limit_j is not None and not limit_j > 0:
            message = f"a budget of {limit_j} J; allowed: a number above 0"
            raise ValueError(message)
        self.limit_j = math.inf if limit_j is None else limit_j
        self.spent_j = 0.0
        self.max_epoch_j = 0.0
        self.max_overhead_j = 0.0
        self._reserved_j: dict[str, float] = {}
        self._overheads: dict[str, float] = {}
        self._reported_j: dict[str, float] = {}
        self._ended: set[str] = set()

    @property
    def expected_j(self) -> float:
        """Energy used, plus the overhead that started trials are still expected to report."""
        ahead = (
            max(0.0, self.max_overhead_j - reported_j) for reported_j in self._overheads.values()
        )
        return self.spent_j + sum(ahead)

    @property
    def is_used_up(self) -> bool:
        """Return whether running trials are to end after their current epoch."""
        return self.expected_j >= self.limit_j

    def start(self, trial: str, *, first_rung_j: float) -> bool:
        """Reserve the energy for a trial, if it can reach its first rung beside the running trials.

        Args:
            trial: Identifier of the trial.
            first_rung_j: Energy to its first rung, as far as known in advance; the highest energy of an
                epoch so far is used where that is larger.

        Returns:
            Whether the trial may start.
        """
        if not self.has_room(first_rung_j=first_rung_j):
            return False
        self._reserved_j[trial] = max(first_rung_j, self.max_epoch_j)
        self._overheads[trial] = 0.0
        return True

    def has_room(self, *, first_rung_j: float) -> bool:
        """Return whether another trial may start; see `start`."""
        epochs_j = max(first_rung_j, self.max_epoch_j)
        needed_j = sum(self._reserved_j.values()) + epochs_j + self.max_overhead_j
        return not self.is_used_up and self.expected_j + needed_j <= self.limit_j

    def epoch(self, trial: str, energy_j: float) -> None:
        """Book an epoch, which also reduces the energy reserved for its trial."""
        self.max_epoch_j = max(self.max_epoch_j, energy_j)
        self._reserved_j[trial] = max(0.0, self._reserved_j.get(trial, 0.0) - energy_j)
        self.book(energy_j)

    def overhead(self, trial: str, energy_j: float, *, lost_j: float = 0.0) -> None:
        """Update the total overhead of a trial so far, and book the increase.

        Args:
            trial: Identifier of the trial.
            energy_j: Energy of set-up, between epochs, and of tests, in its last attempt.
            lost_j: Energy of its earlier attempts, which is not expected of other trials.
        """
        known_j = self._reported_j.get(trial, 0.0)
        self._reported_j[trial] = max(known_j, energy_j + lost_j)
        self.book(self._reported_j[trial] - known_j)
        self.max_overhead_j = max(self.max_overhead_j, energy_j)
        if trial in self._overheads:
            self._overheads[trial] = energy_j
        if trial in self._ended:
            self._overheads.pop(trial, None)

    def book(self, energy_j: float) -> None:
        """Book energy that `epoch` and `overhead` do not cover, such as that of earlier commands."""
        self.spent_j += energy_j

    def end(self, trial: str) -> None:
        """Release the energy reserved for the epochs of a trial that has ended.

        Its expected overhead stays reserved until `overhead` is called for it once more.
        """
        self._reserved_j.pop(trial, None)
        self._ended.add(trial)
