"""Cost of a setup some of whose trainings fail: energy of all its trainings per successful one.

A success is a training that was completed or, for the energy to a target, one that reached it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.energy.spread import Spread
from study.inference.failure import CostOfSuccess, cost_of_success


class StartedTraining(Protocol):
    """A training that was started, with its energy and outcome."""

    @property
    def energy_j(self) -> float | None:
        """Energy of its epochs; None if unknown."""

    @property
    def wasted_energy_j(self) -> float | None:
        """Energy of its lost attempts; None if unknown."""

    @property
    def finished(self) -> bool:
        """Return whether it was trained to its end."""

    @property
    def failed(self) -> bool:
        """Return whether it ended before completion, other than by a search's early stopping."""


class TrainingWithTarget(StartedTraining, Protocol):
    """A training that was started, with its energy to a target."""

    @property
    def reached(self) -> bool | None:
        """Return whether an epoch reached the target; None without a target."""

    @property
    def to_target_j(self) -> float | None:
        """Energy up to the first epoch that reached the target; None if none did or it is unknown."""

    @property
    def uncertainty_own_j(self) -> float:
        """Half-width of the 95 % interval of `energy_j` from the independent errors of its readings."""

    @property
    def board(self) -> str | None:
        """UUIDs of the devices that it was measured on; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTarget:
    """Energy of a setup until the target was reached.

    Attributes:
        attempts: Number of trainings that ended.
        reached: Number of these that reached the target.
        energy_j: Energies to the target of the trainings that reached it; None if none did or one of
            the energies is unknown.
        cost: Energy of all trainings per one that reached the target, where a training that missed it
            counts with all its energy; None if all reached it or an energy is unknown.
        boards: Board that each of `energy_j.values` was measured on; None for one that is unknown.
        uncertainty_own_j: Largest half-width of the 95 % interval of one of `energy_j.values` from the
            independent errors of its readings.
    """

    attempts: int
    reached: int
    energy_j: Spread | None
    cost: CostOfSuccess | None = None
    boards: tuple[str | None, ...] = ()
    uncertainty_own_j: float = 0.0

    @property
    def mean_j(self) -> float | None:
        """Energy per training that reached the target; None if unknown."""
        if self.energy_j is None:
            return None
        if self.reached == self.attempts:
            return self.energy_j.mean
        return None if self.cost is None else self.cost.cost_j


def to_target(trials: Sequence[TrainingWithTarget]) -> ToTarget | None:
    """Compute the energy to the target over the trainings of a setup.

    A training that ended without reaching the target counts with all its energy, since it takes another
    training to reach the target. A failed training whose energy is unknown is left out.

    Args:
        trials: Trainings of one setup; those that still run or that a search stopped do not count.

    Returns:
        The energy; None without a target or if no training has ended.
    """
    ended = [each for each in trials if each.finished or each.failed]
    if not ended or any(each.reached is None for each in ended):
        return None
    reaching = [each for each in ended if each.reached]
    energies = [each.to_target_j for each in reaching]
    is_known = bool(reaching) and None not in energies
    return ToTarget(
        attempts=len(ended),
        reached=len(reaching),
        energy_j=Spread.of(energies) if is_known else None,
        cost=_cost_to_target(ended) if is_known and len(reaching) < len(ended) else None,
        boards=tuple(each.board for each in reaching),
        uncertainty_own_j=max((_own_to_target_j(each) for each in reaching), default=0.0),
    )


def _cost_to_target(ended: Sequence[TrainingWithTarget]) -> CostOfSuccess | None:
    used = [(each, each.to_target_j if each.reached else _used_j(each)) for each in ended]
    counted = [(each, joules) for each, joules in used if joules is not None or each.finished]
    known = [joules for _, joules in counted if joules is not None and joules > 0]
    if len(known) < len(counted):
        return None
    return cost_of_success(known, [bool(each.reached) for each, _ in counted])


def _own_to_target_j(trial: TrainingWithTarget) -> float:
    """Scale a training's uncertainty down to its epochs up to the target.

    Independent errors add in quadrature, so the uncertainty scales with the square root of the energy.
    """
    if not trial.to_target_j or not trial.energy_j:
        return trial.uncertainty_own_j
    return trial.uncertainty_own_j * math.sqrt(min(trial.to_target_j / trial.energy_j, 1.0))


def cost_with_failures(trials: Sequence[StartedTraining]) -> CostOfSuccess | None:
    """Compute the energy of all trainings of a setup per successful one.

    Args:
        trials: Trainings of one setup; those that still run or that a search stopped do not count.

    Returns:
        The cost; None if none failed or the energy of one is unknown.
    """
    ended = [each for each in trials if each.finished or each.failed]
    if not any(each.failed for each in ended):
        return None
    energies = [_used_j(each) for each in ended]
    known = [each for each in energies if each is not None and each > 0]
    if len(known) < len(energies):
        return None
    return cost_of_success(known, [each.finished for each in ended])


def _used_j(trial: StartedTraining) -> float | None:
    """Return the energy of a success without its lost attempts, or all the energy of a failure."""
    if trial.finished:
        return trial.energy_j
    if trial.energy_j is None:
        return trial.wasted_energy_j or None
    return trial.energy_j + (trial.wasted_energy_j or 0.0)
