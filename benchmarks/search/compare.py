"""Comparison of strategies by the energy they spend until they have found the best setup.

All strategies run on the same recorded trainings. Each seed of a search draws one recorded training for each
setup, the same for all strategies. A search's answer at any time is the setup whose trial reached the target with
the least energy so far. Two regrets tell how good it is:

    regret        excess cost over what the whole grid finds in the same draw
    true regret   excess cost over the best setup by the medians over all recorded seeds, which no search
                  sees: if setups differ less than their seeds, nobody can know the best
"""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from benchmarks.search.strategies import STRATEGIES, Strategy
from study.record.search.goal import SearchGoal
from study.search.proposals import Proposer
from study.search.replay.simulation import ReplayedTrial, Simulation, first_rung
from study.search.replay.table import ReplayTable, to_target_j
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper
from study.search.stopping.halving import Halving

NEAR = 0.05
"""Largest excess cost, as a share, with which an answer counts as near the best."""

GOAL = SearchGoal.ENERGY_TO_TARGET


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimAnswer:
    """Answer that a search gave from some moment on.

    Attributes:
        spent_j: Energy that the search had used by then, in joules.
        regret: Excess cost of the setup over the grid's answer, as a share: 0.05 is 5 %.
        true_regret: Excess cost over the best setup by the medians over all recorded seeds, as a share;
            infinite for a setup that mostly does not reach the target.
    """

    spent_j: float
    regret: float
    true_regret: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """Outcome of one search by one strategy.

    Attributes:
        strategy: Name of the strategy.
        seed: Seed of the search.
        answers: Answers in the order of the search; empty if no trial reached the target.
        spent_j: Energy that the whole search used, in joules.
        trials: Number of trials.
    """

    strategy: str
    seed: int
    answers: tuple[InterimAnswer, ...]
    spent_j: float
    trials: int

    @property
    def to_near_j(self) -> float:
        """Energy in joules used until the answer was near the grid's; infinite if it never was."""
        near = [answer.spent_j for answer in self.answers if answer.regret <= NEAR]
        return min(near, default=math.inf)

    @property
    def last_true_regret(self) -> float:
        """True regret of the last answer; infinite if there was none."""
        return self.answers[-1].true_regret if self.answers else math.inf

    def regret_at(self, spent_j: float) -> float:
        """Return the regret of the answer after `spent_j` joules; infinite before the first answer."""
        given = [answer.regret for answer in self.answers if answer.spent_j <= spent_j]
        return given[-1] if given else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Outcomes of all searches by all strategies on one table.

    Attributes:
        table: Table of recorded trainings.
        target: Target accuracy.
        best_j: Energy to target of the best setup by the medians over recorded seeds, in joules.
        best: The best setup.
        outcomes: Outcomes of all searches.
    """

    table: ReplayTable
    target: float
    best_j: float
    best: Choice
    outcomes: tuple[SearchOutcome, ...]

    def of(self, strategy: str) -> tuple[SearchOutcome, ...]:
        """Return the outcomes of one strategy."""
        return tuple(each for each in self.outcomes if each.strategy == strategy)

    def share_to_near(self, strategy: str) -> tuple[float, float, float]:
        """Return lower quartile, median and upper quartile of `to_near_j` as a share of the grid's energy."""
        shares = sorted(each.to_near_j / self.table.grid_j for each in self.of(strategy))
        return quartiles(shares)


def compare(
    table: ReplayTable,
    *,
    target: float,
    seeds: int,
    gpus: int = 1,
    strategies: Sequence[Strategy] = STRATEGIES,
    trials: int | None = None,
    processes: int = 1,
    done: Callable[[], object] = lambda: None,
) -> Comparison:
    """Run each strategy once for each seed.

    Args:
        table: Table of recorded trainings.
        target: Target accuracy.
        seeds: Number of searches by each strategy.
        gpus: Number of trials that run at the same time in a search.
        strategies: Strategies to compare.
        trials: Largest number of trials of a search; None for all setups.
        processes: Number of searches that run at the same time.
        done: Called after each search.

    Raises:
        OptionError: No setup reaches the target.
    """
    true_j = table.energy_to_target_j(target)
    best = min(true_j, key=lambda choice: true_j[choice])
    search = partial(_searched, table, target=target, gpus=gpus, trials=trials, true_j=true_j)
    # By seed, then strategy, so that the slow strategies are not all left for the end.
    asked = [(strategy, seed) for seed in range(seeds) for strategy in strategies]
    outcomes = []
    for outcome in _each(search, asked, processes):
        outcomes.append(outcome)
        done()
    return Comparison(
        table=table, target=target, best_j=true_j[best], best=best, outcomes=tuple(outcomes)
    )


def _each(
    search: Callable[[Strategy, int], SearchOutcome],
    asked: Sequence[tuple[Strategy, int]],
    processes: int,
) -> Iterator[SearchOutcome]:
    if processes == 1:
        yield from (search(strategy, seed) for strategy, seed in asked)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(search, *zip(*asked, strict=True))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile of values, which may be infinite."""
    ranked = sorted(values)
    last = len(ranked) - 1
    return (ranked[last // 4], statistics.median_high(ranked), ranked[math.ceil(last * 0.75)])


def _searched(
    table: ReplayTable,
    strategy: Strategy,
    seed: int,
    *,
    target: float,
    gpus: int,
    trials: int | None,
    true_j: dict[Choice, float],
) -> SearchOutcome:
    budget = Budget()
    halving = None
    if strategy.halving is not None:
        halving = Halving(rungs=strategy.halving, first=first_rung(strategy.halving, table))
    proposer = Proposer(
        table.space,
        goal=GOAL,
        sampler=strategy.sampler,
        seed=seed,
        backwards=strategy.backwards,
    )
    stopper = EarlyStopper(goal=GOAL, budget=budget, halving=halving, capping=strategy.capping)
    search = Simulation(
        table,
        proposer=proposer,
        stopper=stopper,
        budget=budget,
        goal=GOAL,
        target=target,
        seed=seed,
        gpus=gpus,
        trials=trials,
    ).run()
    return SearchOutcome(
        strategy=strategy.name,
        seed=seed,
        answers=_answers(
            search.trials,
            grid_j=min(to_target_j(one, target) for one in table.draw(seed).values()),
            true_j=true_j,
        ),
        spent_j=search.spent_j,
        trials=len(search.trials),
    )


def _answers(
    trials: Sequence[ReplayedTrial], *, grid_j: float, true_j: dict[Choice, float]
) -> tuple[InterimAnswer, ...]:
    """Return every change of the answer; `grid_j` is the cost of the grid's own answer in joules."""
    best_j = min(true_j.values())
    answers = []
    least_j = math.inf
    for trial in trials:
        seen_j = trial.curve.to_target_j
        if seen_j is not None and seen_j < least_j:
            least_j = seen_j
            answers.append(
                InterimAnswer(
                    spent_j=trial.spent_j,
                    regret=seen_j / grid_j - 1,
                    true_regret=true_j.get(trial.choice, math.inf) / best_j - 1,
                )
            )
    return tuple(answers)
