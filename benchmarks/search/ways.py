"""One search after another on a table, by one way, and how good they were."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import Found, PausingReplay
from study.search.replay.table import ReplayTable, to_target_j
from study.search.space.space import Choice

NEAR = 0.05
"""An answer is near the best when it costs at most so much more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A search.

    Attributes:
        found: Its answers, in their order.
        spent_j: What all of it used.
        right: Probability that it gave its last answer; None where it gave none.
    """

    found: tuple[Found, ...]
    spent_j: float
    right: float | None = None


Way = Callable[[ReplayTable, float, int], Searched]
"""A search of a table for a target, with the draws of a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A search, judged.

    Attributes:
        share_to_near: Energy until the answer was within 5 % of what the grid finds in the same
            recordings, over the grid's; infinite if it never was.
        share: Of the whole search.
        has_answer: Whether there is one, or none that could be found.
        is_right: Whether the last answer is truly within 5 % of the best setup.
        right: Probability that it gave for that.
    """

    share_to_near: float
    share: float
    has_answer: bool
    is_right: bool
    right: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our search; each part can be taken away.

    Attributes:
        policy: What it does.
        sharing: Whether power limits share curves.
        middle_first: Whether the middle of the space comes first; else an arm by chance.
    """

    policy: Policy = field(default_factory=Policy)
    sharing: bool = True
    middle_first: bool = True

    def __call__(self, table: ReplayTable, target: float, seed: int) -> Searched:
        """See `Way`."""
        arms = ArmTable.of(table, sharing=self.sharing)
        every = list(arms.arms)
        start = [] if self.middle_first else [every[_mixed(seed) % len(every)]]
        order = ArmOrder(arms.axes, every, seed=seed, start=start)
        outcome = PausingReplay(
            table, arms, target=target, seed=seed, policy=self.policy, order=order
        ).run()
        right = None if outcome.sure is None else outcome.sure.right
        return Searched(found=outcome.found, spent_j=outcome.spent_j, right=right)


def grid_in_order(table: ReplayTable, target: float, seed: int) -> Searched:
    """Train all setups to their ends, in the order of the table; see `Way`."""
    drawn, learnt = ArmTable.of(table).draw(seed), table.space.learning_part
    found: list[Found] = []
    spent_j = 0.0
    for choice, many in table.recordings.items():
        training = many[drawn.index(learnt(choice), 0)]
        spent_j += training.energy_j
        costs_j = to_target_j(training, target)
        if costs_j < min((each.to_target_j for each in found), default=math.inf):
            answer = Found(choice=choice, to_target_j=costs_j, score=target, spent_j=spent_j)
            found.append(answer)
    return Searched(found=tuple(found), spent_j=spent_j)


def judged(table: ReplayTable, target: float, way: Way, seeds: Sequence[int]) -> list[Result]:
    """Search once for each seed in whose recordings a setup reaches the target.

    Args:
        table: The recorded trainings.
        target: Accuracy that is to be reached.
        way: How.
        seeds: Of the searches.
    """
    arms = ArmTable.of(table)
    true_j = typical_j(table, target)
    found = []
    for seed in seeds:
        grid_j = arms.grid_answer_j(seed, target)
        if grid_j < math.inf:
            searched = way(table, target, seed)
            found.append(_judge(searched, table, arms, seed, target, grid_j, true_j))
    return found


def typical_j(table: ReplayTable, target: float) -> dict[Choice, float]:
    """Return each setup's true energy to the target: the geometric mean over all recorded seeds.

    Of those that most seeds reach; what the others used counts for the ones that did.
    """
    typical = {}
    for choice, many in table.recordings.items():
        costs_j = [to_target_j(each, target) for each in many]
        reached = [j for j in costs_j if j < math.inf]
        if 2 * len(reached) > len(many):
            missed_j = sum(e.energy_j for e, j in zip(many, costs_j, strict=True) if j == math.inf)
            typical[choice] = statistics.geometric_mean(reached) + missed_j / len(reached)
    return typical


def _judge(
    searched: Searched,
    table: ReplayTable,
    arms: ArmTable,
    seed: int,
    target: float,
    grid_j: float,
    true_j: dict[Choice, float],
) -> Result:
    drawn = arms.draw(seed)
    learnt = table.space.learning_part
    near = [
        each.spent_j
        for each in searched.found
        if to_target_j(table.recordings[each.choice][drawn.index(learnt(each.choice), 0)], target)
        <= (1 + NEAR) * grid_j
    ]
    last_j = true_j.get(searched.found[-1].choice, math.inf) if searched.found else math.inf
    return Result(
        share_to_near=min(near, default=math.inf) / table.grid_j,
        share=searched.spent_j / table.grid_j,
        has_answer=bool(searched.found),
        is_right=last_j <= (1 + NEAR) * min(true_j.values(), default=0.0),
        right=searched.right,
    )


def _mixed(seed: int) -> int:
    """A number that has nothing to do with how seeds draw recordings."""
    return (seed * 2_654_435_761 + 97) % 2**32 >> 7
