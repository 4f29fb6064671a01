"""Selection of the contenders: setups that may turn out to be the answer."""

from analysis.energy.totals import SetupEnergy
from analysis.ranking.ranking import Ranking

_LEAST = 0.01
"""Least probability of being the cheapest accurate enough setup for a setup to be a contender."""


def contenders(ranking: Ranking) -> list[SetupEnergy]:
    """Return the recommended setup and all that may be the answer, in the order of the ranking.

    The list is empty if no setup has two repeats.
    """
    evidence, first = ranking.evidence, ranking.first
    if evidence is None or evidence.posteriors is None:
        return []
    chosen = None if first is None else first.setup.setup
    return [
        row.setup
        for row in ranking.rows
        if row.setup.setup == chosen or (evidence.cheapest(row.setup.setup) or 0.0) >= _LEAST
    ]
