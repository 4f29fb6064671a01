"""The goal of a search, and the objective values of a trial for Optuna.

    energy-to-target   least energy until the objective reaches a target
    accuracy-energy    the Pareto front: no other setup is both better by the objective and cheaper
    accuracy           best objective within a budget

The energy of a trial that the search stopped is a lower bound. In single-objective optimisation Optuna
gets a pessimistic value for it, so that samplers learn from it; in multi-objective optimisation the
trial is reported as pruned, so that it never becomes a point of the front.
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
        """Optuna's direction of optimisation for each value."""
        if self is SearchGoal.ACCURACY_ENERGY:
            return ("maximize", "minimize")
        return ("minimize",) if self is SearchGoal.ENERGY_TO_TARGET else ("maximize",)


def values_of(goal: SearchGoal, curve: TrialCurve, *, max_epochs: int) -> tuple[float, ...] | None:
    """Return the objective values of a trial for Optuna, all finite; None where it has none.

    Energies are given as log10 of joules, so that a factor of ten is the same distance anywhere on the
    scale. A trial that did not reach the target counts as ten times its full training, plus a penalty
    that grows with its distance from the target; see `_not_reached`.

    Args:
        goal: Goal of the search.
        curve: Curve of the trial, which ended by itself or was stopped.
        max_epochs: Maximum number of epochs of a training.

    Returns:
        A value for each of `goal.directions`. None where the energy is needed and unknown, where the
        score is unknown and the objective is no share, and for a stopped trial of `ACCURACY_ENERGY`.
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
    """Return the maximum number of rows of a training: one per epoch, or per validation.

    With `--validate-every` as a number of steps the number is not known in advance; the result is then
    `max_epochs`, its minimum.

    Args:
        options: Options of the study, by name.
    """
    max_epochs, validate_every = int(options["max_epochs"]), options.get("validate_every")
    if validate_every is None or validate_every >= 1:
        return max_epochs
    return max_epochs * math.ceil(1 / float(validate_every) - 1e-9)


def _not_reached(curve: TrialCurve, gain: float, *, max_epochs: int) -> float:
    """Return a pessimistic log10 of joules, so that samplers can also rank trials that miss the target."""
    whole_j = curve.known_j / curve.epochs * max(max_epochs, curve.epochs)
    return math.log10(whole_j) + 1.0 + _shortfall(curve, gain)


def _gain(curve: TrialCurve) -> float | None:
    """Return the best score, negated where lower is better; an unknown share counts as the worst value.

    None where the score is unknown and the objective is no share.
    """
    if curve.best_score is None:
        worst = 0.0 if curve.objective.mode == "max" else 1.0
        return curve.objective.gain(worst) if curve.objective.is_share else None
    return curve.objective.gain(curve.best_score)


def _shortfall(curve: TrialCurve, gain: float) -> float:
    """Return the distance of a trial from its target: absolute for a share, else relative to the target."""
    if curve.target is None:
        return 0.0
    missed = curve.objective.gain(curve.target) - gain
    return missed if curve.objective.is_share else missed / (abs(curve.target) or 1.0)


def best_of(goal: SearchGoal, curves: Sequence[TrialCurve]) -> tuple[int, ...]:
    """Return the indices of the best trials: one, or the Pareto front from the worst score to the best.

    Trials that were stopped or failed are never among the best, except by an energy to the target that
    they had reached before. Empty where no trial qualifies.
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
    """Return whether one pair of gain and joules Pareto-dominates the other."""
    return one != other and one[0] >= other[0] and one[1] <= other[1]
