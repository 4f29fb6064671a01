"""When two setups cannot be told apart: repeats, the measurement's uncertainty, other boards."""

import math

from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy

BETWEEN_BOARDS = 0.05
"""Boards of one model differ by some percent in power at the same work; a difference below this
between setups that ran on different boards says nothing."""


def energy_noise_j(one: SetupEnergy, other: SetupEnergy) -> float:
    """Difference of two total energies below which they tie, in joules.

    The largest of: the standard deviation of the difference over repeats; the uncertainty of the
    measurement; 5 % of the larger one if they ran on different boards. What is not known counts
    as 0, so that one repeat of an uncertain meter ties with nobody.
    """
    noises = [
        _deviation(one.energy_j, other.energy_j),
        math.hypot(one.uncertainty_j or 0.0, other.uncertainty_j or 0.0),
    ]
    if one.boards and other.boards and one.boards != other.boards:
        noises.append(BETWEEN_BOARDS * max(one.total_j or 0.0, other.total_j or 0.0))
    return max(noises)


def accuracy_noise(one: SetupEnergy, other: SetupEnergy) -> float:
    """Standard deviation of the difference of two accuracies over repeats; 0 if not known."""
    return _deviation(one.best_accuracy, other.best_accuracy)


def tied(one: SetupEnergy, other: SetupEnergy) -> bool:
    """Whether it is open which of two setups needs less energy."""
    if one.total_j is None or other.total_j is None:
        return False
    return abs(one.total_j - other.total_j) < energy_noise_j(one, other)


def _deviation(one: Spread | None, other: Spread | None) -> float:
    if one is None or other is None or one.std is None or other.std is None:
        return 0.0
    return math.hypot(one.std, other.std)
