"""The unit of a study's energies with the decimals of a table, and cells in it.

CSV files keep the unit that is in their columns' names.
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
        name: As headings have it.
        joules: In one of it.
        decimals: That numbers are shown with.
    """

    name: str
    joules: float
    decimals: int

    @classmethod
    def of(cls, energies_j: Iterable[float | None], unit: EnergyUnit) -> Self:
        """Choose the decimals by the largest of a table's energies in joules.

        Args:
            energies_j: What the table shows.
            unit: Of the study.
        """
        known = [abs(each) for each in energies_j if each is not None]
        largest = max(known, default=0.0) / unit.joules
        return cls(name=unit.name, joules=unit.joules, decimals=decimals_for([largest]))

    def cell(self, energy_j: float | None, *, key_unit_j: float = J_PER_WH) -> Cell:
        """A cell with an energy.

        Args:
            energy_j: Joules; None where it is not known.
            key_unit_j: Joules in the unit of the column's key, which CSV files have.
        """
        if energy_j is None:
            return Cell(value=None, text=number_text(None, 0))
        text = number_text(energy_j / self.joules, self.decimals)
        return Cell(value=energy_j / key_unit_j, text=text)
