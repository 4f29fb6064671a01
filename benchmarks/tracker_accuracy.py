"""Error of our energy per epoch on a simulated clock: that of the method, without timing noise.

    python -m benchmarks.tracker_accuracy
    python -m benchmarks.tracker_accuracy --drawn 40 --seed 2002   curves that nothing was fitted on

The meter's own loop runs on a simulated clock, so that the results are the same on every machine, however
busy, except for the two curves that are drawn from a seed, which is printed. `counter alone` is the
difference of the counter's values at both edges of an epoch, as Zeus computes it.
`benchmarks.tracker_comparison` measures in real time, beside other people's trackers.
"""

import logging
import random
import secrets
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.tracking.curves import LENGTHS_S, WAYS, curves, drawn_curves, refreshing_as, spread
from tests.fake_nvml import Boards
from tests.trackers.known_curves import counter_alone_j, told, told_in_step, told_late
from trackers.sample import Reading, Status

WIDTH = 160
PAUSES, IN_STEP = 3, 60
EPOCHS = {0.1: 150, 0.3: 100, 1.0: 60, 5.0: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Results for epochs of one length on one curve.

    Attributes:
        readings: Reading of each epoch and its true energy in joules.
        alone: Relative errors of the counter alone; empty if the boards have none.
    """

    readings: list[tuple[Reading, float]]
    alone: list[float]

    @property
    def errors(self) -> list[float]:
        """Relative errors of our readings."""
        return [_error(reading.energy_j, truth_j) for reading, truth_j in self.readings]

    @property
    def within(self) -> list[bool]:
        """Return for each epoch whether the true energy lies within the reading's own uncertainty."""
        return [
            abs((reading.energy_j or 0.0) - truth_j) <= (reading.uncertainty_own_j or 0.0)
            for reading, truth_j in self.readings
        ]


def measured(boards: Boards, length_s: float) -> Measured:
    """Measure epochs of one length on one curve."""
    epochs = EPOCHS.get(length_s, round(60 / length_s**0.5))
    readings = told(boards, length_s=length_s, epochs=epochs)
    alone = [
        _error(counter_alone_j(boards, reading.start_s, reading.duration_s), truth_j)
        for reading, truth_j in readings
        if not boards.no_counter
    ]
    return Measured(readings=readings, alone=alone)


def main(
    *, lengths_s: Sequence[float] = LENGTHS_S, seed: int | None = None, drawn: int = 0
) -> None:
    """Print the absolute error per epoch, by curve and length of epoch.

    Args:
        lengths_s: Lengths of epochs, in seconds.
        seed: Seed of the two random curves; left out: a new one each time.
        drawn: Number of curves with random shapes and parameters to use instead of the usual ones. The
            tracker's constants were fitted on those of seed 1.
    """
    logging.disable(logging.WARNING)
    seed = secrets.randbelow(10_000) if seed is None else seed
    chosen = drawn_curves(drawn, seed) if drawn else curves(seed)
    console = Console(width=WIDTH)
    console.print(
        f"Simulated clock; random curves of seed {seed}. Errors per epoch in per cent of its energy: "
        "median / mean / 95 % / worst.",
        highlight=False,
    )
    for way in WAYS:
        found = {
            name: [measured(refreshing_as(way, boards), length_s) for length_s in lengths_s]
            for name, boards in chosen.items()
        }
        table = Table(title=f"\n{way}", title_justify="left", box=None, padding=(0, 1))
        table.add_column("curve", no_wrap=True)
        for length_s in lengths_s:
            table.add_column(f"{length_s:g} s", justify="right", no_wrap=True)
        for name, by_length in found.items():
            table.add_row(name, *(str(spread(each.errors)) for each in by_length))
        columns = list(zip(*found.values(), strict=True))
        table.add_row(
            "all curves", *(_all([e for m in column for e in m.errors]) for column in columns)
        )
        if any(each.alone for each in columns[0]):
            alone = ([e for m in column for e in m.alone] for column in columns)
            table.add_row("all curves, counter alone", *map(_all, alone))
            table.add_row("curves on which ours is nearer", *map(_nearer, columns))
        table.add_row("truth within own interval", *map(_within, columns))
        table.add_row("half of it, median of energy", *map(_width, columns))
        table.add_row("degraded", *map(_degraded, columns))
        console.print(table, highlight=False)
    console.print(_in_step(lengths_s, seed), highlight=False)


def _in_step(lengths_s: Sequence[float], seed: int) -> Table:
    """Return the table for epochs whose load starts and stops with them, with pauses between them."""
    table = Table(
        title="\nepochs in step with their load, pauses between; both each 100 ms",
        title_justify="left",
        box=None,
        padding=(0, 1),
    )
    table.add_column("power", no_wrap=True)
    for length_s in lengths_s:
        table.add_column(f"{length_s:g} s", justify="right", no_wrap=True)
    for name, is_late in (("of the moment", False), ("reported late, as by an H200", True)):
        found = [_paused(length_s, seed, is_late=is_late) for length_s in lengths_s]
        table.add_row(name, *(_all(each.errors) for each in found))
        table.add_row("  counter alone", *(_all(each.alone) for each in found))
        table.add_row("  truth within own interval", *(_within([each]) for each in found))
        table.add_row("  degraded", *(_degraded([each]) for each in found))
    return table


def _paused(length_s: float, seed: int, *, is_late: bool) -> Measured:
    """Measure several series of epochs of one length, each with its own pause of 50 to 350 ms."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    found = Measured(readings=[], alone=[])
    for _ in range(PAUSES):
        period_s = length_s + dice.uniform(0.05, 0.35)
        boards = replace(
            refreshing_as("both each 100 ms", Boards()), period_s=period_s, duty=length_s / period_s
        )
        readings = told_in_step(
            boards,
            epochs=IN_STEP,
            altered=told_late(boards) if is_late else lambda seen: seen,
        )
        found.readings.extend(readings)
        found.alone.extend(
            _error(counter_alone_j(boards, reading.start_s, reading.duration_s), truth_j)
            for reading, truth_j in readings
        )
    return found


def _error(energy_j: float | None, truth_j: float) -> float:
    return 1.0 if energy_j is None else abs(energy_j / truth_j - 1)


def _nearer(column: Sequence[Measured]) -> str:
    nearer = sum(statistics.fmean(m.errors) < statistics.fmean(m.alone) for m in column)
    return f"{nearer} of {len(column)}"


def _all(errors: Sequence[float]) -> str:
    return str(spread(errors))


def _within(column: Sequence[Measured]) -> str:
    return _percent(statistics.fmean(each for m in column for each in m.within))


def _width(column: Sequence[Measured]) -> str:
    shares = [(r.uncertainty_own_j or 0) / truth_j for m in column for r, truth_j in m.readings]
    return _percent(statistics.median(shares))


def _degraded(column: Sequence[Measured]) -> str:
    return _percent(
        statistics.fmean(r.status is not Status.OK for m in column for r, _ in m.readings)
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
