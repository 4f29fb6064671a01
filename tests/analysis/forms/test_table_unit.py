"""The unit of a study's energies, and the decimals of a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.forms.table_unit import TableUnit
from study.record.files import J_PER_MWH, J_PER_WH, MWH, WH, unit_of


@pytest.mark.parametrize(
    ("first_epoch_wh", "name"),
    [(None, "mWh"), (0.0001, "mWh"), (0.29, "mWh"), (0.3, "Wh"), (299.0, "Wh"), (300.0, "kWh")],
)
def test_the_unit_of_a_study_depends_on_its_first_epoch(
    first_epoch_wh: float | None, name: str
) -> None:
    """It is known before anything is shown, and therefore never changes."""
    unit = unit_of(None if first_epoch_wh is None else first_epoch_wh * J_PER_WH)

    assert unit.name == name


@pytest.mark.parametrize(
    ("joules", "expected"),
    [(0.0, "0 Wh"), (3600.0, "1.00 Wh"), (3600.0 * 1234.5, "1,234 Wh"), (0.36, "0.000100 Wh")],
)
def test_an_energy_above_0_has_three_digits_or_more(joules: float, expected: str) -> None:
    """Large numbers keep all digits, small ones are not rounded to 0, and 0 itself has one digit."""
    assert WH.text(joules) == expected


@given(st.floats(1e-3, 1e9))
def test_a_cell_has_its_value_in_the_unit_of_its_key(energy_j: float) -> None:
    """A program reads the unit in the column's name, whatever unit is shown."""
    unit = TableUnit.of([energy_j, None], MWH)

    assert unit.cell(energy_j).value == energy_j / J_PER_WH
    assert unit.cell(energy_j, key_unit_j=J_PER_MWH).value == energy_j / J_PER_MWH
    assert float(unit.cell(energy_j).text.lstrip("<")) == pytest.approx(
        energy_j / unit.joules, abs=0.01
    )


def test_a_missing_energy_is_a_dash() -> None:
    """None is not shown as 0."""
    assert TableUnit.of([], WH).cell(None).text == "-"
