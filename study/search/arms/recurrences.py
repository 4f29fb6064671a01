"""Runs of a recurring job, one that is trained again and again: keep the total cost of all runs low.

A run ends when a training has reached the target, so each run leaves a trained network.

    choice     Thompson sampling (Thompson 1933, Biometrika 25:285): the cost of each arm is drawn from
               its posterior, given the costs of this arm and of similar ones, and the arm with the lowest
               draw is trained. The first run, with nothing known, takes the middle of the space.
    capping    a training predicted to cost more than `GIVEN_UP` times the cost of the best arm is ended,
               and the run is completed with the best arm
    exclusion  an arm that has missed the target at least as often as it has reached it is not trained

All decisions depend only on the trainings so far and the seed, so that the next command, or one that
resumes after a kill, makes the same decisions.
"""

import math
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from study.record.objective import ACCURACY, Objective
from study.search.arms.answer_probabilities import AnswerProbabilities, assess
from study.search.arms.order import ArmOrder
from study.search.arms.training import State, Training
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision

GIVEN_UP = 1.2
"""A training predicted to cost more than this times the best arm's mean is ended."""

NEVER_BEYOND = 2.0
"""Whatever its prediction, a training of another arm ends at this times the best arm's mean."""


@final
class Recurrences:
    """Scheduler for a recurring job, in place of `study.search.arms.scheduler.Scheduler`.

    Attributes:
        trainings: Trainings of each arm that were started.
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
        """Prepare further runs of a job.

        Args:
            arms: Arms that can be trained.
            order: Similarity of the arms, and which comes first.
            budget: Energy budget, booked epoch by epoch by the caller.
            target: Value of the objective that each run has to reach.
            runs: Number of further runs to train.
            seed: Seed of the draws.
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
        """All trainings, in the order in which they were started."""
        found = [each for many in self.trainings.values() for each in many]
        return sorted(found, key=lambda each: each.repeat_number)

    @property
    def done(self) -> int:
        """Number of runs that have reached the target."""
        return sum(each.reached for each in self.every)

    def next(self) -> Training | None:
        """Return the next training; None if all runs are done, one is running, or all arms are excluded."""
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
        return self.take(arm, seed=number, repeat_number=number + 1)

    def take(self, arm: Choice, *, seed: int, repeat_number: int = 0) -> Training:
        """Register a training: a new one, or one recovered from recorded rows.

        Args:
            arm: The arm that is trained.
            seed: Seed of the training, counted from the search's own seed.
            repeat_number: Position among the repeats, from 1; 0 where it is not a repeat.
        """
        training = Training(
            arm=arm,
            seed=seed,
            number=len(self.every),
            target=self._target,
            objective=self._objective,
            repeat_number=repeat_number,
        )
        self.trainings[arm].append(training)
        return training

    def proposal(self) -> Choice | None:
        """Return the arm of the next training; None where all arms are excluded for missing the target."""
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
        """Return why a training is to end after the epoch just added to it; None to continue."""
        if self._earlier is None:  # this resumes a training that an earlier command had started
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
        """Return the cheapest known arm and its least energy to the target; None where there is none."""
        best = self.best_j
        if best is None:
            return None
        arm = best[0]
        return arm, min(j for each in self.trainings[arm] if (j := each.to_target_j) is not None)

    def answer_probabilities(self) -> AnswerProbabilities | None:
        """Return the probabilities of the answer; None where no arm has reached the target."""
        return assess(self.trainings)

    @property
    def best_j(self) -> tuple[Choice, float] | None:
        """The arm with the lowest geometric mean of its costs, and that mean; None where there is none."""
        means = {
            arm: math.exp(math.fsum(map(math.log, known)) / len(known))
            for arm, many in self.trainings.items()
            if (known := [j for each in many if (j := each.to_target_j)])
            and not self._mostly_misses(arm)
        }
        arm = min(means, key=lambda each: means[each], default=None)
        return None if arm is None else (arm, means[arm])

    def _tried_in_this_run(self) -> list[Training]:
        """Return the trainings since the last one that reached the target, latest first."""
        found: list[Training] = []
        for each in reversed(self.every):
            if each.reached:
                break
            found.append(each)
        return found

    def _costs_j(self) -> Mapping[Choice, list[float]]:
        costs_j = {
            arm: [
                each.estimated_cost_j for each in many if each.gains and each.estimated_cost_j > 0
            ]
            for arm, many in self.trainings.items()
        }
        return {arm: many for arm, many in costs_j.items() if many}

    def _mostly_misses(self, arm: Choice) -> bool:
        missed = sum(each.missed for each in self.trainings[arm])
        return missed > 0 and missed >= sum(each.reached for each in self.trainings[arm])
