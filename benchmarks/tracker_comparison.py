"""How right, and how dear, trackers are: ours, Zeus, CodeCarbon and Carbontracker.

    python -m benchmarks.tracker_comparison           all curves; about 35 minutes
    python -m benchmarks.tracker_comparison --quick   two curves, fewer epochs; about 4 minutes
    python -m benchmarks.tracker_comparison --smoke   ours alone, some epochs; no network

Emulated boards (tests/fake_nvml) draw a power whose energy is known in closed form. The trackers run at
the same time, each in a process of its own, beside epochs of 0.1, 0.3, 1 and 5 s; what each tells of an
epoch is compared with the known energy. Two of the curves are drawn from a seed that is printed. The
others come from PyPI (benchmarks/tracking/rivals.py). Then: what a node of 8 boards costs, and how long a
window takes to open and close. ✗ marks a goal that is missed. Needs a C compiler, a machine that is
calm, and the first time the network.
"""

import os
import platform
import secrets
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.tracking.curves import LENGTHS_S, WAYS, curves, spread, told_in
from benchmarks.tracking.node import GOAL_CPU_SHARE, GOAL_WINDOW_S, cpu_share, latency
from benchmarks.tracking.rivals import OURS, Outcome, RivalError, measured, versions
from tests.fake_nvml import Boards

WIDTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        curves: How many of the last curves; the two of a seed are the last.
        ways: How many of the ways in which boards tell their energy.
        epochs: Number of epochs, by their length in seconds.
        windows: Windows whose opening and closing are timed.
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
    curves=10, ways=3, epochs=dict(zip(LENGTHS_S, (40, 25, 12, 4), strict=True)), windows=300
)
QUICK = Scale(
    curves=2, ways=2, epochs=dict(zip(LENGTHS_S, (30, 15, 8, 2), strict=True)), windows=100
)
SMOKE = Scale(curves=1, ways=1, epochs={0.1: 3, 0.3: 1}, windows=3, learnt_s=1.0, rivals=False)

Errors = dict[tuple[str, float], list[float]]
"""By tracker and length of epoch."""


def accuracy(scale: Scale, seed: int, console: Console) -> None:
    """Print each tracker's errors, curve by curve, and over all curves."""
    try:
        rivals = versions() if scale.rivals else {}
    except RivalError as error:
        console.print(f"The others cannot be run: {error}", highlight=False)
        rivals = {}
    titles = {**{name: f"{name} {version}" for name, version in rivals.items()}, OURS: OURS}
    for way in list(WAYS)[: scale.ways]:
        together: Errors = defaultdict(list)
        for name, boards in list(curves(seed).items())[-scale.curves :]:
            found, said = _measured(titles, told_in(way, boards), scale)
            for key, errors in found.items():
                together[key] += errors
            _show(f"{name}, {way}", titles, found, scale, console)
            console.print(*said, sep="\n", highlight=False)
        _show(f"all curves, {way}", titles, together, scale, console)


def _measured(titles: dict[str, str], boards: Boards, scale: Scale) -> tuple[Errors, list[str]]:
    """What all trackers told of one curve at the same time, and why some told nothing."""
    epochs = tuple(scale.epochs.items())

    def outcomes(tracker: str) -> list[Outcome] | RivalError:
        try:
            return measured(tracker, boards, epochs)
        except RivalError as error:
            return error

    with ThreadPoolExecutor(len(titles)) as pool:
        told = dict(zip(titles, pool.map(outcomes, titles), strict=True))
    found: Errors = {}
    said = []
    for tracker, outcome in told.items():
        if isinstance(outcome, RivalError):
            said.append(f"  {tracker} cannot be run: {outcome}")
            continue
        for length_s, each in zip(scale.epochs, outcome, strict=True):
            found[tracker, length_s] = list(each.errors)
            if each.untold:
                said.append(f"  {tracker}: {each.untold} epochs of {length_s:g} s untold")
    return found, said


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


def main(*, quick: bool = False, smoke: bool = False, seed: int | None = None) -> None:
    """Measure trackers against a known truth.

    Args:
        quick: The two random curves and fewer epochs.
        smoke: Ours alone and some epochs, to see that everything runs.
        seed: Of the two random curves; left out: another one each time.
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
    accuracy(scale, seed, console)
    cpu_share(console, learnt_s=scale.learnt_s, epochs=2 if smoke else 10)
    latency(scale.windows, console)
    console.print(
        f"\nGoals of ours: {100 * GOAL_CPU_SHARE:g} % of one CPU, {1000 * GOAL_WINDOW_S:g} ms for a "
        "window. ✗ marks what misses its goal.",
        highlight=False,
    )


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
