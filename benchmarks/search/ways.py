"""Ways to search a table, run once for each seed, and the judgement of their answers."""

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
"""Largest excess cost, as a share, with which an answer counts as near the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A completed search.

    Attributes:
        found: Answers, in the order of the search.
        spent_j: Energy that the whole search used, in joules.
        right: Probability that the search states for its last answer; None if it states none.
    """

    found: tuple[Found, ...]
    spent_j: float
    right: float | None = None


Way = Callable[[ReplayTable, float, int], Searched]
"""Function that searches a table for a target, with recordings drawn by a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Judgement of a search.

    Attributes:
        share_to_near: Energy until the answer was within 5 % of what the grid finds in the same
            recordings, as a share of the grid's energy; infinite if it never was.
        share: Energy of the whole search, as a share of the grid's.
        has_answer: Whether the search has an answer.
        is_right: Whether the last answer is truly within 5 % of the best setup.
        right: Probability that the search states for that; None if it states none.
    """

    share_to_near: float
    share: float
    has_answer: bool
    is_right: bool
    right: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our search, with switches for single parts of it.

    Attributes:
        policy: Policy of the search.
        sharing: Whether setups that differ only in power limit share a learning curve.
        middle_first: Whether the middle of the space is tried first; otherwise a random arm.
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
    """Search once for each seed in whose recordings a setup reaches the target, and judge the searches.

    Args:
        table: Table of recorded trainings.
        target: Accuracy that must be reached.
        way: Way to search.
        seeds: Seeds of the searches.
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
    """Return the true energy to the target, in joules, of each setup that reaches it with most seeds.

    It is the geometric mean over the recorded seeds that reach the target, plus the energy used by seeds that
    do not, divided by the number that do.
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
    """Return a hash of the seed, so that the choice does not correlate with the drawn recordings."""
    return (seed * 2_654_435_761 + 97) % 2**32 >> 7
