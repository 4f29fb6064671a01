"""Criteria that setups can be ranked by; each is a cost, so less is better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from analysis.energy.totals import SetupEnergy
from study.record.files import J_PER_WH

_S_PER_H = 3600.0


class RankBy(StrEnum):
    """Criteria that setups can be ranked by."""

    ENERGY = "energy"
    ACCURACY_PER_WH = "accuracy-per-wh"
    ENERGY_DELAY = "energy-delay"
    ENERGY_TO_TARGET = "energy-to-target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A criterion that setups can be ranked by.

    Attributes:
        title: Title of the table; `{objective}` in it is replaced by the objective's name.
        cost: Function that returns the cost of a setup, the less the better; None if unknown.
        key: Column name in CSV files of the number that is shown for the criterion, with its unit.
        heading: Column heading of that number; `{unit}` in it is replaced by the study's unit.
        shown: Function that returns that number for a setup, None if unknown; None if the criterion is
            the total energy, which every table shows anyway.
        is_energy: Whether that number is an energy, in Wh.
        within_tolerance: Whether setups must be within the tolerance to come first.
    """

    title: str
    cost: Callable[[SetupEnergy], float | None]
    key: str
    heading: str
    shown: Callable[[SetupEnergy], float | None] | None = None
    is_energy: bool = False
    within_tolerance: bool = True


def _energy(setup: SetupEnergy) -> float | None:
    return setup.total_j


def _wh_per_accuracy(setup: SetupEnergy) -> float | None:
    """Return Wh per unit of accuracy; None if energy or accuracy is unknown or 0.

    With idle power subtracted an energy may be 0, and would make any accuracy free.
    """
    if not setup.total_j or not setup.accuracy:
        return None
    return setup.total_j / J_PER_WH / setup.accuracy


def _points_per_wh(setup: SetupEnergy) -> float | None:
    cost = _wh_per_accuracy(setup)
    return 100 / cost if cost else None


def _wh_times_h(setup: SetupEnergy) -> float | None:
    """Return the energy-delay product in Wh h: mean energy times mean time in epochs; None if unknown."""
    if setup.total_j is None or setup.time_s is None:
        return None
    return setup.total_j / J_PER_WH * setup.time_s.mean / _S_PER_H


def _wh_to_target(setup: SetupEnergy) -> float | None:
    joules = None if setup.to_target is None else setup.to_target.mean_j
    return None if joules is None else joules / J_PER_WH


CRITERIA: Mapping[RankBy, Criterion] = {
    RankBy.ENERGY: Criterion(
        title="Least energy", cost=_energy, key="energy_wh", heading="total Wh"
    ),
    RankBy.ACCURACY_PER_WH: Criterion(
        title="Most accuracy per Wh",
        cost=_wh_per_accuracy,
        shown=_points_per_wh,
        key="accuracy_points_per_wh",
        heading="points/Wh",
        within_tolerance=False,
    ),
    RankBy.ENERGY_DELAY: Criterion(
        title="Least energy x time",
        cost=_wh_times_h,
        shown=_wh_times_h,
        key="energy_delay_wh_h",
        heading="Wh·h",
    ),
    RankBy.ENERGY_TO_TARGET: Criterion(
        title="Least energy to the target {objective}",
        cost=_wh_to_target,
        shown=_wh_to_target,
        key="energy_to_target_wh",
        heading="{unit} to target",
        is_energy=True,
        within_tolerance=False,
    ),
}
