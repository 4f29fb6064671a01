"""Energy that a search needs, as a share of the whole grid's, compared with the goals.

goals        for every table: median, mean and worst energy until the answer is within 5 % of the
             grid's, the searches that lost the best setup, those without an answer, and how many
             answers are truly within 5 %; for our search, the same without single parts of it
             (ablations), and two rivals
held out     synthetic jobs on which no constant of the search was chosen
reliability  the probability that --sure states, compared with the truth
live         real searches on the smartwatch data, compared with the recorded truth

python -m benchmarks.search [--seeds 50] [--zeus-tables FOLDER]     goals and held-out jobs
python -m benchmarks.search --reliability 1000 --zeus-tables FOLDER reliability alone
python -m benchmarks.search --live 10                               10 live searches alone
python -m benchmarks.search --compare TABLE --targets 0.8 --figure F.svg
                                             Optuna's samplers and ours on trainings of your own
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.progress import Progress

from benchmarks.search.compare import compare
from benchmarks.search.figure import write_figure
from benchmarks.search.goals import (
    MANY,
    RECORDED,
    WAYS,
    WORLDS,
    Case,
    held_out,
    judgements,
    noisy_case,
    percent,
    recorded_cases,
    summary,
)
from benchmarks.search.recurring import recurring_table
from benchmarks.search.reliability import reliability_lines
from benchmarks.search.strategies import STRATEGIES
from benchmarks.search.table import comparison_table
from benchmarks.search.ways import NEAR, Ours, judged, typical_j
from study.errors import OptionError
from study.record.files import MANIFEST_FILE
from study.record.manifest import Manifest
from study.search.arms.policy import Policy
from study.search.replay.table import read_table

ROOT = Path(__file__).parents[2]
HELD_OUT = (
    *("ours", "ours, --sure 0.9", "an arm by chance first"),
    *("without going on with what was paused", "Zeus's bandit (re-implemented)"),
)
FEW = 12
"""Number of seeds for what takes long: tables of 256 setups, and recurring jobs of a hundred runs."""

ONLY_FOR: Mapping[str, Callable[[Case], bool]] = {
    "without sharing along power limits": lambda case: case.sure_goal,
    "ours, --sure 0.9": lambda case: not case.table.synthetic,
}
"""Conditions on the tables that some ways are used for."""

MIDDLE_TARGET = 0.8
"""Target, of watch16's three, at which reliability is judged."""

SURE = 0.8
"""Probability (--sure) that a live search must reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure searches against the goals.

    Attributes:
        seeds: Number of searches of each table by each way.
        first_seed: First seed; other seeds give other draws of the recordings.
        zeus_tables: Folder with the converted traces of Zeus (cifar100 and sentiment140, by batch
            size and power limit); left out: their goals are not judged.
        reliability: Only compare what --sure 0.9 states with the truth, in this number of searches.
        live: Only run real searches, this many.
        compare: Only compare samplers, on these recorded trainings: a study's folder, an
            epochs.parquet, or a CSV.
        targets: Target accuracies of --compare.
        gpus: Number of trials that run at the same time, for --compare.
        figure: SVG or PNG file for the figure of --compare, which needs a single value of --targets.
    """

    seeds: int = 50
    first_seed: int = 0
    zeus_tables: Path | None = None
    reliability: int | None = None
    live: int | None = None
    compare: Path | None = None
    targets: tuple[float, ...] = (0.75, 0.8, 0.85)
    gpus: int = 1
    figure: Path | None = None


def main() -> None:
    """Measure and print."""
    options = tyro.cli(Options)
    console = Console(width=150)
    if options.compare is not None:
        try:
            _compare(options.compare, options, console)
        except OptionError as error:
            sys.exit(f"benchmarks.search: {error}")
        return
    if options.reliability is not None:
        _reliability(options.reliability, options.zeus_tables, console)
    elif options.live is not None:
        _live(options.live, console)
    else:
        _goals(options, console)


