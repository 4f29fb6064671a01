"""Error and cost of trackers: ours, Zeus, CodeCarbon and Carbontracker.

    python -m benchmarks.tracker_comparison           all curves; about 12 minutes
    python -m benchmarks.tracker_comparison --quick   two curves, fewer epochs; about 3 minutes
    python -m benchmarks.tracker_comparison --smoke   ours alone, a few epochs; no network

Emulated boards (tests/fake_nvml) draw a power whose energy is known in closed form. The trackers run at
the same time, each in its own process, beside epochs of 0.1, 0.3, 1 and 5 s, and the energy that each
reports for an epoch is compared with the known one. Two of the curves are drawn from a seed, which is
printed. The other trackers are installed from PyPI (benchmarks/tracking/rivals.py). Then follow the CPU use
on a node of 8 boards, and how long a window takes to open and close. ✗ marks a missed goal. Needs a C compiler,
an idle machine and, the first time, a network connection.
"""

import os
import platform
import secrets
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.tracking.curves import LENGTHS_S, WAYS, curves, refreshing_as, spread
from benchmarks.tracking.node import GOAL_CPU_SHARE, GOAL_WINDOW_S, cpu_share, latency
from benchmarks.tracking.rivals import (
    OURS,
    Outcome,
    RivalError,
    measured,
    prepared,
    versions,
)
from tests.fake_nvml import Boards

WIDTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Size of the comparison.

    Attributes:
        curves: Number of curves, taken from the end of the list, where the two random ones are.
        ways: Number of ways in which boards report their energy, from the start of `WAYS`.
        epochs: Number of epochs by their length in seconds.
        windows: Number of windows whose opening and closing are timed.
        learnt_s: See `cpu_share`.
        rivals: Whether other people's trackers are measured too.
    """

    curves: int
    ways: int
    epochs: dict[float, int]
    windows: int
    learnt_s: float = 30.0
    rivals: bool = True


WHOLE = Scale(
    curves=10, ways=4, epochs=dict(zip(LENGTHS_S, (30, 20, 10, 3), strict=True)), windows=300
)
QUICK = Scale(
    curves=2, ways=2, epochs=dict(zip(LENGTHS_S, (30, 15, 8, 2), strict=True)), windows=100
)
SMOKE = Scale(curves=1, ways=1, epochs={0.1: 3, 0.3: 1}, windows=3, learnt_s=1.0, rivals=False)

GOALS = {"both each 20 ms": 0.01, "both each 100 ms": 0.02}
"""Goals for our tracker by way: largest mean relative error of epochs of `GOAL_LENGTH_S`."""

GOAL_LENGTH_S = 1.0

Errors = dict[tuple[str, float], list[float]]
"""Relative errors by tracker and length of epoch in seconds."""


def accuracy(scale: Scale, seed: int, console: Console, *, at_a_time: int) -> None:
    """Print each tracker's errors by curve and over all curves, and on how many curves ours are smaller."""
    try:
        rivals = versions() if scale.rivals else {}
    except RivalError as error:
        console.print(f"The others cannot be run: {error}", highlight=False)
        rivals = {}
    prepared()
    titles = {**{name: f"{name} {version}" for name, version in rivals.items()}, OURS: OURS}
    chosen = list(curves(seed).items())[-scale.curves :]
    ways = list(WAYS)[: scale.ways]
    with ThreadPoolExecutor(at_a_time) as pool:
        jobs = {
            (way, name): pool.submit(_measured, titles, refreshing_as(way, boards), scale)
            for way in ways
            for name, boards in chosen
        }
        for way in ways:
            by_curve = {}
            for name, _ in chosen:
                by_curve[name], missing = jobs[way, name].result()
                _show(f"{name}: {way}", titles, by_curve[name], scale, console)
                console.print(*missing, sep="\n", highlight=False)
            together: Errors = defaultdict(list)
            for found in by_curve.values():
                for key, errors in found.items():
                    together[key] += errors
            _show(f"all curves: {way}", titles, together, scale, console)
            _show_ahead(list(by_curve.values()), list(rivals), scale, console)
            _show_goal(way, together[OURS, GOAL_LENGTH_S], console)


