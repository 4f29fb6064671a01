"""Scheduler of trainings: begins, pauses, resumes in order of promise, and repeats them.

    until an arm has reached the target
        A training is paused at its rung (two epochs, doubled each time) unless it is on its way: by
        its own pace not farther from the target than it has come. Half of the energy goes to new
        arms, half to the paused one that promises most, so that a search always gets to the answer
        that there is.
    then
        A training is paused when it promises to cost more than the best. Arms that were paused
        before and promise less come first, then new ones, then what was paused may come as far as
        the best, unless it promises to cost `GIVEN_UP` times as much. One that has not begun to
        rise is ended by nothing but what the best needed.
    last, with --sure or --confirm
        Repeats where they tell most (`study.search.arms.sureness`).

All decisions follow from how far the trainings have come, so that a search that is resumed from
its rows goes on as it would have.
"""

import math
from collections.abc import Mapping, Sequence
from typing import final

from study.record.objective import ACCURACY, Objective
from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
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

LEADER_TRAININGS, RIVAL_TRAININGS = 4, 3
"""Of the best arm and of its likeliest rival, before it is said to be sure that it is the best."""

MOST_REPEATS = 3
"""At most so many times as many repeats as there are arms."""

REPEATED_TO = 2.0
"""A repeat goes on to what the best arm costs times this: how bad a bad seed is has to be seen."""