def _compare(path: Path, options: Options, console: Console) -> None:
    """Compare all strategies on a table.

    Raises:
        OptionError: The table cannot be read, or the figure cannot be drawn.
    """
    if options.figure is not None and len(options.targets) != 1:
        message = f"--figure shows one target; --targets has {len(options.targets)}."
        raise OptionError(message)
    table = read_table(path)
    for target in options.targets:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"target {target:g}", total=options.seeds * len(STRATEGIES))
            comparison = compare(
                table,
                target=target,
                seeds=options.seeds,
                gpus=options.gpus,
                processes=os.cpu_count() or 1,
                done=partial(progress.advance, task),
            )
        console.print(comparison_table(comparison))
        if options.figure is not None:
            write_figure(comparison, options.figure)
            console.print(f"figure in {options.figure}", highlight=False)


def _goals(options: Options, console: Console) -> None:
    """Search every table by every way, and compare ours with the goals."""
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for case in recorded_cases(options.zeus_tables):
        results = {}
        drawn = seeds[:FEW] if case.table.synthetic else seeds
        for name, way in WAYS.items():
            if name in ONLY_FOR and not ONLY_FOR[name](case):
                continue
            start_s = time.perf_counter()
            results[name] = judged(case.table, case.target, way, drawn)
            console.print(
                f"{case.name}: {name}: {time.perf_counter() - start_s:.0f} s", style="dim"
            )
        console.print(summary(case, results))
        for line in judgements(case, results):
            console.print(f"  {line}", highlight=False)
        if not case.table.synthetic:
            console.print(recurring_table(case, seeds[:FEW]))
    made_up = f"{len(WORLDS)} made-up jobs, held out"
    results = {name: held_out(WAYS[name], seeds[:5]) for name in HELD_OUT}
    console.print(summary(Case(name=made_up, table=read_table(RECORDED), target=math.nan), results))


def _reliability(searches: int, zeus_tables: Path | None, console: Console) -> None:
    """Compare the probabilities that searches state with the truth."""
    way = Ours(policy=Policy(sure=0.9))
    recorded = [
        each
        for each in recorded_cases(zeus_tables)
        if each.sure_goal or each.target == MIDDLE_TARGET
    ]
    for case in (*recorded, noisy_case()):
        results = judged(case.table, case.target, way, range(searches))
        console.print(
            f"{case.name}, target {case.target:g}: {len(results)} searches", highlight=False
        )
        for line in reliability_lines(results):
            console.print(line, highlight=False)
    results = held_out(way, range(max(1, searches // len(WORLDS))), recorded=MANY)
    console.print(
        f"{len(WORLDS)} made-up jobs, {MANY} seeds of each setup: {len(results)} searches",
        highlight=False,
    )
    for line in reliability_lines(results):
        console.print(line, highlight=False)


def _live(searches: int, console: Console) -> None:
    """Run real searches, and compare their answers with the recorded truth of five seeds."""
    target = 0.8
    true_j = typical_j(read_table(RECORDED), target)
    right = 0
    for seed in range(searches):
        with tempfile.TemporaryDirectory() as results:
            subprocess.run(
                [
                    *(sys.executable, "-m", "study.search", "--scenario", "watch"),
                    *("--goal", "energy-to-target", "--target", str(target), "--sure", str(SURE)),
                    *("--seed", str(100 * seed), "--tracker", "estimate", "--no-report"),
                    *("--results-dir", results, "--name", "live"),
                ],
                check=True,
                cwd=ROOT,
            )
            text = (Path(results) / "live" / MANIFEST_FILE).read_text(encoding="utf-8")
        manifest = Manifest.from_json(text)
        named = None if manifest.answer is None else manifest.answer.setup
        [setup] = [each for each in manifest.setups if each.setup == named]
        chosen: tuple[Any, ...] = (setup.batch_size, setup.learning_rate)
        above = true_j.get(chosen, math.inf) / min(true_j.values()) - 1
        right += above <= NEAR
        console.print(
            f"live search {seed + 1}: batch size {chosen[0]}, learning rate {chosen[1]:g}, "
            f"{percent(above)} % above the recorded best",
            highlight=False,
        )
    console.print(f"within 5 % of it in {right} of {searches}", highlight=False)


if __name__ == "__main__":
    main()
