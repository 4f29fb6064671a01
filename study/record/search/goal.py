"""The goal of a search, and a trial in numbers for Optuna.

    energy-to-target   least energy until the objective reaches a target
    accuracy-energy    the front: no other setup is both better by the objective and cheaper
    accuracy           best objective within a budget

A trial that the search stopped is a lower bound. Where one value is optimised, Optuna gets
a pessimistic one, so that its samplers learn from it; where two are, it hears that the trial was
pruned, so that it is never a point of the front.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from study.record.search.curves import TrialCurve

Direction = Literal["minimize", "maximize"]


class SearchGoal(StrEnum):
    """Goal of a search."""

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
    gain = _gain(curve)
    if gain is None:
        return None
    if goal is SearchGoal.ACCURACY:
        return (gain,)
    if curve.energy_j is None or curve.energy_j <= 0:
        return None
    if goal is SearchGoal.ACCURACY_ENERGY:
        return None if curve.stopped else (gain, math.log10(curve.energy_j))
    if curve.to_target_j is not None:
        return (math.log10(curve.to_target_j),)
    return (_not_reached(curve, gain, max_epochs=max_epochs),)


def most_epochs(options: Mapping[str, Any]) -> int:
    """Most rows of a training: with `--validate-every` a row ends where it was validated.

    With a number of steps nobody knows it beforehand; there it is the least that it can be.

    Args:
        options: Of the study.
    """
    max_epochs, validate_every = int(options["max_epochs"]), options.get("validate_every")
    if validate_every is None or validate_every >= 1:
        return max_epochs
    return max_epochs * math.ceil(1 / float(validate_every) - 1e-9)


def _not_reached(curve: TrialCurve, gain: float, *, max_epochs: int) -> float:
    """A pessimistic log10 of joules, so that samplers rank also trials that miss the target."""
    whole_j = curve.known_j / curve.epochs * max(max_epochs, curve.epochs)
    return math.log10(whole_j) + 1.0 + _shortfall(curve, gain)


def _gain(curve: TrialCurve) -> float | None:
    """Best score, turned so that more is better; a share that is not known counts as the worst there is."""
    if curve.best_score is None:
        worst = 0.0 if curve.objective.mode == "max" else 1.0
        return curve.objective.gain(worst) if curve.objective.is_share else None
    return curve.objective.gain(curve.best_score)


def _shortfall(curve: TrialCurve, gain: float) -> float:
    """Distance of a trial from its target: for a share in its unit, else relative to the target."""
    if curve.target is None:
        return 0.0
    missed = curve.objective.gain(curve.target) - gain
    return missed if curve.objective.is_share else missed / (abs(curve.target) or 1.0)


def best_of(goal: SearchGoal, curves: Sequence[TrialCurve]) -> tuple[int, ...]:
    """Return the indices of the best trials: one, or the front from the worst score to the best.

    Trials that were stopped are lower bounds, and those that failed no trainings: none of them is
    best, but for the energy to a target that it had reached before. Without any other trial there is no index.
    """
    whole = [i for i, each in enumerate(curves) if not each.stopped and not each.failed]
    if goal is SearchGoal.ENERGY_TO_TARGET:
        found = [(j, i) for i in range(len(curves)) if (j := curves[i].to_target_j) is not None]
        return (min(found)[1],) if found else ()
    if goal is SearchGoal.ACCURACY:
        rated = [
            (-curves[i].objective.gain(score), i)
            for i in whole
            if (score := curves[i].best_score) is not None
        ]
        return (min(rated)[1],) if rated else ()
    points = {
        i: (curves[i].objective.gain(score), j)
        for i in whole
        if (score := curves[i].best_score) is not None and (j := curves[i].energy_j) is not None
    }
    front = [i for i, p in points.items() if not any(_beats(q, p) for q in points.values())]
    return tuple(sorted(front, key=lambda i: points[i]))


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether one (gain, joules) is nowhere worse than the other, and somewhere better."""
    return one != other and one[0] >= other[0] and one[1] <= other[1]
