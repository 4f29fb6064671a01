"""A saving, and the accuracy given up for it, as parts of a sentence."""

import statistics
from collections.abc import Sequence

from analysis.energy.savings import Saving

NO_DIFFERENCE_POINTS = 0.5
"""Points of accuracy below which nobody would choose by it."""


def change_text(saving: Saving, against: str) -> str:
    """Saving or addition of a way of training, as what follows its name in a sentence.

    Args:
        saving: Over all setups.
        against: The other way.
    """
    share = saving.share or 0.0
    if saving.interval is not None and not saving.is_sure:
        return f"cannot be told apart in energy from {against}{saved_interval_text(saving)}"
    word = "saves" if share >= 0 else "adds"
    return (
        f"{word} {100 * abs(share):.0f} % of the energy against {against}"
        f"{saved_interval_text(saving)}"
    )


def saved_interval_text(saving: Saving) -> str:
    """The 95 % interval of what is saved, or of what is added, in brackets; empty without one."""
    if saving.interval is None:
        return ""
    low, high = 100 * saving.interval.low, 100 * saving.interval.high
    if (saving.share or 0.0) < 0 and saving.is_sure:
        return f" (95 % interval {-high:.0f} to {-low:.0f} %)"
    saved = "" if saving.is_sure else " saved"
    return f" (95 % interval {low:.0f} to {high:.0f} %{saved})"


def points_given_up_text(given_up: Sequence[float | None]) -> str:
    """Mean accuracy given up, as the end of a sentence; empty where it is not known."""
    known = [each for each in given_up if each is not None]
    if not known:
        return ""
    points = 100 * statistics.fmean(known)
    if abs(points) < NO_DIFFERENCE_POINTS:
        return ", at the same accuracy within half a point"
    return f", and {'gives up' if points > 0 else 'gains'} {abs(points):.1f} points of accuracy on average"
