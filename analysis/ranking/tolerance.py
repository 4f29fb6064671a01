"""A tolerance in the objective's unit: absolute where it is a share, else relative to the best."""

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.energy.totals import SetupEnergy
from study.inference.choice import Aim, Preference
from study.record.objective import Objective

POINTS = 100
"""Percentage points in a share of 1."""

DEFAULT_TOLERANCE = 0.01


def asked(options: Mapping[str, Any], *, tolerance: float | None, prefer: Preference | None) -> Aim:
    """Return what is asked of a setup: by the analysis, else by the study, else a point and 40 %.

    Args:
        options: Of the study (`Manifest.options`); its tolerance is in points.
        tolerance: Of the analysis, a share; None where it asks for none.
        prefer: Of the analysis; None likewise.
    """
    if tolerance is None:
        points = options.get("tolerance")
        tolerance = DEFAULT_TOLERANCE if points is None else float(points) / POINTS
    worth = prefer or Preference(options.get("prefer") or Preference.BALANCED)
    return Aim(tolerance=tolerance, price=worth.price)


def allowed(tolerance: float, setups: Iterable[SetupEnergy], objective: Objective) -> float:
    """Return by how much a setup's objective may be worse than the best, in the objective's unit.

    Args:
        tolerance: A share: 0.01 is a point of an objective that is a share, and 1 % of the best
            setup's value of any other.
        setups: The setups that are compared.
        objective: The validation metric that decides.
    """
    return tolerance * _scale(setups, objective)


def _scale(setups: Iterable[SetupEnergy], objective: Objective) -> float:
    """Size of the best value; of shares, or where that is 0 and nothing is relative to it, 1."""
    if objective.is_share:
        return 1.0
    return abs(objective.best(each.accuracy for each in setups) or 0.0) or 1.0
