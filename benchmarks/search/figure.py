"""Figure of a comparison: regret over energy spent, median and quartiles, a panel for each strategy."""

import math
from pathlib import Path

import altair as alt
import pandas as pd

from benchmarks.search.compare import Comparison, quartiles
from study.errors import OptionError

STEPS = 60
HIGHEST = 2.0
"""Regret at which curves are cut off; above it a search has no useful answer yet."""


def regret_rows(comparison: Comparison) -> pd.DataFrame:
    """Return the figure's rows: strategy, share of the grid's energy, and quartiles of regret."""
    grid_j = comparison.table.grid_j
    rows = []
    for strategy in dict.fromkeys(each.strategy for each in comparison.outcomes):
        outcomes = comparison.of(strategy)
        for step in range(1, STEPS + 1):
            share = 10 ** (-2.5 + 2.5 * step / STEPS)
            low, median, high = quartiles([each.regret_at(share * grid_j) for each in outcomes])
            if median == math.inf:
                continue
            rows.append(
                {
                    "strategy": strategy,
                    "share": 100 * share,
                    "low": 100 * min(low, HIGHEST),
                    "median": 100 * min(median, HIGHEST),
                    "high": 100 * min(high, HIGHEST),
                }
            )
    return pd.DataFrame(rows, columns=["strategy", "share", "low", "median", "high"])


def write_figure(comparison: Comparison, path: Path) -> None:
    """Draw the figure to a file.

    Raises:
        OptionError: The file is neither SVG nor PNG, or cannot be written.
    """
    if path.suffix not in {".svg", ".png"}:
        message = f"--figure is {path}; allowed: a file that ends in .svg or .png."
        raise OptionError(message)
    table = comparison.table
    label = "synthetic" if table.synthetic else "estimated" if table.estimated else "measured"
    share = alt.X("share:Q", scale=alt.Scale(type="log"), title="energy spent, % of the grid")
    chart = alt.Chart(regret_rows(comparison)).encode(x=share)
    band = chart.mark_area(opacity=0.25).encode(y="low:Q", y2="high:Q")
    line = chart.mark_line().encode(y=alt.Y("median:Q", title="regret, %"))
    strategies = list(dict.fromkeys(each.strategy for each in comparison.outcomes))
    figure = (
        (band + line)
        .properties(width=190, height=120)
        .facet(facet=alt.Facet("strategy:N", sort=strategies, title=None), columns=3)
        .properties(
            title=f"Regret over energy spent, {label} energies, target {comparison.target:g}"
        )
    )
    try:
        figure.save(str(path))
    except OSError as error:
        message = f"--figure {path} cannot be written: {error.strerror}."
        raise OptionError(message) from error
