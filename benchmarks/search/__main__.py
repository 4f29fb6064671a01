"""What a search finds for which share of the grid's energy, against the goals; prints what it is.

recorded    the 16 setups of `benchmarks/data/watch16`, replayed by all strategies:
            within 5 % of what the grid finds after at most 25 % of the grid's energy, and never
            later than random search (medians over the seeds)
synthetic   256 setups of `benchmarks.search.synthetic_table`, for scale only: at most 10 %
speed       1,000 replayed trials in under 30 s
live        the search itself on the smartwatch data, its budget a quarter of the grid's energy,
            and how far its answer is from the grid's best setup

python -m benchmarks.search [--seeds 50]     all of it, from the root of the repository
python -m benchmarks.search --replayed       all but the last
python -m benchmarks.search --live           only the last
python -m benchmarks.search --compare TABLE --targets 0.8 --figure F.svg
                                             all strategies on recorded trainings of your own
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from rich.console import Console

from benchmarks.search.compare import Comparison, compare
from benchmarks.search.figure import write_figure
from benchmarks.search.strategies import STRATEGIES, Strategy
from benchmarks.search.synthetic_table import synthetic_rows
from benchmarks.search.table import comparison_table
from study.errors import OptionError
from study.record.files import J_PER_WH, TRIALS_FILE
from study.search.replay.table import ReplayTable, read_table, table_of

ROOT = Path(__file__).parents[2]
RECORDED = Path("benchmarks") / "data" / "watch16"
OURS = STRATEGIES[-1].name
DENSE_STRATEGIES = (
    "grid, in its order",
    "grid, backwards",
    "random",
    "halving by energy",
    "random + cap",
    OURS,
)
"""Without the strategies that take minutes each with 256 trials, or are still random then (NSGA-II)."""

GOAL_RECORDED, GOAL_DENSE, GOAL_S = 0.25, 0.10, 30.0
BUDGET_SHARE = 0.25
SPEED_TRIALS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure searches against the goals.

    Attributes:
        seeds: Searches by each strategy.
        dense_seeds: The same for the 256 setups.
        targets: Target accuracies on the recorded table.
        compare: Compare all strategies on these recorded trainings, and do nothing else: a study's
            folder, an epochs.parquet, or a CSV.
        gpus: Trials at the same time, for --compare.
        figure: SVG or PNG file for the figure of --compare, with a single one of --targets.
        dense_target: On the synthetic one.
        live: Only search for real.
        replayed: Only replay.
    """

    seeds: int = 50
    dense_seeds: int = 50
    targets: tuple[float, ...] = (0.75, 0.8, 0.85)
    compare: Path | None = None
    gpus: int = 1
    figure: Path | None = None
    dense_target: float = 0.9
    live: bool = False
    replayed: bool = False


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
    recorded = read_table(RECORDED)
    if not options.live:
        _replayed(recorded, options, console)
    if not options.replayed:
        _live(recorded, console)


def _compare(path: Path, options: Options, console: Console) -> None:
    """Compare all strategies on a table.

    Raises:
        OptionError: The table cannot be read, or the figure not be drawn.
    """
    if options.figure is not None and len(options.targets) != 1:
        message = f"--figure shows one target; --targets has {len(options.targets)}."
        raise OptionError(message)
    table = read_table(path)
    for target in options.targets:
        comparison = compare(table, target=target, seeds=options.seeds, gpus=options.gpus)
        console.print(comparison_table(comparison))
        if options.figure is not None:
            write_figure(comparison, options.figure)
            console.print(f"figure in {options.figure}", highlight=False)


def _replayed(recorded: ReplayTable, options: Options, console: Console) -> None:
    """Search on recorded and on made-up trainings."""
    for target in options.targets:
        comparison = compare(recorded, target=target, seeds=options.seeds)
        console.print(comparison_table(comparison))
        _judge(comparison, GOAL_RECORDED, console)
    dense = table_of(synthetic_rows(), name="synthetic 16 x 16")
    for name in ("random + cap", OURS):
        _speed(dense, next(each for each in STRATEGIES if each.name == name), options, console)
    comparison = compare(
        dense,
        target=options.dense_target,
        seeds=options.dense_seeds,
        strategies=[each for each in STRATEGIES if each.name in DENSE_STRATEGIES],
    )
    console.print(comparison_table(comparison))
    _judge(comparison, GOAL_DENSE, console)


def _judge(comparison: Comparison, goal: float, console: Console) -> None:
    """Hold the search's own strategy against goal and random search."""
    ours, at_random = (comparison.share_to_near(name)[1] for name in (OURS, "random"))
    console.print(
        f"target {comparison.target:g}: {OURS}: {ours:.1%} of the grid's energy (goal {goal:.0%}: "
        f"{_word(ours <= goal)}), random search {at_random:.1%} (not worse: "
        f"{_word(ours <= at_random)})\n"
    )


def _speed(table: ReplayTable, strategy: Strategy, options: Options, console: Console) -> None:
    """Time 1,000 trials in searches over all setups."""
    start_s, start_cpu_s, trials = time.perf_counter(), time.process_time(), 0
    while trials < SPEED_TRIALS:
        done = compare(table, target=options.dense_target, seeds=1, strategies=[strategy])
        trials += done.outcomes[0].trials
    cpu_s = (time.process_time() - start_cpu_s) * SPEED_TRIALS / trials
    seconds = (time.perf_counter() - start_s) * SPEED_TRIALS / trials
    console.print(
        f"1,000 replayed trials, {strategy.name}: {seconds:.1f} s, {cpu_s:.1f} s of them on a CPU (goal "
        f"{GOAL_S:.0f} s: {_word(seconds < GOAL_S)})"
    )


def _live(table: ReplayTable, console: Console) -> None:
    """Search for real with a quarter of the grid's energy."""
    target = 0.8
    budget_wh = BUDGET_SHARE * table.grid_j / J_PER_WH
    with tempfile.TemporaryDirectory() as results:
        subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "study.search",
                    "--scenario",
                    "watch",
                ),
                *("--goal", "energy-to-target", "--target", str(target)),
                *("--energy-budget-wh", str(budget_wh), "--tracker", "estimate"),
                *("--results-dir", results, "--name", "live"),
            ],
            check=True,
            cwd=ROOT,
        )
        trials = pd.read_parquet(Path(results) / "live" / TRIALS_FILE)
    best = trials.dropna(subset="energy_to_target_j").nsmallest(1, "energy_to_target_j").iloc[0]
    true_j = table.energy_to_target_j(target)
    chosen = (int(best["batch_size"]), float(best["learning_rate"]))
    grids = min(true_j, key=lambda choice: true_j[choice])
    console.print(
        f"live, within {budget_wh:.4f} Wh: it recommends batch size {chosen[0]}, learning rate "
        f"{chosen[1]:g}; the grid's best, by the medians over the recorded seeds, is batch size "
        f"{grids[0]}, learning rate {grids[1]:g}; by the same, the recommended one is "
        f"{true_j[chosen] / true_j[grids] - 1:.1%} above it"
        if chosen in true_j
        else f"live: it recommends {chosen}, which in the table mostly misses the target"
    )


def _word(is_reached: bool) -> str:  # noqa: FBT001 - a decision
    return "yes" if is_reached else "NO"


if __name__ == "__main__":
    main()
