"""Recurring jobs: excess cost of the first runs over training with the best arm each time."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from rich import box
from rich.table import Table

from benchmarks.search.goals import Case, percent
from benchmarks.search.ways import typical_j
from benchmarks.search.zeus import zeus_recurring
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import PausingReplay
from study.search.replay.table import ReplayTable

Recurring = Callable[[ReplayTable, float, int, int], list[float]]
"""Function from table, target, seed and number of runs to the cumulative energy in joules after each run."""

RUNS = (10, 30, 100)


def recurring(table: ReplayTable, target: float, seed: int, runs: int) -> list[float]:
    """Train a recurring job with our search; see `Recurring`."""
    arms = ArmTable.of(table)
    outcome = PausingReplay(table, arms, target=target, seed=seed, runs=runs).run()
    found, spent_j = [], 0.0
    for each in sorted(outcome.trainings, key=lambda each: each.repeat_number):
        spent_j += each.spent_j
        if each.reached:
            found.append(spent_j)
    return found


def first_arm(table: ReplayTable, target: float, seed: int, runs: int) -> list[float]:
    """Train a recurring job with the first arm that reaches the target, kept for all further runs."""
    arms = ArmTable.of(table)
    outcome = PausingReplay(table, arms, target=target, seed=seed, runs=1).run()
    trainings = sorted(outcome.trainings, key=lambda each: each.repeat_number)
    kept = next((each for each in trainings if each.reached), None)
    if kept is None:
        return []
    first_j = sum(each.spent_j for each in trainings)
    every_j = typical_j(table, target).get(arms.setup(kept.arm, kept.setting), math.inf)
    return [first_j + number * every_j for number in range(runs)]


WAYS: Mapping[str, Recurring] = {
    "ours": recurring,
    "Zeus's bandit (re-implemented)": zeus_recurring,
    "the first arm that gets there, kept": first_arm,
}


def regrets(case: Case, way: Recurring, seeds: Sequence[int]) -> dict[int, list[float]]:
    """Return the excess energy of runs over that of as many runs of the truly best arm, as a share.

    Args:
        case: Table and target.
        way: Way to train the job.
        seeds: Seeds of the draws.

    Returns:
        For each number of runs in `RUNS`, the excess for each seed; infinite if fewer runs were completed.
    """
    best_j = min(typical_j(case.table, case.target).values())
    found: dict[int, list[float]] = {runs: [] for runs in RUNS}
    for seed in seeds:
        used_j = way(case.table, case.target, seed, max(RUNS))
        for runs in RUNS:
            spent_j = used_j[runs - 1] if len(used_j) >= runs else math.inf
            found[runs].append(spent_j / (runs * best_j) - 1)
    return found


def recurring_table(case: Case, seeds: Sequence[int]) -> Table:
    """Return a table with a line for each way: median and worst regret in %."""
    found = Table(
        "way",
        *(f"{runs} runs: median, worst" for runs in RUNS),
        box=box.SIMPLE_HEAD,
        title=f"{case.name}, target {case.target:g}: {len(seeds)} recurring jobs, "
        "% above as many runs of the best arm",
    )
    for name, way in WAYS.items():
        regret = regrets(case, way, seeds)
        cells = [
            f"{percent(statistics.median_high(regret[runs]))}, {percent(max(regret[runs]))}"
            for runs in RUNS
        ]
        found.add_row(name, *cells)
    return found
