"""Coverage of a study's energy forecast, by replaying recorded trainings many times.

After a share of the trials (a quarter) the forecast's 90 % interval is compared with the true total, and so is a
naive forecast: the remaining trials cost as much as the mean of those so far, with a Student's t interval.

python -m benchmarks.forecast [--tables FILE.csv ...] [--studies 100] [--first-seed 0]
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table as Printed
from scipy.special import stdtrit

from benchmarks.forecast.replay import Order, Table, read_table, seen_until
from study.forecast.study_forecast import CONFIDENCE, Run, cut, study_forecast
from study.inference.intervals import Interval

ROUNDING = 1e-9
"""Relative tolerance, so that an exactly known total does not fail because of rounding."""

OWN = Path(__file__).parents[1] / "data" / "watch16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Replay recorded trainings and judge their forecasts.

    Attributes:
        tables: Recorded trainings beside those of benchmarks/data/watch16: CSV files with a row per epoch.
        studies: Number of studies for each table and order.
        first_seed: Seed of the first study; other seeds draw other orders and repeats.
        orders: Orders in which trials are trained; left out: all.
        repeats: Numbers of repeats of each setup; 0 means all that are recorded.
        share: Share of the trials that have ended when the forecast is made.
        next_epochs: Epochs that the next trial has done by then; its own energy is forecast too.
    """

    tables: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...")] = ()
    studies: int = 100
    first_seed: int = 0
    orders: tuple[Order, ...] = tuple(Order)
    repeats: tuple[int, ...] = (0, 2)
    share: float = 0.25
    next_epochs: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Comparison of a forecast with the truth.

    Attributes:
        held: Whether the interval contains the true energy.
        half_width: Half the interval's width, as a share of the true energy.
    """

    held: bool
    half_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Comparisons of the forecasts of one replayed study with the truth.

    Attributes:
        ours: Our forecast of the whole study's energy.
        naive: Naive forecast of the same, from the mean trial.
        trial: Our forecast of the energy of the trial that is running; None if none is running.
    """

    ours: Judged
    naive: Judged
    trial: Judged | None


def replayed(table: Table, options: Options, order: Order, repeats: int, seed: int) -> Replayed:
    """Forecast a study from its first trials, and compare the forecasts with the truth."""
    study = table.study(np.random.default_rng(seed), order, repeats or None)
    runs = seen_until(study, options.share, next_epochs=options.next_epochs)
    forecast = study_forecast(runs, max_epochs=table.max_epochs, seed=seed)
    total = None if forecast is None else forecast.total_j
    if forecast is None or total is None:
        sys.exit(f"{table.name}: {len(study)} trials are too few for a forecast")
    true_j = sum(each.energy_j for each in study)
    place = next(place for place, each in enumerate(runs) if not each.has_ended)
    own = forecast.of_trial(runs[place].trial) if runs[place].epochs else None
    return Replayed(
        ours=_judged(cut(total), true_j),
        naive=_judged(naive_interval(runs), true_j),
        trial=None if own is None else _judged(cut(own), study[place].energy_j),
    )


def naive_interval(runs: Sequence[Run]) -> Interval:
    """Return the interval of the total in joules if the rest costs as much as the mean ended trial."""
    ended = np.asarray([each.energy_j for each in runs if each.has_ended])
    left = len(runs) - len(ended)
    deviation = float(ended.std(ddof=1)) * math.sqrt(left + left**2 / len(ended))
    reach = float(stdtrit(len(ended) - 1, (1 + CONFIDENCE) / 2)) * deviation
    total = float(ended.sum() + left * ended.mean())
    return Interval(low=np.asarray(total - reach), high=np.asarray(total + reach))


def _judged(found: Interval, true_j: float) -> Judged:
    held = not float(found.low) > true_j * (1 + ROUNDING)
    held &= not float(found.high) < true_j * (1 - ROUNDING)
    return Judged(held=held, half_width=float(found.width) / 2 / true_j)


def main() -> None:
    """Replay the studies, and print a table."""
    options = tyro.cli(Options)
    console = Console(width=140)
    last = options.first_seed + options.studies - 1
    printed = Printed(
        *("table", "repeats", "order", "trials", "held, %", "half-width, %"),
        *("naive held, %", "naive half-width, %", "next trial held, %", "half-width, %"),
        box=box.SIMPLE_HEAD,
        title=(
            f"90 % interval of a study's energy after {options.share:.0%} of its trials, "
            f"{options.studies} studies a row, seeds {options.first_seed} to {last}; widths are medians"
        ),
    )
    every: list[Replayed] = []
    for path in (OWN, *options.tables):
        table = read_table(path)
        for repeats in options.repeats:
            for order in options.orders:
                rows = [
                    replayed(table, options, order, repeats, options.first_seed + place)
                    for place in range(options.studies)
                ]
                every += rows
                trials = len(table.study(np.random.default_rng(0), order, repeats or None))
                name = "all" if not repeats else str(repeats)
                printed.add_row(table.name, name, order.value, str(trials), *_cells(rows))
                print(table.name, name, order.value, *_cells(rows), file=sys.stderr)
    printed.add_section()
    printed.add_row("all", "", "", "", *_cells(every))
    console.print(printed)


def _cells(rows: Sequence[Replayed]) -> tuple[str, ...]:
    trials = [each.trial for each in rows if each.trial is not None]
    return (
        *_shares([each.ours for each in rows]),
        *_shares([each.naive for each in rows]),
        *(_shares(trials) if trials else ("-", "-")),
    )


def _shares(judged: Sequence[Judged]) -> tuple[str, str]:
    held = np.mean([each.held for each in judged])
    width = np.median([each.half_width for each in judged])
    return f"{100 * held:.0f}", f"{100 * width:.1f}"


if __name__ == "__main__":
    main()
