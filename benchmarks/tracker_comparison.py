"""How right, and how dear, trackers are: ours, Zeus, CodeCarbon and Carbontracker.

    python -m benchmarks.tracker_comparison           all curves; about 15 minutes
    python -m benchmarks.tracker_comparison --quick   one curve, fewer epochs; about 2 minutes
    python -m benchmarks.tracker_comparison --smoke   ours alone, some epochs; no network

Emulated boards (tests/fake_nvml) draw a power whose energy is known in closed form. Each tracker
runs in a process of its own beside the same epochs of 1.0 s and 0.1 s, one after another; what it
tells of each epoch is compared with the known energy. The others come from PyPI
(benchmarks/tracker_rivals.py). Then: what 8 boards cost, and how long a window takes to open and
close. ✗ marks a goal that is missed. Needs a C compiler and, the first time, the network.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.tracker_rivals import (
    OURS,
    ROOT,
    Outcome,
    RivalError,
    environment,
    measured,
    versions,
)
from tests.fake_nvml import Boards

LONG_S, SHORT_S = 1.0, 0.1
GOALS = {LONG_S: 0.003, SHORT_S: 0.02}
"""Mean absolute error per epoch that ours may have."""
GOAL_CPU_SHARE = 0.005
GOAL_WINDOW_S = 0.001
WAYS = {
    "direct": "EnergyMeter itself",
    "actor": "in the tracker's process, by the lane",
    "ray": "in the tracker's process, through Ray",
    "empty": "a call of Ray's that does nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A line of the table: what the boards do, and in words."""

    name: str
    boards: Boards


