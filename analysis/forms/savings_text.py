"""Wording of a saving, and of the loss in the objective that comes with it, as parts of a sentence."""

import math
from collections.abc import Sequence

from analysis.energy.savings import Saving
from analysis.energy.score_changes import ScoreChange
from analysis.forms.scores import ScoreForm

NO_DIFFERENCE = 0.005
"""Negligible difference in the objective: half a percentage point of a share, 0.5 % of any other."""


def change_text(saving: Saving, against: str) -> str:
    """State the saving or extra energy of a way of training, to follow its name in a sentence.

    Args:
        saving: Saving over all setups.
        against: Name of the reference.
    """
    share = saving.share or 0.0
    if saving.interval is not None and not saving.excludes_zero:
        return f"cannot be told apart in energy from {against}{saved_interval_text(saving)}"
    word = "saves" if share >= 0 else "adds"
    return (
        f"{word} {100 * abs(share):.0f} % of the energy against {against}"
        f"{saved_interval_text(saving)}"
    )


def saved_interval_text(saving: Saving) -> str:
    """Format the 95 % interval of the saving or extra energy in parentheses; empty without one."""
    if saving.interval is None:
        return ""
    low, high = 100 * saving.interval.low, 100 * saving.interval.high
    added = (saving.share or 0.0) < 0 and saving.excludes_zero
    if math.isinf(low):
        return (
            f" (95 % interval {f'from {-high:.0f} % on' if added else f'up to {high:.0f} % saved'})"
        )
    if added:
        return f" (95 % interval {-high:.0f} to {-low:.0f} %)"
    saved = "" if saving.excludes_zero else " saved"
    return f" (95 % interval {low:.0f} to {high:.0f} %{saved})"


def is_no_difference(change: ScoreChange, score: ScoreForm) -> bool:
    """Return whether the difference in the objective is negligible, below `NO_DIFFERENCE`."""
    return abs(change.relative(score.objective)) < NO_DIFFERENCE


def no_difference_text(score: ScoreForm) -> str:
    """Format the threshold of `is_no_difference`."""
    return "half a point" if score.objective.is_share else f"{100 * NO_DIFFERENCE:g} % (relative)"


def given_up_text(changes: Sequence[ScoreChange | None], score: ScoreForm) -> str:
    """State the mean loss in the objective, as the end of a sentence; empty if unknown."""
    change = ScoreChange.mean(changes)
    if change is None:
        return ""
    if is_no_difference(change, score):
        return f", at the same {score.name} within {no_difference_text(score)}"
    return f", and {given_up_words(change, score)} on average"


def given_up_words(change: ScoreChange, score: ScoreForm) -> str:
    """State the loss in the objective, as a verb and its object: `gives up 1.2 points of accuracy`."""
    amount = score.amount_text(change.shortfall)
    if score.counts_points:
        return f"{'gives up' if change.shortfall > 0 else 'gains'} {amount} of {score.name}"
    return f"is {'worse' if change.shortfall > 0 else 'better'} by {amount} in {score.name}"
