"""Goals of a search, the tables on which each is judged, and how far it is met or missed."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich import box
from rich.table import Table

from benchmarks.search.sm2 import sm2
from benchmarks.search.synthetic_table import synthetic_rows
from benchmarks.search.ways import Ours, Result, Way, grid_in_order, judged
from benchmarks.search.worlds import SEEDS, world
from benchmarks.search.zeus import zeus
from study.search.arms.policy import Policy
from study.search.replay.table import ReplayTable, read_table, table_of

RECORDED = Path("benchmarks") / "data" / "watch16"
FEW_EPOCHS = Path("benchmarks") / "data" / "few_epochs"
"""Table of 9 setups with 3 epochs each, validated 10 times per epoch (see `benchmarks/record_table.py`)."""

MOST_LOST, LEAST_RIGHT = 0.05, 0.9

WORLDS = range(60, 100)
"""Held-out jobs; the constants of the search were chosen on 0 to 59."""

NOISY = 149
"""First job from 100 on with the noise and the rivals that `noisy_case` describes."""

MANY = 40
"""Number of seeds of a setup that stands for any number, as a search sees only a few of them."""

OURS, GRID = "ours", "grid, in its order"
SURE = Policy(sure=0.9)

WAYS: Mapping[str, Way] = {
    OURS: Ours(),
    "ours, --sure 0.9": Ours(policy=SURE),
    "without sharing along power limits": Ours(sharing=False),
    "without going on with what was paused": Ours(policy=Policy(pausing=False)),
    "an arm by chance first": Ours(middle_first=False),
    "Zeus's bandit (re-implemented)": zeus,
    "SM2 (re-implemented in outline)": sm2,
    GRID: grid_in_order,
}
"""Our search, the same without single parts of it, and rivals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Table with a target and goals.

    Attributes:
        name: Name shown in tables.
        table: Table of recorded trainings.
        target: Accuracy that must be reached.
        goal: Largest share of the grid's energy until the answer is within 5 %; None for no goal.
        whole_goal: Largest share of the grid's energy for the whole search; None for no goal.
        sure_goal: Whether the answer with --sure 0.9 must be right in 90 % of searches.
    """

    name: str
    table: ReplayTable
    target: float
    goal: float | None = None
    whole_goal: float | None = None
    sure_goal: bool = False


def recorded_cases(zeus_tables: Path | None) -> Iterator[Case]:
    """Yield the recorded tables and the synthetic one, with their goals.

    Args:
        zeus_tables: Folder with the converted traces of Zeus; None leaves them out.
    """
    if zeus_tables is not None:
        for name, target, goal in (("cifar100", 0.6, 0.02), ("sentiment140", 0.84, 0.04)):
            path = zeus_tables / f"{name}-v100-batch-power.csv"
            rows = pd.read_csv(path)
            most = rows[rows["power_limit_w"] == rows["power_limit_w"].max()]
            yield Case(
                name=f"{name}, batch x power limit",
                table=table_of(rows, name=name),
                target=target,
                goal=goal,
                sure_goal=True,
            )
            alone = table_of(most.drop(columns="power_limit_w"), name=f"{name}, batch")
            yield Case(name=f"{name}, batch alone", table=alone, target=target, goal=0.2)
    watch = read_table(RECORDED)
    for target in (0.75, 0.8, 0.85):
        yield Case(name="watch16", table=watch, target=target, goal=0.2)
    few = read_table(FEW_EPOCHS)
    yield Case(name="3 epochs, validated within", table=few, target=0.75, whole_goal=0.4)
    dense = table_of(synthetic_rows(), name="synthetic 16 x 16")
    yield Case(name="synthetic 16 x 16", table=dense, target=0.9, goal=0.02)


def noisy_case() -> Case:
    """Return a synthetic job whose seeds differ by 30 %, and whose best setup has rivals 14 and 23 % dearer."""
    noisy = world(NOISY, seeds=MANY)
    return Case(name=f"noisy made-up job {NOISY}", table=noisy.table, target=noisy.target)


def summary(case: Case, results: Mapping[str, Sequence[Result]]) -> Table:
    """Return a table with a line for each way, in % of the grid's energy."""
    searches = max(map(len, results.values()))
    found = Table(
        *("way", "within 5 %: median", "mean", "worst", "lost", "no answer", "truly within 5 %"),
        "whole search",
        box=box.SIMPLE_HEAD,
        title=f"{case.name}, target {case.target:g}: {searches} searches each, % of the grid's energy",
    )
    for name, many in results.items():
        shares = [each.share_to_near for each in many]
        known = [each for each in shares if each < math.inf]
        found.add_row(
            name,
            percent(statistics.median_high(shares)),
            percent(statistics.fmean(known) if known else math.inf),
            percent(max(shares)),
            str(len(shares) - len(known)),
            str(sum(not each.has_answer for each in many)),
            percent(statistics.fmean(each.is_right for each in many), digits=0),
            percent(statistics.median_high(each.share for each in many)),
        )
    return found


def judgements(case: Case, results: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    """Yield a line of text for each goal of a case."""
    ours = results[OURS]
    shares = [each.share_to_near for each in ours]
    if case.goal is not None:
        median = statistics.median_high(shares)
        yield f"median until within 5 %: {percent(median)} % (goal {case.goal:.0%}: {_word(median <= case.goal)})"
        lost = statistics.fmean(each == math.inf for each in shares)
        yield f"best setup lost: {percent(lost)} % (goal 5 %: {_word(lost <= MOST_LOST)})"
        none = sum(not each.has_answer for each in ours)
        yield f"searches without an answer that exists: {none} (goal 0: {_word(not none)})"
    if case.whole_goal is not None:
        whole = statistics.median_high(each.share for each in ours)
        yield f"whole search: {percent(whole)} % (goal {case.whole_goal:.0%}: {_word(whole <= case.whole_goal)})"
    if GRID in results:
        grid = statistics.median_high(each.share_to_near for each in results[GRID])
        word = _word(statistics.median_high(shares) <= grid)
        yield f"median of the grid in its order: {percent(grid)} % (goal never behind it: {word})"
    sure = results.get("ours, --sure 0.9")
    if case.sure_goal and sure:
        right = statistics.fmean(each.is_right for each in sure)
        yield f"--sure 0.9, truly within 5 %: {percent(right, digits=0)} % (goal 90 %: {_word(right >= LEAST_RIGHT)})"


def held_out(way: Way, seeds: Sequence[int], *, recorded: int = SEEDS) -> list[Result]:
    """Search every held-out synthetic job, and judge the searches.

    Args:
        way: Way to search.
        seeds: Seeds of the searches of each job.
        recorded: Number of trainings of each setup; with many, answers are judged by the job itself rather
            than by the seeds that were drawn.
    """
    jobs = [world(number, seeds=recorded) for number in WORLDS]
    return [each for job in jobs for each in judged(job.table, job.target, way, seeds)]


def percent(share: float, *, digits: int = 1) -> str:
    """Return a share in per cent as text; `never` for infinity."""
    return "never" if share == math.inf else f"{100 * share:.{digits}f}"


def _word(is_reached: bool) -> str:  # noqa: FBT001 - a decision
    return "yes" if is_reached else "NO"