@final
class Scheduler:
    """The trainings of one search for the least energy to a target.

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
        objective: Objective = ACCURACY,
        policy: Policy | None = None,
        recorded: Mapping[Choice, int] | None = None,
    ) -> None:
        """Search `arms`.

        Args:
            arms: What can be trained.
            order: In which they are tried.
            budget: Booked epoch by epoch.
            target: Value of the objective that is to be reached.
            objective: Validation metric that decides.
            policy: What is done; None for the default.
            recorded: Trainings that there are of each arm; None where there is always one more.
        """
        self.trainings: dict[Choice, list[Training]] = {arm: [] for arm in arms}
        self._order = order
        self._budget = budget
        self._target = target
        self._objective = objective
        self._policy = policy or Policy()
        self._recorded = recorded
        self._weighed: tuple[object, Sureness | None] | None = None

    @property
    def every(self) -> list[Training]:
        """All trainings that were begun, arm by arm."""
        return [each for many in self.trainings.values() for each in many]

    @property
    def repeats(self) -> list[Training]:
        """Those that were repeats, in the order in which they were begun."""
        return sorted((each for each in self.every if each.again), key=lambda each: each.again)

    @property
    def best_j(self) -> float | None:
        """The least energy to the target of any training; None before the first."""
        known = [j for each in self.every if (j := each.to_target_j) is not None]
        return min(known, default=None)

    def next(self) -> Training | None:
        """The training that is begun or gone on with; None for none, or none before another ends."""
        found = self._next_first()
        if found is None and self._policy.sure is not None:
            found = self._next_repeat(self._policy.sure)
        if found is not None:
            found.state = State.RUNNING
        return found

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
            return StopDecision.CAPPED if training.next_j > REPEATED_TO * self._level_j else None
        last = not self._untried and self._policy.pausing
        return StopDecision.CAPPED if _is_beaten(training, best_j, last=last) else None

    def answer(self) -> tuple[Choice, float] | None:
        """The arm that the search recommends and the least that it has cost; None for none."""
        reached = {
            arm: min(known)
            for arm, many in self.trainings.items()
            if (known := [j for each in many if (j := each.to_target_j) is not None])
        }
        if not reached:
            return None
        arm = min(reached, key=lambda each: reached[each])
        if any(each.again for each in self.every):
            known_of = self.sureness()
            arm = arm if known_of is None else known_of.answer
        return arm, reached[arm]

    def sureness(self) -> Sureness | None:
        """Sureness of the answer; None where there is none."""
        state = tuple((each.arm, each.seed, len(each.gains), each.state) for each in self.every)
        if self._weighed is None or self._weighed[0] != state:
            self._weighed = (state, self._weigh(self.trainings))
        return self._weighed[1]

    @property
    def _level_j(self) -> float:
        """Cost of the best arm in the mean of logarithms: one lucky seed is no measure."""
        known = [
            [math.log(j) for each in many if (j := each.to_target_j)]
            for many in self.trainings.values()
        ]
        return math.exp(min(math.fsum(each) / len(each) for each in known if each))

    def _weigh(self, trainings: Mapping[Choice, Sequence[Training]]) -> Sureness | None:
        return weigh(trainings, self._recorded, rule=self._policy.rule)

    @property
    def _untried(self) -> list[Choice]:
        """The arms that may still be begun."""
        untried = [arm for arm, many in self.trainings.items() if not many]
        most = self._policy.most_arms
        return [] if most is not None and len(self.trainings) - len(untried) >= most else untried

    def _next_first(self) -> Training | None:
        """The next of the first trainings of all arms."""
        paused, untried, best_j = self._paused(), self._untried, self.best_j
        if best_j is None:
            if untried and (not paused or self._explores()):
                return self._begin(untried)
            return _most_promising(paused)
        hopeful = [each for each in paused if each.promised_j < best_j]
        if hopeful:
            return _most_promising(hopeful)
        if untried:
            return self._begin(untried)
        return _most_promising([t for t in paused if not _is_beaten(t, best_j, last=True)])

    def _paused(self) -> list[Training]:
        if not self._policy.pausing:
            return []
        return [each for each in self.every if each.state is State.PAUSED and not each.again]

    def _begin(self, untried: Sequence[Choice]) -> Training:
        costs_j = {
            arm: min(each.promised_j for each in many)
            for arm, many in self.trainings.items()
            if many and all(each.first_j for each in many)
        }
        arm = self._order.next(untried, costs_j)
        return self.take(arm, seed=0)

    def _explores(self) -> bool:
        """Return whether new arms have used no more than what was gone on with."""
        begun = [(each.used_j, each.first_rung_j) for each in self.every if each.first_j]
        explored_j = sum(min(used_j, rung_j) for used_j, rung_j in begun)
        gone_on_j = sum(max(0.0, used_j - rung_j) for used_j, rung_j in begun)
        return len(begun) < FIRST_ARMS or explored_j <= gone_on_j

    def _goes_on(self, training: Training) -> bool:
        """Return whether a training goes on before any has reached the target."""
        if not training.crosses_rung or not training.has_score:
            return True
        predicted_j = training.predicted_j
        if predicted_j is not None and predicted_j <= ON_ITS_WAY * training.used_j:
            return True
        if self._untried or not self._policy.pausing:
            return False
        others = [each for each in self._paused() if each is not training]
        return all(training.promised_j <= each.promised_j for each in others)

    def _next_repeat(self, sure: float) -> Training | None:
        """The training that tells most about which arm to use; None where it is sure enough."""
        if any(each.state is State.RUNNING for each in self.every):
            return None  # its result may change which that is
        most = self._policy.most_repeats
        done = self.repeats
        if len(done) >= (MOST_REPEATS * len(self.trainings) if most is None else most):
            return None
        known = self.sureness()
        if known is None or known.repeat is None or self._is_sure_enough(known, sure, done):
            return None
        many = self.trainings[known.repeat]
        paused = [each for each in many if each.state is State.PAUSED and not each.again]
        found = paused[0] if paused else self.take(known.repeat, seed=_free_seed(many))
        found.again = len(done) + 1
        return found

    def _are_tried_enough(self, known: Sureness) -> bool:
        """Return whether leader and rival were trained often enough: a wide early lead is mostly luck."""
        if self._policy.sure is not None and self._policy.sure >= 1:
            return True
        others = {arm: right for arm, right in known.rights.items() if arm != known.answer}
        rival = max(others, key=lambda arm: others[arm], default=None)
        asked = ((known.answer, LEADER_TRAININGS), (rival, RIVAL_TRAININGS))
        return all(
            len(self.trainings[arm]) >= min(least, self._exist(arm))
            for arm, least in asked
            if arm is not None
        )

    def _exist(self, arm: Choice) -> float:
        """Trainings that there are of an arm."""
        return math.inf if self._recorded is None else self._recorded[arm]

    def _is_sure_enough(self, known: Sureness, sure: float, done: Sequence[Training]) -> bool:
        """Return whether the answer is sure enough, and was so before the last repeat, too.

        To end at the first moment of such a probability would pick moments of luck; for the same
        reason only half of the doubt is left that was allowed.
        """
        enough = sure if sure >= 1 else 1 - (1 - sure) / 2
        if known.right is None or known.right < enough or len(done) < LEAST_REPEATS:
            return False
        if not self._are_tried_enough(known):
            return False
        before = self._weigh(_without(self.trainings, done[-1]))
        return before is not None and before.right is not None and before.right >= enough


def _without(
    trainings: Mapping[Choice, Sequence[Training]], one: Training
) -> dict[Choice, list[Training]]:
    return {arm: [t for t in many if t is not one] for arm, many in trainings.items()}


def _most_promising(trainings: Sequence[Training]) -> Training | None:
    # Of equal ones the first by its arm, whichever was begun first: rows do not tell that.
    return min(trainings, key=lambda each: each.promised_j, default=None)


def _free_seed(trainings: Sequence[Training]) -> int:
    """Return the first seed that no training of an arm has."""
    taken = {each.seed for each in trainings}
    return next(seed for seed in range(len(taken) + 1) if seed not in taken)


def _is_beaten(training: Training, best_j: float, *, last: bool) -> bool:
    """Return whether a training is not to go on, as it costs more than the best or promises to.

    Args:
        training: Which.
        best_j: What the best needed.
        last: Whether every arm was tried, so that it has its last chance.
    """
    if not training.first_j:
        return False  # nothing is known of what it costs
    if training.next_j >= best_j or not training.has_score:
        return training.next_j >= best_j
    expected_j = training.least_j if last else training.predicted_j
    if expected_j is not None:
        return expected_j >= best_j * (GIVEN_UP if last else 1.0)
    if not last:
        return len(training.gains) > 1
    return training.has_risen and len(training.gains) >= FLAT_EPOCHS
