"""One training of an arm: how far it has come, and what it promises to cost. Pure arithmetic.

An arm is what decides how a training learns: a setup without its cost-only axes. A setting is one
value for each of those, such as a power limit: it changes what an epoch costs, and nothing else.
So one training tells what all settings of its arm cost, once its first epoch was shared out among
them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from study.record.objective import ACCURACY, Objective
from study.search.space.space import Choice

Setting = Choice
"""One value for each cost-only axis; empty where there is none."""


UNKNOWN = 8.0
"""A training that does not rise counts as if it needed so many times what it has used."""


MOST_DOUBLINGS = 20.0
"""What would take more is as good as never."""


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
        arm: What is trained.
        seed: With which seed.
        number: Of all trainings of the search, from 0.
        target: Value of the objective that is to be reached.
        objective: Validation metric that decides.
        state: Where it is; it is `PAUSED` when it can be gone on with.
        failed: Whether it diverged or ran out of memory.
        first_j: What its first epoch costs at each setting; empty before an energy is known.
        again: Its place among the repeats, from 1; 0 where it is none.
        energies_j: Energy after each epoch, all of them at the cheapest setting. One without a
            reading counts as dear as the others; 0 as long as none has any.
        missing: Epochs without a reading.
        gains: Best score so far after each epoch, turned so that more is better; minus infinity
            where no epoch has had one.
    """

    arm: Choice
    seed: int
    number: int
    target: float
    objective: Objective = ACCURACY
    state: State = State.RUNNING
    failed: bool = False
    first_j: dict[Setting, float] = field(default_factory=dict)
    again: int = 0
    energies_j: list[float] = field(default_factory=list)
    missing: int = 0
    gains: list[float] = field(default_factory=list)

    @property
    def setting(self) -> Setting:
        """The cheapest setting, which it goes on with after its first epoch."""
        return min(self.first_j, key=lambda each: self.first_j[each])

    @property
    def used_j(self) -> float:
        """Energy of all its epochs at the cheapest setting."""
        return self.energies_j[-1] if self.energies_j else 0.0

    @property
    def spent_j(self) -> float:
        """Energy of all its epochs, the first in equal parts at each setting."""
        if not self.first_j:
            return 0.0
        costs_j = self.first_j.values()
        return self.used_j - min(costs_j) + sum(costs_j) / len(costs_j)

    @property
    def next_j(self) -> float:
        """Energy after its next epoch, which costs what the last ones did."""
        return self.used_j * (1 + 1 / len(self.energies_j)) if self.energies_j else 0.0

    @property
    def reached(self) -> bool:
        """Return whether it has reached the target."""
        return bool(self.gains) and self.gains[-1] >= self._goal

    @property
    def missed(self) -> bool:
        """Return whether it came to its end without reaching the target."""
        return self.state is State.ENDED and not self.reached

    @property
    def to_target_j(self) -> float | None:
        """Energy until it reached the target, at the cheapest setting; None if it has not, or no energy is known."""
        if not self.reached or not self.first_j:
            return None
        epochs = zip(self.energies_j, self.gains, strict=True)
        return next(energy_j for energy_j, gain in epochs if gain >= self._goal)

    @property
    def predicted_j(self) -> float | None:
        """Energy to the target, if each doubling of it wins as much as the last one has.

        None while it has not begun to rise, or has ceased to: nothing is then known of when it
        will.
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
        """Energy to the target, if it goes on winning as over the last half of its energy.

        Learning curves flatten, so it will hardly be less. None as for `predicted_j`.
        """
        if self.reached:
            return self.to_target_j
        won = self._won
        if won <= 0:
            return None
        return self.used_j * (1 + (self._goal - self.gains[-1]) / won / 2)

    @property
    def promised_j(self) -> float:
        """Energy to the target, as far as can be told: at least one more epoch's.

        What has not begun to rise, or has ceased to, counts with `UNKNOWN` times what it used.
        """
        if self.reached:
            return self.to_target_j or 0.0
        predicted_j = self.predicted_j
        if predicted_j is None or self.state is State.ENDED:
            return UNKNOWN * self.used_j
        return max(predicted_j, self.next_j)

    @property
    def first_rung_j(self) -> float:
        """Energy at its first rung: two epochs."""
        return 2 * min(self.first_j.values())

    @property
    def crosses_rung(self) -> bool:
        """Return whether its last epoch brought it to a rung: 2, 4, ... times its first epoch."""
        if len(self.energies_j) < 2 or not self.first_j:  # noqa: PLR2004 - the first rung
            return False
        before, now = (_rung(used_j / self.first_rung_j) for used_j in self.energies_j[-2:])
        return now > before

    @property
    def has_score(self) -> bool:
        """Return whether any epoch has a score: none has while its encoder is pretrained."""
        return bool(self.gains) and self.gains[-1] > -math.inf

    @property
    def has_risen(self) -> bool:
        """Return whether any epoch was better than the first."""
        return bool(self.gains) and self.gains[-1] > self.gains[0]

    def add(self, costs_j: Mapping[Setting, float | None], score: float | None) -> None:
        """Take one more epoch.

        Args:
            costs_j: Of the first epoch, what it costs at each setting; later, what it has cost at
                the cheapest one. None where there is no reading; 0 is none either, as no epoch
                is trained for nothing.
            score: Of the objective.
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
        """Gain in the best score over the last half of its energy; 0 without a score or an energy."""
        if not self.first_j or self.gains[-1] == -math.inf:
            return 0.0
        return self.gains[-1] - self._at_half()

    def _at_half(self) -> float:
        """Best score when it had used half of what it has used so far, between epochs by a line.

        A share begins at 0; where the scale has no beginning, nothing is known after one epoch.
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
    """Number of the highest rung at or below a multiple of the first; -1 below it."""
    return math.floor(math.log2(ratio) + 1e-9) if ratio >= 1 - 1e-9 else -1
