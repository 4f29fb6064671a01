"""Intervals of the energy to a target, by the same model as those of a training (`analysis.ranking.evidence`)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.energy.spread import Interval95
from analysis.energy.totals import SetupEnergy
from analysis.ranking.evidence import energies_of
from study.inference.intervals import total_interval_j
from study.inference.selection import selected_interval_j, selection_bias_of_least


def to_target_intervals(setups: Sequence[SetupEnergy]) -> Mapping[int, Interval95]:
    """Return the 95 % interval of each setup's energy to the target in joules, by setup number.

    A training that missed the target raises the energy per training that reached it, as a failed
    training raises the energy per success. The interval of the setup with the least energy is corrected for
    the selection (winner's curse).

    Args:
        setups: All setups of the study.

    Returns:
        The intervals of the setups with a known energy to target; empty if no setup has two trainings
        that reached the target.
    """
    known = [aimed for each in setups if (aimed := _until_target(each)) is not None]
    drawn = energies_of(known).posterior if known else None
    if drawn is None:
        return {}
    least = min(known, key=lambda each: (each.total_j or 0.0, each.setup)).setup
    found = {}
    for place, each in enumerate(known):
        interval = (
            selected_interval_j(drawn, place, selection_bias_of_least(drawn))
            if each.setup == least and len(known) > 1
            else total_interval_j(drawn, place)
        )
        found[each.setup] = Interval95.of(interval)
    return found


def _until_target(setup: SetupEnergy) -> SetupEnergy | None:
    """Return a setup as if its trainings had ended at the target; None if the energy to it is unknown."""
    there = setup.to_target
    if (
        there is None
        or there.energy_j is None
        or not there.mean_j
        or min(there.energy_j.values) <= 0
    ):
        return None
    return replace(
        setup,
        energy_j=there.energy_j,
        cost=there.cost,
        boards=there.boards,
        uncertainty_own_j=there.uncertainty_own_j,
    )
