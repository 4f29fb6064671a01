"""Runs of a job that is trained again and again: what each trains, so that all together cost little.

A run is over when a training has reached the target, so each of them leaves a trained network.

    what   Thompson's sampling (Thompson 1933, Biometrika 25:285): what each arm may cost is drawn,
           from what it and those like it have cost; the cheapest in the draw is trained. In the
           first run, with nothing known, the middle of the space
    cut    a training that promises to cost more than `GIVEN_UP` times what the best arm does is
           ended, and the run is trained to its end with that arm
    never  what has missed the target as often as it has reached it

All follows from the trainings so far and the seed, so that the next command, or one that goes on
after a kill, takes the same.
"""

import math
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from study.record.objective import ACCURACY, Objective
from study.search.arms.order import ArmOrder
from study.search.arms.sureness import Sureness, weigh
from study.search.arms.training import State, Training
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision

GIVEN_UP = 1.2
"""A training that promises to cost the best arm's mean times this is ended."""

NEVER_BEYOND = 2.0
"""Whatever it promises, an arm that is not the best ends at the best one's mean times this."""


@final
class Recurrences:
    """The trainings of a recurring job; in the place of `study.search.arms.scheduler.Scheduler`.

    Attributes:
        trainings: Of each arm, those that were begun.
    """

    def __init__(
        self,
        *,
        arms: Sequence[Choice],
        order: ArmOrder,
        budget: Budget,
        target: float,
        runs: int,
        seed: int = 0,
        objective: Objective = ACCURACY,
    ) -> None:
        """Go on with a job.

        Args:
            arms: What can be trained.
            order: How alike they are, and which comes first.
            budget: Booked epoch by epoch.
            target: Value of the objective that each run has to reach.
            runs: So many further ones.
            seed: Of the draws.
            objective: Validation metric that decides.
        """
        self.trainings: dict[Choice, list[Training]] = {arm: [] for arm in arms}
        self._order = order
        self._budget = budget
        self._target = target
        self._objective = objective
        self._runs = runs
        self._seed = seed
        self._earlier: int | None = None

    @property
    def every(self) -> list[Training]:
        """All trainings, in the order in which they were begun."""
        found = [each for many in self.trainings.values() for each in many]
        return sorted(found, key=lambda each: each.again)

    @property
    def done(self) -> int:
        """Runs that have reached the target."""
        return sum(each.reached for each in self.every)

    def next(self) -> Training | None:
        """The next training; None where all runs are done, one is under way, or none can reach it."""
        if self._earlier is None:
            self._earlier = self.done
        if any(each.state is State.RUNNING for each in self.every):
            return None
        if self.done - self._earlier >= self._runs:
            return None
        arm = self.proposal()
        if arm is None:
            return None
        number = len(self.every)
        return self.take(arm, seed=number, again=number + 1)

    def take(self, arm: Choice, *, seed: int, again: int = 0) -> Training:
        """Take a training that was begun: one that is known from rows, or a new one."""
        training = Training(
            arm=arm,
            seed=seed,
            number=len(self.every),
            target=self._target,
            objective=self._objective,
            again=again,
        )
        self.trainings[arm].append(training)
        return training

    def proposal(self) -> Choice | None:
        """The arm that the next training takes; None where all have missed the target."""
        open_arms = [arm for arm in self.trainings if not self._mostly_misses(arm)]
        if not open_arms:
            return None
        best = self.best_j
        if best is None:
            costs_j = {arm: min(many) for arm, many in self._costs_j().items()}
            return self._order.next(open_arms, costs_j)
        tried = self._tried_in_this_run()
        if tried:
            return best[0]
        drawn = self._order.drawn(
            self._costs_j(), np.random.default_rng([self._seed, len(self.every)])
        )
        return min(open_arms, key=lambda arm: drawn[arm])

    def after_epoch(self, training: Training) -> StopDecision | None:
        """Decide after an epoch that is in `training` already; None to go on."""
        if self._earlier is None:  # it goes on with what an earlier command had begun
            self._earlier = self.done - training.reached
        if training.reached:
            return StopDecision.TARGET
        if self._budget.is_used_up:
            return StopDecision.BUDGET
        best = self.best_j
        if best is None or best[0] == training.arm:
            return None
        if training.next_j > NEVER_BEYOND * best[1]:
            return StopDecision.CAPPED
        predicted_j = training.predicted_j
        if predicted_j is None or not training.crosses_rung:
            return None
        return StopDecision.CAPPED if predicted_j > GIVEN_UP * best[1] else None

    def answer(self) -> tuple[Choice, float] | None:
        """The arm that is known to be cheapest, and the least that it has cost; None for none."""
        best = self.best_j
        if best is None:
            return None
        arm = best[0]
        return arm, min(j for each in self.trainings[arm] if (j := each.to_target_j) is not None)

    def sureness(self) -> Sureness | None:
        """Sureness of that; None where nothing is known."""
        return weigh(self.trainings)

    @property
    def best_j(self) -> tuple[Choice, float] | None:
        """The arm that has cost least in the mean of logarithms, and that mean; None for none."""
        means = {
            arm: math.exp(math.fsum(map(math.log, known)) / len(known))
            for arm, many in self.trainings.items()
            if (known := [j for each in many if (j := each.to_target_j)])
            and not self._mostly_misses(arm)
        }
        arm = min(means, key=lambda each: means[each], default=None)
        return None if arm is None else (arm, means[arm])

    def _tried_in_this_run(self) -> list[Training]:
        """The trainings since the last one that reached the target."""
        found: list[Training] = []
        for each in reversed(self.every):
            if each.reached:
                break
            found.append(each)
        return found

    def _costs_j(self) -> Mapping[Choice, list[float]]:
        costs_j = {
            arm: [each.promised_j for each in many if each.gains and each.promised_j > 0]
            for arm, many in self.trainings.items()
        }
        return {arm: many for arm, many in costs_j.items() if many}

    def _mostly_misses(self, arm: Choice) -> bool:
        missed = sum(each.missed for each in self.trainings[arm])
        return missed > 0 and missed >= sum(each.reached for each in self.trainings[arm])
