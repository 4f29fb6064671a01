"""Scheduler of trainings: starts, pauses and repeats them, and resumes them by predicted cost.

    until an arm has reached the target
        A training is paused at its rung (two epochs, doubled each time) unless it is on its way: by its
        own pace it needs no more energy to the target than it has used. Half of the energy goes to new
        arms, half to the most promising paused one, so that the search always finds an answer if there
        is one.
    after that
        A training is paused when it is predicted to cost more than the best. Paused arms predicted to
        cost less are resumed first, then new arms are tried, then paused ones may use as much as the
        best, unless they are predicted to cost `GIVEN_UP` times as much. A training whose score has not
        begun to improve ends only once it has used as much as the best.
    finally, with --sure or --confirm
        The most informative trainings are repeated (`study.search.arms.answer_probabilities`).

All decisions depend only on the progress of the trainings, so that a search resumed from its rows continues
as it would have without the interruption.
"""

import math
from collections.abc import Mapping, Sequence
from typing import final

from study.record.objective import ACCURACY, Objective
from study.search.arms.answer_probabilities import AnswerProbabilities, assess
from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
from study.search.arms.training import State, Training
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision

FIRST_ARMS = 3
"""Number of arms that are started before a paused one is resumed, unless one is on its way."""

ON_ITS_WAY = 2.0
"""A training continues beyond its rung if its predicted cost is at most this times the energy used."""

GIVEN_UP = 1.5
"""At the end, a paused training is not resumed if it is predicted to cost this times the best or more."""

FLAT_EPOCHS = 6
"""A training is given up that has improved, but not over the last half of at least this many epochs."""

LEAST_REPEATS = 3
"""Minimum number of repeats: with fewer, two seeds that happen to agree would look like no spread."""

LEADER_TRAININGS, RIVAL_TRAININGS = 4, 3
"""Minimum trainings of the best arm and of its likeliest rival before the answer counts as sure."""

MOST_REPEATS = 3
"""Default maximum number of repeats, per arm of the search."""

REPEATED_TO = 2.0
"""A repeat continues up to this times the cost of the best arm, to show how bad a bad seed is."""


