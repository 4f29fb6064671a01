"""Quantities by setup number, in the units in which tables and heat maps show them."""

from collections.abc import Sequence

from analysis.energy.totals import SetupEnergy, relative_to_worst
from analysis.quantities import to_mwh


def mwh_per_epoch(setups: Sequence[SetupEnergy]) -> dict[int, float | None]:
    """Return the mean energy per epoch in mWh (paper, Table 2); None where unknown."""
    energies = {each.setup: each.energy_per_epoch_j for each in setups}
    return {n: None if spread is None else to_mwh(spread.mean) for n, spread in energies.items()}


def percent_of_worst(setups: Sequence[SetupEnergy]) -> dict[int, float | None]:
    """Return the total energy of a training in percent of the largest (paper, Figure 3)."""
    shares = relative_to_worst([each.total_j for each in setups])
    return {
        each.setup: None if share is None else 100 * share
        for each, share in zip(setups, shares, strict=True)
    }
