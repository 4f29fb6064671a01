"""Replay of a search for the least energy to a target that pauses and resumes recorded trainings.

A single training shows the cost of an arm at all of its power limits, because its first epoch is divided
among them in equal parts.
"""

import heapq
import statistics
from dataclasses import dataclass
from typing import final

from study.search.arms.answer_probabilities import AnswerProbabilities
from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
from study.search.arms.recurrences import Recurrences
from study.search.arms.scheduler import Scheduler
from study.search.arms.training import Setting, State, Training
from study.search.replay.arms import ArmTable
from study.search.replay.simulation import check_budget
from study.search.replay.table import RecordedTraining, ReplayTable
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer of a search, and the point at which it became the answer.

    Attributes:
        choice: The setup.
        to_target_j: Its energy to the target in joules, as known at that point.
        score: Value of the objective when it reached the target.
        spent_j: Energy that the search had used at that point, in joules.
    """

    choice: Choice
    to_target_j: float
    score: float
    spent_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PausingOutcome:
    """Outcome of a replayed search that pauses trainings.

    Attributes:
        found: Its successive answers; the last one is its recommendation.
        spent_j: Energy of the whole search, in joules.
        duration_s: Simulated duration, in seconds.
        trainings: All trainings that were started.
        sure: Probabilities of the last answer; None where there is no answer.
    """

    found: tuple[Found, ...]
    spent_j: float
    duration_s: float
    trainings: tuple[Training, ...]
    sure: AnswerProbabilities | None


@final
class PausingReplay:
    """Simulation of one search on a table, whose trainings are paused and resumed."""

    def __init__(
        self,
        table: ReplayTable,
        arms: ArmTable,
        *,
        target: float,
        seed: int = 0,
        policy: Policy | None = None,
        budget: Budget | None = None,
        order: ArmOrder | None = None,
        gpus: int = 1,
        runs: int | None = None,
    ) -> None:
        """Prepare a search.

        Args:
            table: Table of recorded trainings.
            arms: The same table, organised by arms.
            target: Value of the objective to reach.
            seed: Seed that decides which recorded seeds trainings get, and between equally good arms.
            policy: Features of the search; None for the default.
            budget: Energy budget; None for no limit.
            order: Order in which arms are tried; None for the default.
            gpus: Number of trainings that run at the same time.
            runs: Number of runs of a recurring job to replay instead of a search; None for a search.
        """
        self.budget = budget or Budget()
        self._table = table
        self._arms = arms
        self._drawn = arms.draw(seed)
        self._gpus = gpus
        every = list(arms.arms)
        known_order = order or ArmOrder(arms.axes, every, seed=seed)
        self.scheduler: Scheduler | Recurrences = (
            Scheduler(
                arms=every,
                order=known_order,
                budget=self.budget,
                target=target,
                objective=table.objective,
                policy=policy,
                recorded={arm: recorded.seeds for arm, recorded in arms.arms.items()},
            )
            if runs is None
            else Recurrences(
                arms=every,
                order=known_order,
                budget=self.budget,
                target=target,
                objective=table.objective,
                runs=runs,
                seed=seed,
            )
        )
        self._queue: list[tuple[float, int, Training]] = []
        self._found: list[Found] = []
        self._now_s = 0.0

    def run(self) -> PausingOutcome:
        """Run the search to its end.

        Raises:
            OptionError: The budget is less than the cheapest epoch.
        """
        check_budget(self.budget, self._table)
        self._fill()
        while self._queue:
            self._now_s, _, training = heapq.heappop(self._queue)
            self._step(training)
            self._fill()
        return PausingOutcome(
            found=tuple(self._found),
            spent_j=self.budget.spent_j,
            duration_s=self._now_s,
            trainings=tuple(self.scheduler.every),
            sure=self.scheduler.answer_probabilities(),
        )

    def _fill(self) -> None:
        while len(self._queue) < self._gpus and self.budget.has_room(first_rung_j=0.0):
            training = self.scheduler.next()
            if training is None:
                return
            self.budget.start(str(training.number), first_rung_j=0.0)
            self._set_up(training)
            self._schedule(training)

    def _set_up(self, training: Training) -> None:
        """Book the set-up of a training that starts or resumes, and at its start its recorded lost attempts."""
        recording = next(iter(self._recordings(training).values()))
        self.budget.book(recording.known_overhead_j)
        if not training.gains:
            self.budget.book(sum(epoch.energy_j or 0.0 for epoch in recording.lost))

    def _schedule(self, training: Training) -> None:
        _, _, time_s = self._epoch(training)
        heapq.heappush(self._queue, (self._now_s + time_s, training.number, training))

    def _epoch(self, training: Training) -> tuple[dict[Setting, float | None], float | None, float]:
        """Return the next epoch's energy by setting in joules, its score, and its duration in seconds."""
        place = len(training.gains)
        every = {at: each.epochs[place] for at, each in self._recordings(training).items()}
        if training.first_j:
            epoch = every[training.setting]
            return {training.setting: epoch.energy_j}, epoch.score, epoch.time_s
        costs = {setting: epoch.energy_j for setting, epoch in every.items()}
        score = next(iter(every.values())).score
        return costs, score, statistics.fmean(epoch.time_s for epoch in every.values())

    def _recordings(self, training: Training) -> dict[Setting, RecordedTraining]:
        """Return the recorded training at each setting, for the recorded seed that was drawn."""
        place = self._drawn.index(training.arm, training.seed)
        settings = self._arms.arms[training.arm].settings
        return {setting: many[place] for setting, many in settings.items()}

    def _step(self, training: Training) -> None:
        costs, score, _ = self._epoch(training)
        # In the first epoch each setting runs an equal part, so the mean of their energies is spent.
        self.budget.epoch(str(training.number), statistics.fmean(j or 0.0 for j in costs.values()))
        training.add(costs, score)
        decision = self.scheduler.after_epoch(training)
        recordings = self._recordings(training)
        settings = [training.setting] if training.first_j else recordings
        length = min(len(recordings[each]) for each in settings)
        if decision is StopDecision.TARGET or len(training.gains) == length:
            training.state = State.ENDED
        elif decision is not None:
            training.state = State.PAUSED
        else:
            self._schedule(training)
            return
        self.budget.end(str(training.number))
        self._answer()

    def _answer(self) -> None:
        """Record the answer, if it has changed."""
        answer = self.scheduler.answer()
        if answer is None:
            return
        arm, joules = answer
        reached = next(each for each in self.scheduler.trainings[arm] if each.to_target_j)
        choice = self._arms.setup(arm, reached.setting)
        if not self._found or self._found[-1].choice != choice:
            self._found.append(
                Found(
                    choice=choice,
                    to_target_j=joules,
                    score=reached.gains[-1],
                    spent_j=self.budget.spent_j,
                )
            )
