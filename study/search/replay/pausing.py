"""A search for the least energy to a target, on recorded trainings and a simulated clock.

Trainings are paused and gone on with; the power limits of an arm are told by one training, whose
first epoch is shared out among them in equal parts.
"""

import heapq
import statistics
from dataclasses import dataclass
from typing import final

from study.search.arms.order import ArmOrder
from study.search.arms.scheduler import Policy, Scheduler
from study.search.arms.sureness import Sureness
from study.search.arms.training import Setting, State, Training
from study.search.replay.arms import ArmTable
from study.search.replay.table import RecordedTraining, ReplayTable
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer of a search, from when on it was given.

    Attributes:
        choice: The setup.
        to_target_j: What it costs to the target, as far as was known then.
        spent_j: What the search had used.
    """

    choice: Choice
    to_target_j: float
    spent_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PausingOutcome:
    """What a search came to.

    Attributes:
        found: Its answers, in their order; the last is the one that it recommends.
        spent_j: What all of it used.
        duration_s: Simulated time.
        first_j: What it had used when the first trainings of all arms had ended.
        trainings: All that were begun.
        sure: How sure the last answer is; None where there is none.
    """

    found: tuple[Found, ...]
    spent_j: float
    duration_s: float
    trainings: tuple[Training, ...]
    sure: Sureness | None


@final
class PausingReplay:
    """One search on a table."""

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
    ) -> None:
        """Prepare a search."""
        self._names = tuple(axis.name for axis in table.space.axes)
        self._arms = arms
        self._drawn = arms.draw(seed)
        self._budget = budget or Budget()
        self._gpus = gpus
        self._policy = policy or Policy()
        self.scheduler = Scheduler(
            arms=list(arms.arms),
            axes=[axis.name for axis in arms.axes],
            order=order or ArmOrder(arms.axes, list(arms.arms), seed=seed),
            budget=self._budget,
            target=target,
            policy=self._policy,
        )
        self._queue: list[tuple[float, int, Training]] = []
        self._found: list[Found] = []
        self._now_s = 0.0

    def run(self) -> PausingOutcome:
        """Run it to its end."""
        self._fill()
        while self._queue:
            self._now_s, _, training = heapq.heappop(self._queue)
            self._step(training)
            self._fill()
        return PausingOutcome(
            found=tuple(self._found),
            spent_j=self._budget.spent_j,
            duration_s=self._now_s,
            trainings=tuple(self.scheduler.every),
            sure=self.scheduler.sureness(),
        )

    def _fill(self) -> None:
        while len(self._queue) < self._gpus and self._budget.has_room(first_rung_j=0.0):
            training = self.scheduler.next()
            if training is None:
                return
            self._budget.start(str(training.number), first_rung_j=0.0)
            self._schedule(training)

    def _schedule(self, training: Training) -> None:
        _, _, time_s = self._epoch(training)
        heapq.heappush(self._queue, (self._now_s + time_s, training.number, training))

    def _epoch(self, training: Training) -> tuple[dict[Setting, float], float | None, float]:
        """What the next epoch costs by setting, its score, and its time."""
        place = len(training.gains)
        every = {
            setting: self._recording(training, setting).epochs[place]
            for setting in self._arms.arms[training.arm].settings
        }
        first = next(iter(every.values()))
        if not place:
            costs = {setting: epoch.energy_j or 0.0 for setting, epoch in every.items()}
            return costs, first.accuracy, statistics.fmean(e.time_s for e in every.values())
        epoch = every[training.setting]
        return {training.setting: epoch.energy_j or 0.0}, epoch.accuracy, epoch.time_s

    def _recording(self, training: Training, setting: Setting) -> RecordedTraining:
        many = self._arms.arms[training.arm].settings[setting]
        return many[self._drawn.place(training.arm, training.seed)]

    def _step(self, training: Training) -> None:
        costs, score, _ = self._epoch(training)
        # Each setting gets an equal part of the first epoch.
        self._budget.epoch(str(training.number), statistics.fmean(costs.values()))
        training.add(costs, score)
        decision = self.scheduler.after_epoch(training)
        length = len(self._recording(training, training.setting))
        if decision is StopDecision.TARGET or len(training.gains) == length:
            training.state = State.ENDED
        elif decision is not None:
            training.state = State.PAUSED
        else:
            self._schedule(training)
            return
        self._budget.end(str(training.number))
        self._answer()

    def _answer(self) -> None:
        """Note the answer, where it has changed."""
        answer = self._answer_arm()
        if answer is None:
            return
        arm, joules = answer
        reached = next(each for each in self.scheduler.trainings[arm] if each.reached)
        choice = self._arms.setup(arm, reached.setting, self._names)
        if not self._found or self._found[-1].choice != choice:
            self._found.append(
                Found(choice=choice, to_target_j=joules, spent_j=self._budget.spent_j)
            )

    def _answer_arm(self) -> tuple[Choice, float] | None:
        reached = {
            arm: [j for each in many if (j := each.to_target_j) is not None]
            for arm, many in self.scheduler.trainings.items()
        }
        least = {arm: min(many) for arm, many in reached.items() if many}
        if not least:
            return None
        arm = min(least, key=lambda each: least[each])
        if self.scheduler.repeats:
            sure = self.scheduler.sureness()
            arm = arm if sure is None else sure.answer
        return arm, least[arm]
