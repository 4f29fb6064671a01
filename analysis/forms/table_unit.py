"""Unit and decimals of the energies in a table, and cells with an energy.

CSV files do not use this unit: their values have the unit that the column's key names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from analysis.forms.cells import Cell
from analysis.quantities import decimals_for, number_text
from study.record.files import J_PER_WH, EnergyUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUnit:
    """A unit of energy for a table.

    Attributes:
        name: Symbol of the unit, as in headings.
        joules: Joules in one unit.
        decimals: Number of decimals that are shown.
    """

    name: str
    joules: float
    decimals: int

    @classmethod
    def of(cls, energies_j: Iterable[float | None], unit: EnergyUnit) -> Self:
        """Choose the decimals by the largest of a table's energies.

        Args:
            energies_j: Energies that the table shows; None where unknown.
            unit: Unit in which the study's energies are shown.
        """
        known = [abs(each) for each in energies_j if each is not None]
        largest = max(known, default=0.0) / unit.joules
        return cls(name=unit.name, joules=unit.joules, decimals=decimals_for([largest]))

    def cell(self, energy_j: float | None, *, key_unit_j: float = J_PER_WH) -> Cell:
        """Return a cell with an energy.

        Args:
            energy_j: Energy in joules; None if unknown.
            key_unit_j: Joules in the unit that the column's key names, in which the value is stored.
        """
        if energy_j is None:
            return Cell(value=None, text=number_text(None, 0))
        text = number_text(energy_j / self.joules, self.decimals)
        return Cell(value=energy_j / key_unit_j, text=text)
