"""Reliability of stated probabilities: bins, and the Brier score compared with that of the base rate."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.search.ways import Result

EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
FEWEST = 50
"""Fewest searches in a bin that is judged."""

OFF = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Searches that stated similar probabilities.

    Attributes:
        count: Number of searches.
        stated: Mean of the stated probabilities.
        true: Share of searches whose answer was right.
    """

    count: int
    stated: float
    true: float

    @property
    def is_judged(self) -> bool:
        """Return whether the bin holds enough searches to be judged."""
        return self.count >= FEWEST

    @property
    def holds(self) -> bool:
        """Return whether the stated probability agrees with the share that was true."""
        return abs(self.stated - self.true) <= OFF


def bins(results: Sequence[Result]) -> list[Bin]:
    """Group searches by the probability they stated, leaving out those that stated none."""
    known = [(each.right, each.is_right) for each in results if each.right is not None]
    found = []
    for low, high in itertools.pairwise(EDGES):
        inside = [(p, right) for p, right in known if low <= p < high or p == high == 1.0]
        if inside:
            found.append(
                Bin(
                    count=len(inside),
                    stated=statistics.fmean(p for p, _ in inside),
                    true=statistics.fmean(right for _, right in inside),
                )
            )
    return found


def brier(results: Sequence[Result]) -> tuple[float, float]:
    """Return the Brier score of the stated probabilities, and that of always stating the base rate."""
    known = [(each.right, each.is_right) for each in results if each.right is not None]
    base = statistics.fmean(right for _, right in known)
    return statistics.fmean((p - right) ** 2 for p, right in known), base * (1 - base)


def reliability_lines(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line of text for each bin, and one for the Brier score."""
    for each in bins(results):
        word = "few" if not each.is_judged else "yes" if each.holds else "NO"
        yield (
            f"  stated {each.stated:.0%}, true {each.true:.0%} in {each.count} searches "
            f"(within 4 points: {word})"
        )
    score, base = brier(results)
    yield f"  Brier score {score:.3f}, of the base rate {base:.3f} ({'yes' if score <= base else 'NO'})"
