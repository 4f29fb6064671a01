"""The tables of the calibration, as Markdown. Shares in percent."""

import math
import statistics
from collections.abc import Mapping, Sequence

from benchmarks.calibration.advice import Stated, reliability

PLAIN = {
    *("width to known", "width", "saving's width", "short", "best printed", "worst printed"),
    *("noise alone, best", "noise alone, worst", "maximum", "epoch chosen elsewhere"),
    *("maximum, without luck", "epoch chosen elsewhere, without luck"),
}
"""Columns that are no shares."""


def print_table(title: str, rows: Mapping[tuple[str, ...], Sequence[Mapping[str, float]]]) -> None:
    """Print one table.

    Args:
        title: What stands above it.
        rows: By what stands before the figures: of each seed the figures by column.
    """
    columns = list(dict.fromkeys(name for many in rows.values() for each in many for name in each))
    before = len(next(iter(rows)))
    print(f"\n### {title}\n")
    print("| " + " | ".join([*[""] * before, *columns]) + " |")
    print("|---" * (before + len(columns)) + "|")
    for row, many in rows.items():
        cells = [_text(name, [each.get(name, math.nan) for each in many]) for name in columns]
        print("| " + " | ".join([*row, *cells]) + " |")


def print_reliability(stated: Mapping[tuple[str, ...], Sequence[Stated]]) -> None:
    """Print of each kind of statement, in each world, what was stated and what was true."""
    print("\n### reliability\n")
    print("| world | statement | probability | in the mean | true | statements |")
    print("|---|---|---|---|---|---|")
    for row, many in stated.items():
        for low, mean, true, number in reliability(many):
            of = f"{100 * low:.0f} to {100 * low + 10:.0f}"
            cells = [*row, of, f"{100 * mean:.0f}", f"{100 * true:.0f}", str(number)]
            print("| " + " | ".join(cells) + " |")


def _text(name: str, values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    scale, form = (1, ".2f") if name in PLAIN else (100, ".0f")
    middle, low, high = (
        format(scale * each, form) for each in (statistics.median(known), min(known), max(known))
    )
    return middle if low == high else f"{middle} ({low} to {high})"
