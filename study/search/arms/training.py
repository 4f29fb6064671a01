"""One training of an arm: its progress and its predicted cost. Pure arithmetic.

An arm is the part of a setup that determines how a training learns, that is a setup without its cost-only
axes. A setting is one value for each cost-only axis, such as a power limit; it changes the cost of an
epoch and nothing else. A single training therefore shows the cost of all settings of its arm, once its
first epoch was divided among them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from study.record.objective import ACCURACY, Objective
from study.search.space.space import Choice

Setting = Choice
"""One value for each cost-only axis; empty where there are none."""


UNKNOWN = 8.0
"""Assumed ratio of the energy to the target and the energy used, for a training that does not improve."""


MOST_DOUBLINGS = 20.0
"""Doublings of the energy beyond which a training is considered unable to reach the target."""


class State(StrEnum):
    """State of a training."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


@final
@dataclass(slots=True, kw_only=True, eq=False)
class Training:
    """One training of an arm.

    Attributes:
        arm: The arm that is trained.
        seed: Seed of the training, counted from the search's own seed.
        number: Number among all trainings of the search, from 0.
        target: Value of the objective to reach.
        objective: Validation metric that decides.
        state: State of the training; `PAUSED` where it can be resumed.
        failed: Whether it failed, for example diverged or ran out of memory.
        first_j: Energy of its first epoch at each setting; empty before an energy is known.
        repeat_number: Position among the repeats, from 1; 0 where it is not a repeat.
        energies_j: Cumulative energy after each epoch, with all epochs at the cheapest setting. An epoch
            without a reading counts like the mean of the others, and as 0 as long as none has a reading.
        missing: Number of epochs without a reading.
        gains: Best score so far after each epoch, negated where lower is better; minus infinity before
            the first score.
    """

    arm: Choice
    seed: int
    number: int
    target: float
    objective: Objective = ACCURACY
    state: State = State.RUNNING
    failed: bool = False
    first_j: dict[Setting, float] = field(default_factory=dict)
    repeat_number: int = 0
    energies_j: list[float] = field(default_factory=list)
    missing: int = 0
    gains: list[float] = field(default_factory=list)

    @property
    def setting(self) -> Setting:
        """The cheapest setting, with which the training continues after its first epoch."""
        return min(self.first_j, key=lambda each: self.first_j[each])

    @property
    def used_j(self) -> float:
        """Energy of all its epochs at the cheapest setting; 0 before the first."""
        return self.energies_j[-1] if self.energies_j else 0.0

    @property
    def spent_j(self) -> float:
        """Energy actually spent on its epochs, the first of which ran in equal parts at each setting."""
        if not self.first_j:
            return 0.0
        costs_j = self.first_j.values()
        return self.used_j - min(costs_j) + sum(costs_j) / len(costs_j)

    @property
    def next_j(self) -> float:
        """Expected energy after its next epoch, at the mean energy of its epochs so far."""
        return self.used_j * (1 + 1 / len(self.energies_j)) if self.energies_j else 0.0

    @property
    def reached(self) -> bool:
        """Return whether it has reached the target."""
        return bool(self.gains) and self.gains[-1] >= self._goal

    @property
    def missed(self) -> bool:
        """Return whether it has ended without reaching the target."""
        return self.state is State.ENDED and not self.reached

    @property
    def to_target_j(self) -> float | None:
        """Energy up to the target at the cheapest setting; None if not reached or no energy is known."""
        if not self.reached or not self.first_j:
            return None
        epochs = zip(self.energies_j, self.gains, strict=True)
        return next(energy_j for energy_j, gain in epochs if gain >= self._goal)

    @property
    def predicted_j(self) -> float | None:
        """Predicted energy to the target, if each doubling of the energy gains as much as the last one.

        None while the score has not begun to improve or has stopped improving, since it is then unknown
        when it will.
        """
        if self.reached:
            return self.to_target_j
        won = self._won
        if won <= 0:
            return None
        doublings = (self._goal - self.gains[-1]) / won
        return self.used_j * 2**doublings if doublings <= MOST_DOUBLINGS else None

    @property
    def least_j(self) -> float | None:
        """Energy to the target, if the score keeps improving as over the last half of the energy.

        Learning curves flatten, so this is practically a lower bound. None as for `predicted_j`.
        """
        if self.reached:
            return self.to_target_j
        won = self._won
        if won <= 0:
            return None
        return self.used_j * (1 + (self._goal - self.gains[-1]) / won / 2)

    @property
    def estimated_cost_j(self) -> float:
        """Best estimate of the energy to the target: at least one more epoch if it is not reached.

        A training whose score does not improve counts with `UNKNOWN` times the energy used.
        """
        if self.reached:
            return self.to_target_j or 0.0
        predicted_j = self.predicted_j
        if predicted_j is None or self.state is State.ENDED:
            return UNKNOWN * self.used_j
        return max(predicted_j, self.next_j)

    @property
    def first_rung_j(self) -> float:
        """Energy of its first rung: twice its first epoch."""
        return 2 * min(self.first_j.values())

    @property
    def crosses_rung(self) -> bool:
        """Return whether its last epoch crossed a rung: 2, 4, ... times the energy of its first epoch."""
        if len(self.energies_j) < 2 or not self.first_j:  # noqa: PLR2004 - the first rung
            return False
        before, now = (_rung(used_j / self.first_rung_j) for used_j in self.energies_j[-2:])
        return now > before

    @property
    def has_score(self) -> bool:
        """Return whether any epoch has a score, which none has while an encoder is pretrained."""
        return bool(self.gains) and self.gains[-1] > -math.inf

    @property
    def has_risen(self) -> bool:
        """Return whether any epoch had a better score than the first."""
        return bool(self.gains) and self.gains[-1] > self.gains[0]

    def add(self, costs_j: Mapping[Setting, float | None], score: float | None) -> None:
        """Add one epoch.

        Args:
            costs_j: For the first epoch, its energy at each setting; later, its energy at the cheapest
                setting. None where there is no reading; 0 also counts as no reading, since no epoch is
                free.
            score: Value of the objective; None where unknown.
        """
        known_j = {setting: cost_j for setting, cost_j in costs_j.items() if cost_j}
        if known_j and not self.first_j:
            self.first_j = known_j
            before = range(1, len(self.energies_j) + 1)
            self.energies_j = [number * min(known_j.values()) for number in before]
        self.missing += not known_j
        cost_j = min(known_j.values(), default=self.next_j - self.used_j)
        self.energies_j.append(self.used_j + cost_j)
        gain = -math.inf if score is None else self.objective.gain(score)
        self.gains.append(max(gain, self.gains[-1]) if self.gains else gain)

    @property
    def _goal(self) -> float:
        return self.objective.gain(self.target)

    @property
    def _won(self) -> float:
        """Improvement of the best score over the last half of the energy; 0 without score or energy."""
        if not self.first_j or self.gains[-1] == -math.inf:
            return 0.0
        return self.gains[-1] - self._at_half()

    def _at_half(self) -> float:
        """Return the best score at half of the energy used so far, interpolated linearly between epochs.

        A share to be maximised starts at 0. For other objectives the starting value is unknown, so the
        first epoch counts as no improvement.
        """
        begins_at_0 = self.objective.is_share and self.objective.mode == "max"
        before_j, before = 0.0, 0.0 if begins_at_0 else self.gains[0]
        half_j = self.used_j / 2
        for energy_j, gain in zip(self.energies_j, self.gains, strict=True):
            if energy_j >= half_j:
                part = (half_j - before_j) / (energy_j - before_j)
                return before + part * (gain - before)
            before_j, before = energy_j, gain
        return self.gains[-1]


def _rung(ratio: float) -> int:
    """Return the number of the highest rung at or below a multiple of the first; -1 below the first."""
    return math.floor(math.log2(ratio) + 1e-9) if ratio >= 1 - 1e-9 else -1
