"""The one unit of all energies of a table, and cells in it.

It is chosen so that the largest number has two to four digits before the decimal point. CSV files keep the
unit that is in their columns' names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from analysis.forms.cells import Cell
from analysis.quantities import decimals_for, number_text
from study.record.files import J_PER_MWH, J_PER_WH

_LEAST = 10.0
"""The largest number of a table is at least so large, where a unit allows it."""

_LADDER = (("kWh", 1000 * J_PER_WH), ("Wh", J_PER_WH))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyUnit:
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
    def of(cls, energies_j: Iterable[float | None]) -> Self:
        """Choose the unit by the largest of a table's energies in joules."""
        known = [abs(each) for each in energies_j if each is not None]
        largest = max(known, default=0.0)
        name, joules = next((u for u in _LADDER if largest >= _LEAST * u[1]), ("mWh", J_PER_MWH))
        return cls(name=name, joules=joules, decimals=decimals_for([largest / joules]))

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
