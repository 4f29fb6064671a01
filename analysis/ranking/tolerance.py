"""A tolerance in the objective's unit: absolute where it is a share, else relative to the best."""

from collections.abc import Iterable
from dataclasses import replace

from analysis.energy.totals import SetupEnergy
from study.inference.choice import Aim
from study.record.objective import Objective


def allowed(tolerance: float, setups: Iterable[SetupEnergy], objective: Objective) -> float:
    """Return by how much a setup's objective may be worse than the best, in the objective's unit.

    Args:
        tolerance: A share: 0.01 is a point of an objective that is a share, and 1 % of the best
            setup's value of any other.
        setups: The setups that are compared.
        objective: The validation metric that decides.
    """
    return tolerance * _scale(setups, objective)


def scaled(aim: Aim, setups: Iterable[SetupEnergy], objective: Objective) -> Aim:
    """Return an aim that is given in shares in the objective's unit; shares stay as they are."""
    scale = _scale(setups, objective)
    return replace(aim, tolerance=aim.tolerance * scale, point=aim.point * scale)


def _scale(setups: Iterable[SetupEnergy], objective: Objective) -> float:
    """Size of the best value; of shares, or where that is 0 and nothing is relative to it, 1."""
    if objective.is_share:
        return 1.0
    return abs(objective.best(each.accuracy for each in setups) or 0.0) or 1.0