@final
class Scheduler:
    """Scheduler of one search for the least energy to a target.

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
        objective: Objective = ACCURACY,
        policy: Policy | None = None,
        recorded: Mapping[Choice, int] | None = None,
    ) -> None:
        """Prepare a search.

        Args:
            arms: Arms that can be trained.
            order: Order in which they are tried.
            budget: Energy budget, booked epoch by epoch by the caller.
            target: Value of the objective to reach.
            objective: Validation metric that decides.
            policy: Features of the search; None for the default.
            recorded: Number of recorded trainings of each arm, in a replay; None where another one can
                always be trained.
        """
        self.trainings: dict[Choice, list[Training]] = {arm: [] for arm in arms}
        self._order = order
        self._budget = budget
        self._target = target
        self._objective = objective
        self._policy = policy or Policy()
        self._recorded = recorded
        self._assessed: tuple[object, AnswerProbabilities | None] | None = None

    @property
    def every(self) -> list[Training]:
        """All trainings that were started, arm by arm."""
        return [each for many in self.trainings.values() for each in many]

    @property
    def repeats(self) -> list[Training]:
        """Trainings that are repeats, in the order in which they were started."""
        return sorted(
            (each for each in self.every if each.repeat_number), key=lambda each: each.repeat_number
        )

    @property
    def best_j(self) -> float | None:
        """The least energy to the target of any training, in joules; None before one has reached it."""
        known = [j for each in self.every if (j := each.to_target_j) is not None]
        return min(known, default=None)

    def next(self) -> Training | None:
        """Return the training to start or resume; None if there is none, or none before another ends."""
        found = self._next_first()
        if found is None and self._policy.sure is not None:
            found = self._next_repeat(self._policy.sure)
        if found is not None:
            found.state = State.RUNNING
        return found

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

    def after_epoch(self, training: Training) -> StopDecision | None:
        """Return why a training is to end after the epoch just added to it; None to continue."""
        if training.reached:
            return StopDecision.TARGET
        if self._budget.is_used_up:
            return StopDecision.BUDGET
        best_j = self.best_j
        if best_j is None:
            return None if self._goes_on(training) else StopDecision.HALVED
        if training.repeat_number:
            return StopDecision.CAPPED if training.next_j > REPEATED_TO * self._level_j else None
        last = not self._untried and self._policy.pausing
        return StopDecision.CAPPED if _is_beaten(training, best_j, last=last) else None

    def answer(self) -> tuple[Choice, float] | None:
        """Return the recommended arm and its least energy to the target; None where there is none."""
        reached = {
            arm: min(known)
            for arm, many in self.trainings.items()
            if (known := [j for each in many if (j := each.to_target_j) is not None])
        }
        if not reached:
            return None
        arm = min(reached, key=lambda each: reached[each])
        if any(each.repeat_number for each in self.every):
            known_of = self.answer_probabilities()
            arm = arm if known_of is None else known_of.answer
        return arm, reached[arm]

    def answer_probabilities(self) -> AnswerProbabilities | None:
        """Return the probabilities of the answer; None where no arm has reached the target."""
        state = tuple((each.arm, each.seed, len(each.gains), each.state) for each in self.every)
        if self._assessed is None or self._assessed[0] != state:
            self._assessed = (state, self._assess(self.trainings))
        return self._assessed[1]

    @property
    def _level_j(self) -> float:
        """Lowest geometric mean cost of an arm in joules, which a single lucky seed distorts less."""
        known = [
            [math.log(j) for each in many if (j := each.to_target_j)]
            for many in self.trainings.values()
        ]
        return math.exp(min(math.fsum(each) / len(each) for each in known if each))

    def _assess(self, trainings: Mapping[Choice, Sequence[Training]]) -> AnswerProbabilities | None:
        return assess(trainings, self._recorded, rule=self._policy.rule)

    @property
    def _untried(self) -> list[Choice]:
        """The arms that may still be started."""
        untried = [arm for arm, many in self.trainings.items() if not many]
        most = self._policy.most_arms
        return [] if most is not None and len(self.trainings) - len(untried) >= most else untried

    def _next_first(self) -> Training | None:
        """Return the next training among the first ones of all arms, new or paused; None if there is none."""
        paused, untried, best_j = self._paused(), self._untried, self.best_j
        if best_j is None:
            if untried and (not paused or self._explores()):
                return self._begin(untried)
            return _most_promising(paused)
        hopeful = [each for each in paused if each.estimated_cost_j < best_j]
        if hopeful:
            return _most_promising(hopeful)
        if untried:
            return self._begin(untried)
        return _most_promising([t for t in paused if not _is_beaten(t, best_j, last=True)])

    def _paused(self) -> list[Training]:
        if not self._policy.pausing:
            return []
        return [
            each for each in self.every if each.state is State.PAUSED and not each.repeat_number
        ]

    def _begin(self, untried: Sequence[Choice]) -> Training:
        costs_j = {
            arm: min(each.estimated_cost_j for each in many)
            for arm, many in self.trainings.items()
            if many and all(each.first_j for each in many)
        }
        arm = self._order.next(untried, costs_j)
        return self.take(arm, seed=0)

    def _explores(self) -> bool:
        """Return whether new arms have used no more energy than trainings beyond their first rung."""
        begun = [(each.used_j, each.first_rung_j) for each in self.every if each.first_j]
        explored_j = sum(min(used_j, rung_j) for used_j, rung_j in begun)
        gone_on_j = sum(max(0.0, used_j - rung_j) for used_j, rung_j in begun)
        return len(begun) < FIRST_ARMS or explored_j <= gone_on_j

    def _goes_on(self, training: Training) -> bool:
        """Return whether a training continues while no training has reached the target yet."""
        if not training.crosses_rung or not training.has_score:
            return True
        predicted_j = training.predicted_j
        if predicted_j is not None and predicted_j <= ON_ITS_WAY * training.used_j:
            return True
        if self._untried or not self._policy.pausing:
            return False
        others = [each for each in self._paused() if each is not training]
        return all(training.estimated_cost_j <= each.estimated_cost_j for each in others)

    def _next_repeat(self, sure: float) -> Training | None:
        """Return the most informative training about which arm to use; None if the answer is sure enough.

        None, too, while another training runs and once the repeats are used up.
        """
        if any(each.state is State.RUNNING for each in self.every):
            return None  # its result may change which training is most informative
        most = self._policy.most_repeats
        done = self.repeats
        if len(done) >= (MOST_REPEATS * len(self.trainings) if most is None else most):
            return None
        known = self.answer_probabilities()
        if known is None or known.repeat is None or self._is_sure_enough(known, sure, done):
            return None
        many = self.trainings[known.repeat]
        paused = [each for each in many if each.state is State.PAUSED and not each.repeat_number]
        found = paused[0] if paused else self.take(known.repeat, seed=_free_seed(many))
        found.repeat_number = len(done) + 1
        return found

    def _are_tried_enough(self, known: AnswerProbabilities) -> bool:
        """Return whether leader and rival were trained often enough, since a wide early lead is mostly luck."""
        if self._policy.sure is not None and self._policy.sure >= 1:
            return True
        others = {arm: right for arm, right in known.right_by_arm.items() if arm != known.answer}
        rival = max(others, key=lambda arm: others[arm], default=None)
        asked = ((known.answer, LEADER_TRAININGS), (rival, RIVAL_TRAININGS))
        return all(
            len(self.trainings[arm]) >= min(least, self._exist(arm))
            for arm, least in asked
            if arm is not None
        )

    def _exist(self, arm: Choice) -> float:
        """Return the number of trainings that an arm can have; infinite outside a replay."""
        return math.inf if self._recorded is None else self._recorded[arm]

    def _is_sure_enough(
        self, known: AnswerProbabilities, sure: float, done: Sequence[Training]
    ) -> bool:
        """Return whether the answer is sure enough, and already was before the last repeat.

        Stopping as soon as the probability is first reached would select lucky moments. For the same
        reason only half of the allowed doubt may remain.
        """
        enough = sure if sure >= 1 else 1 - (1 - sure) / 2
        if known.right is None or known.right < enough or len(done) < LEAST_REPEATS:
            return False
        if not self._are_tried_enough(known):
            return False
        before = self._assess(_without(self.trainings, done[-1]))
        return before is not None and before.right is not None and before.right >= enough


def _without(
    trainings: Mapping[Choice, Sequence[Training]], one: Training
) -> dict[Choice, list[Training]]:
    return {arm: [t for t in many if t is not one] for arm, many in trainings.items()}


def _most_promising(trainings: Sequence[Training]) -> Training | None:
    # Ties go to the first arm, not to the training started first, which cannot be told from the rows.
    return min(trainings, key=lambda each: each.estimated_cost_j, default=None)


def _free_seed(trainings: Sequence[Training]) -> int:
    """Return the lowest seed that no training of an arm has."""
    taken = {each.seed for each in trainings}
    return next(seed for seed in range(len(taken) + 1) if seed not in taken)


def _is_beaten(training: Training, best_j: float, *, last: bool) -> bool:
    """Return whether a training should not continue, because it costs more than the best or is predicted to.

    Args:
        training: The training.
        best_j: Least energy to the target of any training, in joules.
        last: Whether every arm was tried already, so that this is the training's last chance.
    """
    if not training.first_j:
        return False  # its cost is unknown
    if training.next_j >= best_j or not training.has_score:
        return training.next_j >= best_j
    expected_j = training.least_j if last else training.predicted_j
    if expected_j is not None:
        return expected_j >= best_j * (GIVEN_UP if last else 1.0)
    if not last:
        return len(training.gains) > 1
    return training.has_risen and len(training.gains) >= FLAT_EPOCHS
