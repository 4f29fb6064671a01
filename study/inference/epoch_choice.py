"""The score of a training without what it owes to its luckiest epoch.

The best of many epochs is read off the validation score itself, and is too high by what that score
fluctuates from epoch to epoch. With several repeats the epoch can be chosen by the other repeats:
their mean curve says when to stop, and the score that this repeat has there owes nothing to its
own luck (leave-one-out, as in Stone 1974, Journal of the Royal Statistical Society B 36:111).

It says what a training scores that is stopped when such trainings are at their best. What the best
setup owes to having been picked of many is told by `Luck.objective` in `study.inference.selection`;
what all owe to the validation set itself, only a test set tells.
"""

import math
from collections.abc import Sequence

import numpy as np


def scores_elsewhere_chosen(curves: Sequence[Sequence[float]]) -> tuple[float, ...] | None:
    """Score of each repeat at the epoch that the others choose; None with fewer than two.

    Args:
        curves: Of each repeat of a setup the validation score by epoch, the higher the better. A
            repeat that had stopped by the chosen epoch counts with its last one.

    Raises:
        ValueError: A repeat has no epoch.
    """
    if not all(len(curve) for curve in curves):
        msg = "a repeat without an epoch has no score; leave it out"
        raise ValueError(msg)
    if len(curves) < 2:  # noqa: PLR2004 - one repeat has no others
        return None
    longest = max(len(curve) for curve in curves)
    padded = np.full((len(curves), longest), math.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = curve
    known = np.isfinite(padded)
    sums = np.where(known, padded, 0.0)
    others, number = sums.sum(axis=0) - sums, known.sum(axis=0) - known
    means = np.full(padded.shape, -math.inf)
    np.divide(others, number, out=means, where=number > 0)
    chosen = means.argmax(axis=1)
    return tuple(
        float(curve[min(epoch, len(curve) - 1)])
        for curve, epoch in zip(curves, chosen, strict=True)
    )
