"""Setups that may be the answer."""

from analysis.energy.totals import SetupEnergy
from analysis.ranking.ranking import Ranking

_LEAST = 0.01
"""Setups that are less probable to be the answer are left out, save for the recommended one."""


def contenders(ranking: Ranking) -> list[SetupEnergy]:
    """Return them in the order of the ranking; none where no setup has two repeats."""
    evidence, first = ranking.evidence, ranking.first
    if evidence is None or evidence.doubt is None:
        return []
    chosen = None if first is None else first.setup.setup
    return [
        row.setup
        for row in ranking.rows
        if row.setup.setup == chosen or (evidence.cheapest(row.setup.setup) or 0.0) >= _LEAST
    ]
