"""Columns and cells of a saving in a table, and its summary for the legend."""

from collections.abc import Sequence

from analysis.energy.savings import Saving
from analysis.forms.cells import Cell, TableColumn, change_cell, mean_of
from analysis.forms.savings_text import saved_interval_text
from analysis.forms.table_unit import TableUnit
from analysis.quantities import count_text
from study.record.files import EnergyUnit


def saving_line(what: str, saving: Saving | None) -> str:
    """Describe the saving over all setups in words.

    Args:
        what: The way of training that saves energy.
        saving: Saving over all setups; None if unknown.
    """
    if saving is None or saving.share is None:
        return f"what {what} saves is not known: no setup has the energy of all its stages"
    word = "saves" if saving.share >= 0 else "adds"
    return (
        f"on average over {count_text(saving.energy_j.count, 'setup')} {what} {word} "
        f"{100 * abs(saving.share):.1f} %{saved_interval_text(saving)}"
    )


def saving_columns(reference: str, other: str, unit: TableUnit) -> tuple[TableColumn, ...]:
    """Return the columns of a saving: energies of the reference and of the other way, and the change."""
    return (
        TableColumn(key=f"{reference.replace(' ', '_')}_wh", heading=f"{reference} {unit.name}"),
        TableColumn(key=f"{other}_wh", heading=f"{other} {unit.name}"),
        TableColumn(key="saving_percent", heading="change"),
        TableColumn(key="saving_high_percent", heading="95 % from"),
        TableColumn(key="saving_low_percent", heading="to"),
    )


def saving_cells(saving: Saving | None, unit: TableUnit) -> tuple[Cell, ...]:
    """Return the cells of a saving in the columns of `saving_columns`."""
    interval = None if saving is None else saving.interval
    return (
        unit.cell(mean_of(saving.reference_j if saving else None)),
        unit.cell(mean_of(saving.energy_j if saving else None)),
        change_cell(saving.share if saving else None),
        change_cell(interval.high if interval else None),
        change_cell(interval.low if interval else None),
    )


def saving_unit(savings: Sequence[Saving | None], unit: EnergyUnit) -> TableUnit:
    """Return the unit, with decimals, for the energies of several savings.

    Args:
        savings: Savings that the table shows; None where unknown.
        unit: Unit in which the study's energies are shown.
    """
    known = [saving for saving in savings if saving is not None]
    means = (energy for s in known for energy in (s.reference_j.mean, s.energy_j.mean))
    return TableUnit.of(means, unit)
