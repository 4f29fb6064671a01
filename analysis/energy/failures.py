"""Cost of a setup that fails in some of its trainings: all that it used, for each success."""

from collections.abc import Sequence
from typing import Protocol

from study.inference.failure import CostOfSuccess, cost_of_success


class Attempt(Protocol):
    """A training that was started: what it used, and whether it failed."""

    @property
    def energy_j(self) -> float | None:
        """Energy of its epochs; None where it is not known."""

    @property
    def wasted_energy_j(self) -> float:
        """Energy of the attempts at it that were lost."""

    @property
    def finished(self) -> bool:
        """Return whether it was trained to its end."""

    @property
    def failed(self) -> bool:
        """Return whether it ended before, through what the setup is."""


def cost_with_failures(trials: Sequence[Attempt]) -> CostOfSuccess | None:
    """Energy of all trainings of a setup for each that succeeded.

    Args:
        trials: Of one setup; those that still run or were stopped by a search do not count.

    Returns:
        The cost; None where none failed, or where the energy of one of them is not known.
    """
    ended = [each for each in trials if each.finished or each.failed]
    if not any(each.failed for each in ended):
        return None
    energies = [_used_j(each) for each in ended]
    known = [each for each in energies if each is not None and each > 0]
    if len(known) < len(energies):
        return None
    return cost_of_success(known, [each.finished for each in ended])


def _used_j(trial: Attempt) -> float | None:
    """Energy of a success without what was lost on the way; of a failure all that it used."""
    if trial.finished:
        return trial.energy_j
    if trial.energy_j is None:
        return trial.wasted_energy_j or None
    return trial.energy_j + trial.wasted_energy_j
