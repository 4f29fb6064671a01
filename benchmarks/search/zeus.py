"""Zeus's bandit for recurring jobs, re-implemented from its publication.

You, Chung and Chowdhury, "Zeus: Understanding and Optimizing GPU Energy Consumption of DNN
Training" (NSDI 2023), sections 4.2 and 4.3; none of its code is used. The cost is energy alone.

    power     each training profiles all power limits in its first epoch and goes on at the cheapest
    early     a training is stopped when it has cost `BETA` times the least cost so far
    pruning   from the default batch size to smaller ones until one fails, then likewise to larger ones;
              what failed is not tried again; done twice, the second time from the best one
    sampling  then Thompson sampling, with a Gaussian for each batch size: the mean of its costs, and
              their variance divided by their number

Our choices are the default (the middle batch size, where our own search begins), the number of
recurrences (`RUNS` for each arm), and the answer: the arm with the lowest mean cost. If a table has
further axes, its arms are tried in their order.
"""

import math
import random
import statistics
from collections.abc import Iterator

from benchmarks.search.ways import Searched
from study.search.arms.training import Training
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import Found
from study.search.replay.table import ReplayTable
from study.search.space.space import Choice

BETA = 2.0
RUNS = 3
ROUNDS = 2
HOPELESS = 20
"""Largest number of trainings for each run that must reach the target."""


def zeus(table: ReplayTable, target: float, seed: int) -> Searched:
    """Search with Zeus's bandit; see `benchmarks.search.ways.Way`."""
    return _Zeus(table, target, seed).run()


def zeus_recurring(table: ReplayTable, target: float, seed: int, runs: int) -> list[float]:
    """Return the cumulative energy in joules after each run of a recurring job, trained by Zeus's bandit.

    Args:
        table: Table of recorded trainings.
        target: Accuracy that each run has to reach.
        seed: Seed of the draws.
        runs: Number of runs; fewer are returned if hardly any training reaches the target.
    """
    bandit = _Zeus(table, target, seed)
    bandit.sample_until(runs)
    return bandit.reached_at_j[:runs]


class _Zeus:
    def __init__(self, table: ReplayTable, target: float, seed: int) -> None:
        self._table = ArmTable.of(table)
        self._arms = list(self._table.arms)
        self._drawn = self._table.draw(seed)
        self._target = target
        self._random = random.Random(seed)  # noqa: S311 - a simulation
        self._costs_j: dict[Choice, list[float]] = {arm: [] for arm in self._arms}
        self._runs: dict[Choice, int] = dict.fromkeys(self._arms, 0)
        self._found: list[Found] = []
        self._spent_j = 0.0
        self._least_j = math.inf
        self.reached_at_j: list[float] = []

    def run(self) -> Searched:
        """Prune, then sample, and return the search."""
        left = self._prune()
        for _ in range(max(0, RUNS * len(self._arms) - sum(self._runs.values()))):
            self._sample(left)
        return Searched(found=tuple(self._found), spent_j=self._spent_j)

    def sample_until(self, runs: int) -> None:
        """Prune, then sample until `runs` trainings have reached the target, or too many have been tried."""
        left = self._prune()
        for _ in range(HOPELESS * runs):
            if len(self.reached_at_j) >= runs:
                return
            self._sample(left)

    def _prune(self) -> list[Choice]:
        """Return the arms that are left after pruning."""
        left, default = list(self._arms), self._arms[(len(self._arms) - 1) // 2]
        for _ in range(ROUNDS):
            left = list(self._pruned(left, default)) or left
            known = {arm: statistics.fmean(j) for arm, j in self._costs_j.items() if j}
            default = min(known, key=lambda arm: known[arm], default=left[0])
        return left

    def _pruned(self, arms: list[Choice], default: Choice) -> Iterator[Choice]:
        """Yield the arms that reach the target in time, from the default to either side."""
        place = arms.index(default) if default in arms else 0
        for side in (arms[place::-1], arms[place + 1 :]):
            for arm in side:
                if not self._train(arm):
                    break
                yield arm

    def _sample(self, arms: list[Choice]) -> None:
        """Train the arm with the lowest drawn cost; a training that misses the target counts with its energy."""
        arm = min(arms, key=self._sampled)
        before_j = self._spent_j
        if not self._train(arm):
            self._costs_j[arm].append(self._spent_j - before_j)

    def _sampled(self, arm: Choice) -> float:
        costs_j = self._costs_j[arm]
        if len(costs_j) < ROUNDS:
            return -math.inf if costs_j else math.inf
        deviation = statistics.stdev(costs_j) / math.sqrt(len(costs_j))
        return self._random.gauss(statistics.fmean(costs_j), deviation)

    def _train(self, arm: Choice) -> bool:
        """Train an arm until the target or `BETA` times the least cost, and return whether it reached the target."""
        settings = self._table.arms[arm].settings
        place = self._drawn.index(arm, self._runs[arm])
        self._runs[arm] += 1
        training = Training(arm=arm, seed=0, number=0, target=self._target)
        used_j = 0.0
        for number in range(min(len(many[place]) for many in settings.values())):
            epochs = {at: many[place].epochs[number] for at, many in settings.items()}
            costs_j = {at: each.energy_j or 0.0 for at, each in epochs.items()}
            if number:
                costs_j = {training.setting: costs_j[training.setting]}
            used_j += statistics.fmean(costs_j.values())
            training.add(costs_j, next(iter(epochs.values())).score)
            if training.reached or used_j >= BETA * self._least_j:
                break
        self._spent_j += used_j
        if training.reached:
            self._least_j = min(self._least_j, used_j)
            self._costs_j[arm].append(used_j)
            self.reached_at_j.append(self._spent_j)
            self._answer(arm, training)
        return training.reached

    def _answer(self, arm: Choice, training: Training) -> None:
        means = {each: statistics.fmean(j) for each, j in self._costs_j.items() if j}
        if min(means, key=lambda each: means[each]) == arm:
            choice = self._table.setup(arm, training.setting)
            self._found.append(
                Found(
                    choice=choice,
                    to_target_j=training.to_target_j or 0.0,
                    score=training.gains[-1],
                    spent_j=self._spent_j,
                )
            )
