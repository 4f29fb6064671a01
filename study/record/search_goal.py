"""What a search is after, and how a trial is put into numbers for Optuna.

    energy-to-target   least energy until the validation accuracy reaches a target
    accuracy-energy    the front: no other setup is both more accurate and cheaper
    accuracy           best accuracy within a budget

A trial that the search stopped is a lower bound. Where one value is optimised, Optuna gets
a pessimistic one, so that its samplers learn from it; where two are, it hears that the trial was
pruned, so that it is never a point of the front.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from study.record.curves import TrialCurve

Direction = Literal["minimize", "maximize"]


class SearchGoal(StrEnum):
    """What a search is after."""

    ENERGY_TO_TARGET = "energy-to-target"
    ACCURACY_ENERGY = "accuracy-energy"
    ACCURACY = "accuracy"

    @property
    def directions(self) -> tuple[Direction, ...]:
        """One direction for each value, as Optuna takes them."""
        if self is SearchGoal.ACCURACY_ENERGY:
            return ("maximize", "minimize")
        return ("minimize",) if self is SearchGoal.ENERGY_TO_TARGET else ("maximize",)


def values_of(goal: SearchGoal, curve: TrialCurve, *, max_epochs: int) -> tuple[float, ...] | None:
    """A trial's values, all finite; None where it has none, because its energy is not known.

    Energies are handed over as log10 of joules: a setup that costs ten times as much is as far away
    at either end of the scale. A trial that did not reach the target counts as ten times its whole
    training, and more the further it is away; see `_not_reached`.

    Args:
        goal: What the search is after.
        curve: The trial; ended by itself or stopped.
        max_epochs: Longest training.
    """
    accuracy = curve.best_accuracy or 0.0
    if goal is SearchGoal.ACCURACY:
        return (accuracy,)
    if curve.energy_j is None or curve.energy_j <= 0:
        return None
    if goal is SearchGoal.ACCURACY_ENERGY:
        return None if curve.stopped else (accuracy, math.log10(curve.energy_j))
    if curve.to_target_j is not None:
        return (math.log10(curve.to_target_j),)
    return (_not_reached(curve, max_epochs=max_epochs),)


def _not_reached(curve: TrialCurve, *, max_epochs: int) -> float:
    """A pessimistic log10 of joules, so that samplers rank also trials that miss the target."""
    whole_j = curve.known_j / curve.epochs * max(max_epochs, curve.epochs)
    return math.log10(whole_j) + 1.0 + (curve.target or 0.0) - (curve.best_accuracy or 0.0)


def best_of(goal: SearchGoal, curves: Sequence[TrialCurve]) -> tuple[int, ...]:
    """Indices of the best trials: one, or the front with accuracy rising; none where none counts.

    Trials that were stopped are lower bounds and never among them.
    """
    whole = [i for i, each in enumerate(curves) if not each.stopped]
    if goal is SearchGoal.ENERGY_TO_TARGET:
        found = [(j, i) for i in range(len(curves)) if (j := curves[i].to_target_j) is not None]
        return (min(found)[1],) if found else ()
    if goal is SearchGoal.ACCURACY:
        rated = [(-(a), i) for i in whole if (a := curves[i].best_accuracy) is not None]
        return (min(rated)[1],) if rated else ()
    points = {
        i: (a, j)
        for i in whole
        if (a := curves[i].best_accuracy) is not None and (j := curves[i].energy_j) is not None
    }
    front = [i for i, p in points.items() if not any(_beats(q, p) for q in points.values())]
    return tuple(sorted(front, key=lambda i: points[i]))


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether one (accuracy, joules) is nowhere worse than the other, and somewhere better."""
    return one != other and one[0] >= other[0] and one[1] <= other[1]
