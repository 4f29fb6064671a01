"""Tolerance in the objective's unit: absolute if the objective is a share, else relative to the best."""

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.energy.totals import SetupEnergy
from study.inference.choice import Aim, Preference
from study.record.objective import Objective

POINTS = 100
"""Percentage points per unit of a share."""

DEFAULT_TOLERANCE = 0.01


def requirements(
    options: Mapping[str, Any], *, tolerance: float | None, prefer: Preference | None
) -> Aim:
    """Return the requirements on a setup, from the analysis' options or else the study's.

    If neither sets them, the tolerance is one point, and each further point is worth 40 % of energy.

    Args:
        options: Options of the study (`Manifest.options`); its tolerance is in percentage points.
        tolerance: Tolerance set for the analysis, as a fraction; None if not set.
        prefer: Preference set for the analysis; None if not set.
    """
    if tolerance is None:
        points = options.get("tolerance")
        tolerance = DEFAULT_TOLERANCE if points is None else float(points) / POINTS
    worth = prefer or Preference(options.get("prefer") or Preference.BALANCED)
    return Aim(tolerance=tolerance, price=worth.price)


def allowed_shortfall(
    tolerance: float, setups: Iterable[SetupEnergy], objective: Objective
) -> float:
    """Return by how much a setup's objective may be worse than the best, in the objective's unit.

    Args:
        tolerance: Tolerance as a fraction: 0.01 is one percentage point if the objective is a share,
            and 1 % of the best setup's value otherwise.
        setups: The setups that are compared.
        objective: The validation metric that decides.
    """
    return tolerance * _scale(setups, objective)


def _scale(setups: Iterable[SetupEnergy], objective: Objective) -> float:
    """Return the magnitude of the best value; 1 for a share, and if the best value is 0 or unknown."""
    if objective.is_share:
        return 1.0
    return abs(objective.best(each.accuracy for each in setups) or 0.0) or 1.0
