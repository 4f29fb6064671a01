"""Energy that each strategy spends until it has found the best setup, seed by seed.

All strategies run on the same recorded
trainings, each seed with its own draw of one recorded seed for each setup, the same for all. A
search's answer at any time is the setup whose trial reached the target with the least energy so
far. Two regrets tell how good it is:

    regret        how much more it costs than what the whole grid finds in the same draw
    true regret   how much more it costs than the best setup by the medians over all recorded seeds,
                  which no search sees: where setups differ less than their seeds, nobody can know
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
"""An answer is near the best when it costs at most so much more."""

GOAL = SearchGoal.ENERGY_TO_TARGET


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimAnswer:
    """Answer that a search gave from some time on.

    Attributes:
        spent_j: What it had used by then.
        regret: How much more the setup costs than the grid's answer: 0.05 is 5 %.
        true_regret: The same by the medians over all recorded seeds; infinite for a setup that
            mostly does not reach the target.
    """

    spent_j: float
    regret: float
    true_regret: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """One search by one strategy.

    Attributes:
        strategy: Its name.
        seed: Its seed.
        answers: In their order; none where no trial reached the target.
        spent_j: What the whole search used.
        trials: Number of its trials.
    """

    strategy: str
    seed: int
    answers: tuple[InterimAnswer, ...]
    spent_j: float
    trials: int

    @property
    def to_near_j(self) -> float:
        """Energy used until the answer was near the grid's; infinite if it never was."""
        near = [answer.spent_j for answer in self.answers if answer.regret <= NEAR]
        return min(near, default=math.inf)

    @property
    def last_true_regret(self) -> float:
        """True regret of the last answer; infinite where there was none."""
        return self.answers[-1].true_regret if self.answers else math.inf

    def regret_at(self, spent_j: float) -> float:
        """Regret of the answer after so much energy; infinite before the first."""
        given = [answer.regret for answer in self.answers if answer.spent_j <= spent_j]
        return given[-1] if given else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All searches by all strategies on one table.

    Attributes:
        table: The table.
        target: Target accuracy.
        best_j: Energy to target of the best setup, by the medians over recorded seeds.
        best: That setup.
        outcomes: All searches.
    """

    table: ReplayTable
    target: float
    best_j: float
    best: Choice
    outcomes: tuple[SearchOutcome, ...]

    def of(self, strategy: str) -> tuple[SearchOutcome, ...]:
        """The searches by one strategy."""
        return tuple(each for each in self.outcomes if each.strategy == strategy)

    def share_to_near(self, strategy: str) -> tuple[float, float, float]:
        """Lower quartile, median, upper quartile of `to_near_j` over the grid's energy."""
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
        table: The recorded trainings.
        target: Target accuracy.
        seeds: Searches by each strategy.
        gpus: Trials at the same time.
        strategies: What is compared.
        trials: At most so many trials of each search; None for all setups.
        processes: Searches at the same time.
        done: Called after each search.

    Raises:
        OptionError: No setup reaches the target.
    """
    true_j = table.energy_to_target_j(target)
    best = min(true_j, key=lambda choice: true_j[choice])
    search = partial(_searched, table, target=target, gpus=gpus, trials=trials, true_j=true_j)
    # One after another in the order of seeds, so that no process is left alone with the slow ones.
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
    """Lower quartile, median and upper quartile; values may be infinite."""
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
    """Every change of the answer; `grid_j` is what the grid's own answer costs."""
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
