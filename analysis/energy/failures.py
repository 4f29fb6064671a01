"""Cost of a setup that fails in some of its trainings: all that it used, for each success.

A success is a training that came to its end, or, for the energy to a target, one that reached it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.energy.spread import Spread
from study.inference.failure import CostOfSuccess, cost_of_success


class StartedTraining(Protocol):
    """A training that was started: what it used, and whether it failed."""

    @property
    def energy_j(self) -> float | None:
        """Energy of its epochs; None where it is not known."""

    @property
    def wasted_energy_j(self) -> float | None:
        """Energy of the attempts at it that were lost; None where it is not known."""

    @property
    def finished(self) -> bool:
        """Return whether it was trained to its end."""

    @property
    def failed(self) -> bool:
        """Return whether it ended before, through what the setup is."""


class Aimed(StartedTraining, Protocol):
    """Such a training, where there is a target."""

    @property
    def reached(self) -> bool | None:
        """Return whether an epoch reached the target; None where there is none."""

    @property
    def to_target_j(self) -> float | None:
        """Energy up to that epoch; None without one, or where it is not known."""

    @property
    def uncertainty_own_j(self) -> float:
        """Half-width of the interval of `energy_j` by what readings have of their own."""

    @property
    def board(self) -> str | None:
        """Identifier of what it was measured on; None if not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTarget:
    """Energy of a setup until its target was reached.

    Attributes:
        attempts: Trainings that ended.
        reached: Of these, those that reached the target.
        energy_j: Energies up to it of the trainings that reached it; None where none did, or where one
            of them is not known.
        cost: Energy of all attempts for each that reached it, one that did not with all that it used;
            None where all did, or where an energy is not known.
        boards: What each of `energy_j.values` was measured on; None where that is not known.
        uncertainty_own_j: Half-width of the interval of one of them by its readings.
    """

    attempts: int
    reached: int
    energy_j: Spread | None
    cost: CostOfSuccess | None = None
    boards: tuple[str | None, ...] = ()
    uncertainty_own_j: float = 0.0

    @property
    def mean_j(self) -> float | None:
        """Energy for each training that reached it; None where that is not known."""
        if self.energy_j is None:
            return None
        if self.reached == self.attempts:
            return self.energy_j.mean
        return None if self.cost is None else self.cost.cost_j


def to_target(trials: Sequence[Aimed]) -> ToTarget | None:
    """Energy until the target was reached, over the trainings of a setup.

    One that ended without reaching it counts with all that it used: whoever wants the target has to
    train again. Of one that failed with an energy that nobody knows nothing is counted, as in the
    energy of a training.

    Args:
        trials: Of one setup; those that still run or were stopped by a search do not count.

    Returns:
        The energy; None without a target, or where no training has ended.
    """
    ended = [each for each in trials if each.finished or each.failed]
    if not ended or any(each.reached is None for each in ended):
        return None
    there = [each for each in ended if each.reached]
    energies = [each.to_target_j for each in there]
    is_known = bool(there) and None not in energies
    return ToTarget(
        attempts=len(ended),
        reached=len(there),
        energy_j=Spread.of(energies) if is_known else None,
        cost=_cost_to_target(ended) if is_known and len(there) < len(ended) else None,
        boards=tuple(each.board for each in there),
        uncertainty_own_j=max((_own_to_target_j(each) for each in there), default=0.0),
    )


def _cost_to_target(ended: Sequence[Aimed]) -> CostOfSuccess | None:
    used = [(each, each.to_target_j if each.reached else _used_j(each)) for each in ended]
    counted = [(each, joules) for each, joules in used if joules is not None or each.finished]
    known = [joules for _, joules in counted if joules is not None and joules > 0]
    if len(known) < len(counted):
        return None
    return cost_of_success(known, [bool(each.reached) for each, _ in counted])


def _own_to_target_j(trial: Aimed) -> float:
    """The part of a training's uncertainty that its epochs to the target have: squares add up."""
    if not trial.to_target_j or not trial.energy_j:
        return trial.uncertainty_own_j
    return trial.uncertainty_own_j * math.sqrt(min(trial.to_target_j / trial.energy_j, 1.0))


def cost_with_failures(trials: Sequence[StartedTraining]) -> CostOfSuccess | None:
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


def _used_j(trial: StartedTraining) -> float | None:
    """Energy of a success without what was lost on the way; of a failure all that it used."""
    if trial.finished:
        return trial.energy_j
    if trial.energy_j is None:
        return trial.wasted_energy_j or None
    return trial.energy_j + (trial.wasted_energy_j or 0.0)
