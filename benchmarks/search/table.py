"""Table of a comparison, with a line for each strategy, the most frugal first."""

import math

from rich import box
from rich.table import Table

from benchmarks.search.compare import NEAR, Comparison, quartiles
from study.search.replay.text import labels, unit_in

SHARES = (0.1, 0.25)
"""Shares of the grid's energy at which regret is shown."""


def comparison_table(comparison: Comparison) -> Table:
    """Return a table with a line for each strategy, by median energy until near the best."""
    table, unit = comparison.table, unit_in(comparison.table)
    count = len({each.seed for each in comparison.outcomes})
    found = Table(
        "strategy",
        f"energy to within {NEAR:.0%}",
        *(f"regret at {share:.0%}" for share in SHARES),
        "true regret",
        "whole search",
        box=box.SIMPLE_HEAD,
        title=(
            f"{table.name}: {len(table.recordings)} setups, grid {unit.text(table.grid_j)}"
            f"{labels(table)}, target {comparison.target:g}, best setup "
            f"{_named(comparison)} with {unit.text(comparison.best_j)} to it; {count} searches each"
        ),
        caption=(
            "all in %, median and quartiles; energies of the grid's; regret: dearer than what the "
            "grid finds in the same recordings; true regret: of the last answer, by the medians "
            "over all recorded seeds"
        ),
    )
    strategies = list(dict.fromkeys(each.strategy for each in comparison.outcomes))
    for strategy in sorted(strategies, key=lambda each: comparison.share_to_near(each)[1]):
        outcomes = comparison.of(strategy)
        whole = quartiles([each.spent_j / table.grid_j for each in outcomes])
        found.add_row(
            strategy,
            _interval(comparison.share_to_near(strategy)),
            *(
                _interval(quartiles([o.regret_at(share * table.grid_j) for o in outcomes]))
                for share in SHARES
            ),
            _interval(quartiles([each.last_true_regret for each in outcomes])),
            _interval(whole),
        )
    return found


def _interval(found: tuple[float, float, float]) -> str:
    low, median, high = (_percent(each) for each in found)
    return f"{median} [{low}, {high}]"


def _percent(share: float) -> str:
    return "never" if share == math.inf else f"{100 * share:.1f}"


def _named(comparison: Comparison) -> str:
    named = comparison.table.space.named(comparison.best)
    return ", ".join(f"{name} {value}" for name, value in named.items())
