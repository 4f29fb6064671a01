"""Count how often what `study.inference` says is true, over simulated studies; print it as Markdown.

python -m benchmarks.calibration                         the tables of docs/how-far-the-advice-holds.md
python -m benchmarks.calibration --studies 100 --seeds 1     a look, in half a minute

Each figure is the median over the seeds; where seeds differ, the lowest and highest follow.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import tyro

from benchmarks.calibration.advice import Stated, advice_measures
from benchmarks.calibration.curves import score_measures
from benchmarks.calibration.cycles import cycle_measures, saving_measures
from benchmarks.calibration.intervals import interval_measures
from benchmarks.calibration.spending import spending_measures
from benchmarks.calibration.tables import print_reliability, print_table
from benchmarks.calibration.worlds import WORLDS, truth_of
from study.inference.allocation import Rule
from study.inference.choice import Aim, Preference

REPEATS = (1, 2, 3, 5, 10)
MORE = 16
"""As many more repeats as a third for each of 16 setups."""

IN_ORDER = "one after another"
SURE = 0.9

Measures = Mapping[str, float]
Statements = Mapping[str, Stated]
Cell = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure how far the advice holds.

    Attributes:
        studies: Simulated for each figure and seed.
        seeds: How often all is done again, with other random numbers.
        draws: Of each posterior; a report takes more.
        processes: That share the work.
    """

    studies: int = 1000
    seeds: int = 3
    draws: int = 400
    processes: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row of one table, for one seed.

    Attributes:
        table: Name of the table.
        seed: Which of the seeds.
        world: Kind of truth.
        repeats: Of each setup.
        preference: What is worth more.
        rule: For the repeats of single setups.
    """

    table: str
    seed: int
    world: str = ""
    repeats: int = 2
    preference: Preference = Preference.BALANCED
    rule: Rule | None = None

    @property
    def row(self) -> Cell:
        """What stands before the figures."""
        if self.table == "preference":
            return self.world, str(self.preference)
        if self.table == "more repeats":
            return self.world, IN_ORDER if self.rule is None else str(self.rule)
        return tuple(each for each in (self.world, str(self.repeats)) if each)

    @property
    def entropy(self) -> tuple[int, ...]:
        """What its random numbers come from: another for each task, the same each time."""
        return self.seed, *repr(self).encode()


def main(options: Options) -> None:
    """Compute and print all tables."""
    began_s = time.monotonic()
    tasks = [task for seed in range(options.seeds) for task in _tasks(seed)]
    with ProcessPoolExecutor(options.processes) as pool:
        done = list(pool.map(_done, tasks, itertools.repeat(options), chunksize=2))
    for table in _KINDS:
        rows: dict[Cell, list[Measures]] = {}
        for task, (measures, _) in zip(tasks, done, strict=True):
            if task.table == table:
                rows.setdefault(task.row, []).append(measures)
        print_table(table, rows)
    stated: dict[Cell, list[Stated]] = {}
    for task, (_, statements) in zip(tasks, done, strict=True):
        for name, each in statements.items():
            stated.setdefault((task.world, name), []).append(each)
    print_reliability(stated)
    print(f"\n{time.monotonic() - began_s:.0f} s")


def _tasks(seed: int) -> Iterator[Task]:
    for world, repeats in itertools.product(WORLDS, REPEATS):
        yield Task(table="advice", seed=seed, world=world, repeats=repeats)
        if repeats > 1:
            yield Task(table="intervals", seed=seed, world=world, repeats=repeats)
            yield Task(table="ratios", seed=seed, world=world, repeats=repeats)
    for world in WORLDS:
        for preference in Preference:
            yield Task(table="preference", seed=seed, world=world, preference=preference)
        for rule in (None, *Rule):
            yield Task(table="more repeats", seed=seed, world=world, rule=rule)
    for repeats in REPEATS[1:]:
        yield Task(table="score", seed=seed, repeats=repeats)


def _done(task: Task, options: Options) -> tuple[Measures, Statements]:
    return _KINDS[task.table](task, options, np.random.default_rng(task.entropy))


def _intervals(
    task: Task, options: Options, rng: np.random.Generator
) -> tuple[Measures, Statements]:
    truth = truth_of(task.world, rng, options.studies)
    return interval_measures(truth, rng, repeats=task.repeats, draws=options.draws), {}


def _advice(task: Task, options: Options, rng: np.random.Generator) -> tuple[Measures, Statements]:
    truth = truth_of(task.world, rng, options.studies)
    aim = Aim(price=task.preference.price)
    return advice_measures(truth, rng, repeats=task.repeats, draws=options.draws, aim=aim)


def _preference(
    task: Task, options: Options, rng: np.random.Generator
) -> tuple[Measures, Statements]:
    return _advice(task, options, rng)[0], {}


def _ratios(task: Task, options: Options, rng: np.random.Generator) -> tuple[Measures, Statements]:
    truth = truth_of(task.world, rng, options.studies)
    return {
        **cycle_measures(truth, rng, repeats=task.repeats, draws=options.draws),
        **saving_measures(truth, rng, repeats=task.repeats),
    }, {}


def _more(task: Task, options: Options, rng: np.random.Generator) -> tuple[Measures, Statements]:
    # One study is as much work here as 17 elsewhere: a third of them has to do.
    truth = truth_of(task.world, rng, max(options.studies // 3, 1))
    draws = options.draws // 2
    return spending_measures(
        truth, rng, rule=task.rule, more=MORE, draws=draws, aim=Aim(), sure=SURE
    ), {}


def _score(task: Task, options: Options, rng: np.random.Generator) -> tuple[Measures, Statements]:
    studies = max(options.studies // 3, 1)
    return score_measures(rng, studies=studies, repeats=task.repeats, draws=options.draws), {}


_KINDS: Mapping[
    str, Callable[[Task, Options, np.random.Generator], tuple[Measures, Statements]]
] = {
    "intervals": _intervals,
    "advice": _advice,
    "preference": _preference,
    "more repeats": _more,
    "ratios": _ratios,
    "score": _score,
}


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