SCENARIOS = (
    Scenario(name="square wave, counter each 20 ms", boards=Boards()),
    Scenario(name="square wave, counter each 100 ms", boards=Boards(refresh_ms=100)),
    Scenario(name="ramp", boards=Boards(shape="ramp")),
    Scenario(name="noise", boards=Boards(shape="noise")),
    Scenario(name="bursts of 10 ms", boards=Boards(shape="burst", period_s=0.25)),
    Scenario(name="square wave, no counter", boards=Boards(no_counter=1, usage="instant")),
    Scenario(
        name="square wave, no counter, 1 s average",
        boards=Boards(no_counter=1, no_instant=1, usage="average"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        scenarios: Curves.
        epochs: Number of epochs, by their length in seconds.
        windows: Windows whose opening and closing are timed.
        learnt_s: How long counters are followed beforehand: ours then looks at their refreshes
            more seldom.
        rivals: Whether other people's trackers are measured too.
    """

    scenarios: tuple[Scenario, ...]
    epochs: dict[float, int]
    windows: int
    learnt_s: float = 30.0
    rivals: bool = True


WHOLE = Scale(scenarios=SCENARIOS, epochs={LONG_S: 10, SHORT_S: 60}, windows=300)
QUICK = Scale(scenarios=SCENARIOS[:1], epochs={LONG_S: 6, SHORT_S: 40}, windows=100)
SMOKE = Scale(
    scenarios=SCENARIOS[:1],
    epochs={LONG_S: 1, SHORT_S: 3},
    windows=3,
    learnt_s=1.0,
    rivals=False,
)


def accuracy(scale: Scale, console: Console) -> None:
    """Print each tracker's error and CPU use, curve by curve."""
    epochs = scale.epochs
    try:
        rivals = versions() if scale.rivals else {}
    except RivalError as error:
        console.print(f"The others cannot be run: {error}", highlight=False)
        rivals = {}
    for scenario in scale.scenarios:
        table = Table(title=scenario.name, title_justify="left", box=None, padding=(0, 1))
        table.add_column("tracker", no_wrap=True)
        said = []
        for name in ("1.0 s epochs", "0.1 s epochs", "CPU, 1.0 s", "CPU, 0.1 s"):
            table.add_column(name, justify="right")
        for tracker in (*rivals, OURS):
            title = f"{tracker} {rivals[tracker]}" if tracker in rivals else tracker
            try:
                outcomes = measured(tracker, scenario.boards, tuple(epochs.items()))
            except RivalError as error:
                table.add_row(title, *["-"] * 4)
                said.append(f"  {tracker} cannot be run: {error}")
                continue
            by_length = dict(zip(epochs, outcomes, strict=True))
            table.add_row(
                title,
                *(_error(by_length[each], GOALS[each], tracker) for each in (LONG_S, SHORT_S)),
                *(_percent(by_length[each].cpu_share) for each in (LONG_S, SHORT_S)),
            )
        console.print(table, *said, "", sep="\n", highlight=False)


def eight_boards(scale: Scale, console: Console) -> None:
    """Print the CPU use of ours with 8 boards at 10 Hz."""
    epochs, learnt_s = scale.epochs, scale.learnt_s
    boards = Boards(boards=8)
    table = Table(title="ours, 8 boards at 10 Hz", title_justify="left", box=None, padding=(0, 1))
    table.add_column("windows")
    table.add_column("CPU", justify="right")
    long, short = (LONG_S, epochs[LONG_S]), (SHORT_S, epochs[SHORT_S])
    rows = {
        "sampling alone, first seconds (learns the refreshes)": ("ours-sampling", long, 0.0),
        f"sampling alone, after {learnt_s:g} s": ("ours-sampling", long, learnt_s / 2),
        f"1.0 s windows on all 8, after {learnt_s:g} s": (OURS, long, learnt_s / 2),
        f"0.1 s windows on all 8, after {learnt_s:g} s": (OURS, short, learnt_s / 2),
    }
    for name, (tracker, schedule, settle_s) in rows.items():
        (outcome,) = measured(tracker, boards, (schedule,), settle_s=settle_s)
        table.add_row(name, _judged(outcome.cpu_share, GOAL_CPU_SHARE))
    console.print(table, "", highlight=False)


def latency(windows: int, console: Console) -> None:
    """Print how long a window takes to open and to close."""
    table = Table(title="a window, median", title_justify="left", box=None, padding=(0, 1))
    for name in ("", "opening", "closing", "both"):
        table.add_column(name, justify="left" if not name else "right")
    for way, title in WAYS.items():
        command = [sys.executable, "-m", "benchmarks.tracker_latency", way]
        done = subprocess.run(
            [*command, "--windows", str(windows)],
            cwd=ROOT,
            env=environment(Boards()),
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout.strip().splitlines()[-1])
        opening, closing = told["opening_s"], told["closing_s"]
        both = statistics.median(map(sum, zip(opening, closing, strict=True)))
        mark = (
            ""
            if way not in {"direct", "actor"} or both <= GOAL_WINDOW_S
            else f"  MISSED: goal {1000 * GOAL_WINDOW_S:g} ms"
        )
        table.add_row(
            title,
            *(f"{1000 * statistics.median(each):.2f} ms" for each in (opening, closing)),
            f"{1000 * both:.2f} ms{mark}",
        )
    console.print(table, highlight=False)


def _error(outcome: Outcome, goal: float, tracker: str) -> str:
    if outcome.mean_error is None:
        return "told nothing"
    untold = f" ({outcome.untold} untold)" if outcome.untold else ""
    if tracker == OURS:
        return _judged(outcome.mean_error, goal) + untold
    return f"{_percent(outcome.mean_error)}  {untold}"


def _judged(share: float, goal: float) -> str:
    return _percent(share) + ("  " if share <= goal else " ✗")


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:.0f} %"


def main(*, quick: bool = False, smoke: bool = False) -> None:
    """Measure trackers against a known truth.

    Args:
        quick: One curve and fewer epochs.
        smoke: Ours alone and some epochs, to see that everything runs.
    """
    scale = SMOKE if smoke else QUICK if quick else WHOLE
    console = Console(soft_wrap=True)
    cpus, (load, *_) = os.cpu_count(), os.getloadavg()
    console.print(
        f"{platform.system()}, {cpus} CPUs, load {load:.1f}, Python {platform.python_version()}; "
        "mean absolute error per epoch against the known energy\n",
        highlight=False,
    )
    accuracy(scale, console)
    eight_boards(scale, console)
    latency(scale.windows, console)
    console.print(
        f"\nGoals of ours: {_percent(GOALS[LONG_S])} of 1.0 s epochs, {_percent(GOALS[SHORT_S])} "
        f"of 0.1 s epochs, {_percent(GOAL_CPU_SHARE)} of one CPU, "
        f"{1000 * GOAL_WINDOW_S:g} ms for a window. ✗ marks what misses its goal.",
        highlight=False,
    )


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