def _measured(titles: dict[str, str], boards: Boards, scale: Scale) -> tuple[Errors, list[str]]:
    """Run all trackers on one curve at the same time; return their errors, and lines on what is missing."""
    epochs = tuple(scale.epochs.items())

    def outcomes(tracker: str) -> list[Outcome] | RivalError:
        try:
            return measured(tracker, boards, epochs)
        except RivalError as error:
            return error

    with ThreadPoolExecutor(len(titles)) as pool:
        outcome_of = dict(zip(titles, pool.map(outcomes, titles), strict=True))
    found: Errors = {}
    missing = []
    for tracker, outcome in outcome_of.items():
        if isinstance(outcome, RivalError):
            missing.append(f"  {tracker} cannot be run: {outcome}")
            continue
        for length_s, each in zip(scale.epochs, outcome, strict=True):
            found[tracker, length_s] = list(each.errors)
            if each.missing:
                missing.append(f"  {tracker}: {each.missing} epochs of {length_s:g} s not reported")
    return found, missing


def _show(
    title: str, titles: dict[str, str], found: Errors, scale: Scale, console: Console
) -> None:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    table.add_column("tracker", no_wrap=True)
    for length_s in scale.epochs:
        table.add_column(f"{length_s:g} s", justify="right", no_wrap=True)
    for tracker, name in titles.items():
        spreads = [spread(found.get((tracker, length_s), [])) for length_s in scale.epochs]
        table.add_row(name, *("-" if each is None else str(each) for each in spreads))
    console.print(table, highlight=False)


def _show_ahead(
    by_curve: Sequence[Errors], rivals: Sequence[str], scale: Scale, console: Console
) -> None:
    """Print on how many curves our mean error is below that of each other tracker."""
    for rival in rivals:
        parts = []
        for length_s in scale.epochs:
            pairs = [
                (fmean(found[OURS, length_s]), fmean(found[rival, length_s]))
                for found in by_curve
                if found.get((OURS, length_s)) and found.get((rival, length_s))
            ]
            ahead = sum(ours < theirs for ours, theirs in pairs)
            parts.append(f"{ahead} of {len(pairs)} at {length_s:g} s")
        console.print(f"  ours is ahead of {rival} on {', '.join(parts)}", highlight=False)


def _show_goal(way: str, errors: Sequence[float], console: Console) -> None:
    goal = GOALS.get(way)
    if goal is not None and errors:
        mark = "" if fmean(errors) <= goal else " ✗"
        console.print(
            f"  ours at {GOAL_LENGTH_S:g} s: mean {100 * fmean(errors):.2f} %, goal {100 * goal:g} %{mark}\n",
            highlight=False,
        )


def main(
    *, quick: bool = False, smoke: bool = False, seed: int | None = None, at_a_time: int = 3
) -> None:
    """Measure trackers against a known energy.

    Args:
        quick: Only the two random curves, with fewer epochs.
        smoke: Only our tracker and a few epochs, to see that everything runs.
        seed: Seed of the two random curves; left out: a new one each time.
        at_a_time: Number of curves measured at the same time; trackers and epochs mostly sleep.
    """
    scale = SMOKE if smoke else QUICK if quick else WHOLE
    seed = secrets.randbelow(10_000) if seed is None else seed
    console = Console(width=WIDTH)
    cpus, (load, *_) = os.cpu_count(), os.getloadavg()
    console.print(
        f"{platform.system()}, {cpus} CPUs, load {load:.1f}, Python {platform.python_version()}; "
        f"random curves of seed {seed}\nErrors per epoch in per cent of its energy: median / mean / "
        "95 % / worst\n",
        highlight=False,
    )
    accuracy(scale, seed, console, at_a_time=at_a_time)
    cpu_share(console, learnt_s=scale.learnt_s, epochs=2 if smoke else 10, is_whole=not smoke)
    latency(scale.windows, console, is_whole=not smoke)
    console.print(
        f"\nGoals of ours: {100 * GOAL_CPU_SHARE:g} % of one CPU, {1000 * GOAL_WINDOW_S:g} ms for a "
        "window. ✗ marks what misses its goal.",
        highlight=False,
    )


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
