"""Tables of the calibration in Markdown, with shares in percent."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.calibration.advice import Stated, reliability

Cell = tuple[str, ...]
Measures = Mapping[str, float]

FEWEST = 20
"""Fewest statements in a tenth of a reliability diagram; tenths with fewer are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Headings and columns of a table.

    Attributes:
        before: Headings of the cells that identify a row.
        shares: Columns in percent.
        numbers: Columns that are not shares, after those that are.
    """

    before: tuple[str, ...]
    shares: tuple[str, ...]
    numbers: tuple[str, ...] = ()


def table(form: Form, rows: Mapping[Cell, Sequence[Measures]]) -> str:
    """Return a table of medians over seeds; if seeds differ, the lowest and highest value follow.

    Args:
        form: Headings and columns.
        rows: Values by column, for each seed, by the cells that identify the row.
    """
    lines = []
    for row, many in rows.items():
        shares = (
            _text([100 * each.get(name, math.nan) for each in many], 0) for name in form.shares
        )
        numbers = (_text([each.get(name, math.nan) for each in many], 2) for name in form.numbers)
        lines.append((*row, *shares, *numbers))
    return _markdown((*form.before, *form.shares, *form.numbers), lines)


def reliability_table(
    worlds: Sequence[str], stated: Mapping[tuple[str, str], Sequence[Stated]]
) -> str:
    """Return a table of mean stated probability and share that was true, by statement, tenth and world.

    Args:
        worlds: Worlds, one column for each.
        stated: Stated probabilities by world and kind of statement.
    """
    cells: dict[tuple[str, float], dict[str, str]] = {}
    for name in dict.fromkeys(kind for _, kind in stated):
        for world in worlds:
            for low, mean, true, number in reliability(stated.get((world, name), ())):
                row = cells.setdefault((name, low), {})
                if number >= FEWEST:
                    row[world] = f"{100 * mean:.0f}: {100 * true:.0f}"
    lines = [
        (name, f"{100 * low:.0f} to {100 * low + 10:.0f}", *(row.get(each, "") for each in worlds))
        for (name, low), row in sorted(cells.items())
        if row
    ]
    return _markdown(("statement", "probability", *worlds), lines)


def _markdown(headings: Iterable[str], lines: Iterable[Cell]) -> str:
    head = [*headings]
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _text(values: Sequence[float], decimals: int) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    middle, low, high = (
        f"{each:.{decimals}f}" for each in (statistics.median(known), min(known), max(known))
    )
    return middle if low == high else f"{middle} ({low} to {high})"
