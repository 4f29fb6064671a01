"""Which training goes on: begun, paused, gone on with in order of promise, repeated.

    until an arm has reached the target
        A training is paused at its rung (two epochs, doubled each time) unless it is on its way: by
        its own pace not farther from the target than it has come. Half of the energy goes to new
        arms, half to the paused one that promises most, so that a search always gets to the answer
        that there is.
    then
        A training is paused when it promises to cost more than the best. Arms that were paused
        before and promise less come first, then new ones, then what was paused may come as far as
        the best, unless it promises to cost `GIVEN_UP` times as much. One that has not begun to
        rise is no exception: it is ended by nothing but what the best needed.
    last, with --sure
        Repeats where they tell most, until the answer is sure enough.

All decisions follow from how far the trainings have come, so that a search that is resumed from
its rows goes on as it would have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from study.record.objective import ACCURACY, Objective
from study.search.arms.order import ArmOrder
from study.search.arms.sureness import Sureness, weigh
from study.search.arms.training import State, Training
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision

FIRST_ARMS = 3
"""So many arms are begun before one is gone on with, unless one is on its way."""

ON_ITS_WAY = 2.0
"""A training goes on beyond its rung that promises to need this times what it has used, or less."""

GIVEN_UP = 1.5
"""At the end, what promises to cost the best times this is not gone on with."""

FLAT_EPOCHS = 6
"""A training that has risen, but not over the last half of at least so many epochs, is given up."""

LEAST_REPEATS = 3
"""Of fewer, two seeds that happen to agree would count as no spread."""

REPEATED_TO = 2.0
"""A repeat goes on to the best times this: how bad a bad seed is has to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a search does; the parts that `benchmarks.search` takes away one by one.

    Attributes:
        pausing: Whether what was paused is gone on with.
        sure: Probability of being right at which repeats end; None for no repeats.
        most_repeats: At most so many; None for as many as there are arms.
    """

    pausing: bool = True
    sure: float | None = None
    most_repeats: int | None = None


@final
class Scheduler:
    """The trainings of one search for the least energy to a target.

    Attributes:
        trainings: Of each arm, those that were begun.
        repeats: How many of them were repeats.
    """

    def __init__(
        self,
        *,
        arms: Sequence[Choice],
        axes: Sequence[str],
        order: ArmOrder,
        budget: Budget,
        target: float,
        objective: Objective = ACCURACY,
        policy: Policy | None = None,
        seeds_of: Callable[[Choice], int | None] = lambda _: None,
    ) -> None:
        """Search `arms`.

        Args:
            arms: What can be trained.
            axes: Names of what an arm chooses.
            order: In which they are tried.
            budget: Booked epoch by epoch.
            target: Value of the objective that is to be reached.
            objective: Validation metric that decides.
            policy: What is done; None for the default.
            seeds_of: How many trainings an arm can have; None for any number.
        """
        self.trainings: dict[Choice, list[Training]] = {arm: [] for arm in arms}
        self.repeats = 0
        self._axes = axes
        self._order = order
        self._budget = budget
        self._target = target
        self._objective = objective
        self._policy = policy or Policy()
        self._seeds_of = seeds_of
        self._begun = 0
        self._sure_since: int | None = None
        self._weighed: tuple[object, Sureness | None] | None = None

    @property
    def every(self) -> list[Training]:
        """All trainings that were begun."""
        return [each for many in self.trainings.values() for each in many]

    @property
    def best_j(self) -> float | None:
        """The least energy to the target of any training; None before the first."""
        known = [j for each in self.every if (j := each.to_target_j) is not None]
        return min(known, default=None)

    def next(self) -> Training | None:
        """The training that is begun or gone on with; None for none, or none before another ends."""
        found = self._next_first()
        if found is None and self._policy.sure is not None:
            found = self._next_repeat()
        if found is not None:
            found.state = State.RUNNING
        return found

    def after_epoch(self, training: Training) -> StopDecision | None:
        """Decide after an epoch that is in `training` already; None to go on."""
        if training.reached:
            return StopDecision.TARGET
        if self._budget.is_used_up:
            return StopDecision.BUDGET
        best_j = self.best_j
        if best_j is None:
            return None if self._goes_on(training) else StopDecision.HALVED
        if training.again:
            return StopDecision.CAPPED if training.next_j > REPEATED_TO * best_j else None
        last = not self._untried and self._policy.pausing
        return StopDecision.CAPPED if self._is_beaten(training, best_j, last=last) else None

    def sureness(self) -> Sureness | None:
        """How sure the answer is; None where there is none."""
        state = tuple((each.number, len(each.gains), each.again) for each in self.every)
        if self._weighed is None or self._weighed[0] != state:
            self._weighed = (state, weigh(self.trainings, self._axes))
        return self._weighed[1]

    @property
    def _untried(self) -> list[Choice]:
        return [arm for arm, many in self.trainings.items() if not many]

    def _next_first(self) -> Training | None:
        """The next of the first trainings of all arms."""
        paused = self._paused()
        untried, best_j = self._untried, self.best_j
        if best_j is None:
            if untried and (not paused or self._explores()):
                return self._begin(self._next_arm(untried))
            return self._most_promising(paused) if paused else None
        hopeful = [each for each in paused if each.promised_j < best_j]
        if hopeful:
            return self._most_promising(hopeful)
        if untried:
            return self._begin(self._next_arm(untried))
        open_ = [each for each in paused if not self._is_beaten(each, best_j, last=True)]
        return self._most_promising(open_) if open_ else None

    def _paused(self) -> list[Training]:
        if not self._policy.pausing:
            return []
        return [each for each in self.every if each.state is State.PAUSED and not each.again]

    def _next_arm(self, untried: Sequence[Choice]) -> Choice:
        costs_j = {
            arm: min(each.promised_j for each in many)
            for arm, many in self.trainings.items()
            if many and all(each.energies_j for each in many)
        }
        return self._order.next(untried, costs_j)

    def _begin(self, arm: Choice, *, again: bool = False) -> Training:
        training = Training(
            arm=arm,
            seed=len(self.trainings[arm]),
            number=self._begun,
            target=self._target,
            objective=self._objective,
            again=again,
        )
        self._begun += 1
        self.trainings[arm].append(training)
        return training

    def _explores(self) -> bool:
        """Whether new arms have used no more than what was gone on with."""
        first = [(each.used_j, each.first_rung_j) for each in self.every if each.first_j]
        explored_j = sum(min(used_j, rung_j) for used_j, rung_j in first)
        gone_on_j = sum(max(0.0, used_j - rung_j) for used_j, rung_j in first)
        return len(first) < FIRST_ARMS or explored_j <= gone_on_j

    def _goes_on(self, training: Training) -> bool:
        """Whether a training goes on before any has reached the target."""
        if not training.crosses_rung:
            return True
        predicted_j = training.predicted_j
        if predicted_j is not None and predicted_j <= ON_ITS_WAY * training.used_j:
            return True
        if not self._policy.pausing:
            return False
        others = [each for each in self._paused() if each is not training]
        if self._untried:
            return False
        return all(training.promised_j <= each.promised_j for each in others)

    def _is_beaten(self, training: Training, best_j: float, *, last: bool) -> bool:
        """Whether a training is not to go on, as it costs more than the best or promises to."""
        if training.next_j >= best_j:
            return True
        predicted_j = training.least_j if last else training.predicted_j
        if predicted_j is not None:
            return predicted_j >= best_j * (GIVEN_UP if last else 1.0)
        if not last:
            return len(training.gains) > 1
        return training.has_risen and len(training.gains) >= FLAT_EPOCHS

    def _most_promising(self, trainings: Sequence[Training]) -> Training:
        return min(trainings, key=lambda each: (each.promised_j, each.number))

    def _next_repeat(self) -> Training | None:
        """The training that tells most about which arm to use; None where it is sure enough."""
        if any(each.state is State.RUNNING for each in self.every):
            return None  # what it comes to is to be known first
        most = self._policy.most_repeats
        if self.repeats >= (len(self.trainings) if most is None else most):
            return None
        known = self.sureness()
        if known is None or self._is_sure_enough(known):
            return None
        return self._again(known.repeat)

    def _is_sure_enough(self, known: Sureness) -> bool:
        """Whether the answer has been sure enough, with another training after that."""
        if known.right is None or known.right < (self._policy.sure or 1.0):
            self._sure_since = None
            return False
        if self._sure_since is None:
            self._sure_since = self.repeats
        return self.repeats > max(self._sure_since, LEAST_REPEATS - 1)

    def _again(self, arm: Choice) -> Training | None:
        many = self.trainings[arm]
        paused = [each for each in many if each.state is State.PAUSED and not each.again]
        self.repeats += 1
        if paused:
            paused[0].again = True
            return paused[0]
        most = self._seeds_of(arm)
        if most is not None and len(many) >= most:
            return None
        return self._begin(arm, again=True)


