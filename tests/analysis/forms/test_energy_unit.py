"""The one unit of a table's energies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.forms.energy_unit import EnergyUnit
from study.record.files import J_PER_MWH, J_PER_WH


@pytest.mark.parametrize(
    ("largest_wh", "name"),
    [(0.0001, "mWh"), (2.2, "mWh"), (9.9, "mWh"), (10.0, "Wh"), (9999.0, "Wh"), (10_000.0, "kWh")],
)
def test_the_largest_number_has_two_to_four_digits(largest_wh: float, name: str) -> None:
    """Below, there is no smaller unit; what is missing decides nothing."""
    unit = EnergyUnit.of([largest_wh * J_PER_WH, 0.0, None])

    assert unit.name == name


@given(st.floats(1e-3, 1e9))
def test_a_cell_keeps_its_keys_unit(energy_j: float) -> None:
    """A program reads the unit in the column's name, whatever people see."""
    unit = EnergyUnit.of([energy_j])

    assert unit.cell(energy_j).value == energy_j / J_PER_WH
    assert unit.cell(energy_j, key_unit_j=J_PER_MWH).value == energy_j / J_PER_MWH
    assert float(unit.cell(energy_j).text.lstrip("<")) == pytest.approx(
        energy_j / unit.joules, abs=0.01
    )


def test_nothing_known_is_a_dash() -> None:
    """None is not 0."""
    assert EnergyUnit.of([]).cell(None).text == "-"
