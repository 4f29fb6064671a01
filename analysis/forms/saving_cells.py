"""How a saving stands in a table: columns, cells and the sentence below them."""

from collections.abc import Sequence

from analysis.energy.savings import Saving
from analysis.forms.cells import Cell, Column, change_cell, mean_of, number_cell, percent, std_of
from analysis.quantities import counted, decimals_for, to_wh


def saving_line(what: str, saving: Saving | None) -> str:
    """A saving over setups in words."""
    if saving is None or saving.share is None:
        return f"what {what} saves is not known: no setup has the energy of all its stages"
    spread = saving.shares
    std = "" if spread is None or spread.std is None else f" ± {100 * spread.std:.1f}"
    word = "saves" if saving.share >= 0 else "costs"
    return (
        f"on average over {counted(saving.energy_j.count, 'setup')} {what} {word} "
        f"{100 * abs(saving.share):.1f}{std} %"
    )


def saving_columns(reference: str, other: str) -> tuple[Column, ...]:
    """The columns of a saving: energy of the reference and of the other way, and the change."""
    return (
        Column(key=f"{reference.replace(' ', '_')}_wh", heading=f"{reference} Wh"),
        Column(key=f"{other}_wh", heading=f"{other} Wh"),
        Column(key="saving_percent", heading="change"),
        Column(key="saving_std_percent", heading="±"),
    )


def saving_cells(saving: Saving | None, wh: int) -> tuple[Cell, ...]:
    """The cells below `saving_columns`."""
    return (
        number_cell(to_wh(mean_of(saving.reference_j if saving else None)), wh),
        number_cell(to_wh(mean_of(saving.energy_j if saving else None)), wh),
        change_cell(saving.share if saving else None),
        number_cell(percent(std_of(saving.shares if saving else None)), 1),
    )


def saving_decimals(savings: Sequence[Saving | None]) -> int:
    """Decimals of the energies of several savings, in Wh."""
    known = [saving for saving in savings if saving is not None]
    return decimals_for(
        to_wh(energy) for s in known for energy in (s.reference_j.mean, s.energy_j.mean)
    )
