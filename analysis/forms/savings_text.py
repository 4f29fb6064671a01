"""A saving, and the accuracy given up for it, as parts of a sentence."""

import statistics
from collections.abc import Sequence

from analysis.energy.savings import Saving

NO_DIFFERENCE_POINTS = 0.5
"""Points of accuracy below which nobody would choose by it."""


def change_text(saving: Saving) -> str:
    """What a way of training saves or adds, with the range over setups."""
    share = saving.share or 0.0
    said = f"{'saves' if share >= 0 else 'adds'} {100 * abs(share):.0f} %"
    if saving.shares is None or saving.shares.count == 1:
        return said
    values = saving.shares.values
    return f"{said} ({100 * min(values):.0f} to {100 * max(values):.0f} % saved, by setup)"


def points_given_up_text(given_up: Sequence[float | None]) -> str:
    """Mean accuracy given up, as the end of a sentence; empty where it is not known."""
    known = [each for each in given_up if each is not None]
    if not known:
        return ""
    points = 100 * statistics.fmean(known)
    if abs(points) < NO_DIFFERENCE_POINTS:
        return ", at the same accuracy within half a point"
    return f", and {'gives up' if points > 0 else 'gains'} {abs(points):.1f} points of accuracy on average"
