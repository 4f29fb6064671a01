"""The one unit of a study's energies, with the decimals of a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.forms.table_unit import TableUnit
from study.record.files import J_PER_MWH, J_PER_WH, MWH, WH, unit_of


@pytest.mark.parametrize(
    ("first_epoch_wh", "name"),
    [(None, "mWh"), (0.0001, "mWh"), (0.29, "mWh"), (0.3, "Wh"), (299.0, "Wh"), (300.0, "kWh")],
)
def test_the_unit_of_a_study_goes_by_its_first_epoch(
    first_epoch_wh: float | None, name: str
) -> None:
    """It is known before anything is shown, and so never changes."""
    unit = unit_of(None if first_epoch_wh is None else first_epoch_wh * J_PER_WH)

    assert unit.name == name


@pytest.mark.parametrize(
    ("joules", "said"),
    [(0.0, "0 Wh"), (3600.0, "1.00 Wh"), (3600.0 * 1234.5, "1,234 Wh"), (0.36, "0.000100 Wh")],
)
def test_an_energy_has_three_digits_or_more(joules: float, said: str) -> None:
    """None of a number's size is lost, and none is made up of zeros."""
    assert WH.text(joules) == said


@given(st.floats(1e-3, 1e9))
def test_a_cell_keeps_its_keys_unit(energy_j: float) -> None:
    """A program reads the unit in the column's name, whatever people see."""
    unit = TableUnit.of([energy_j, None], MWH)

    assert unit.cell(energy_j).value == energy_j / J_PER_WH
    assert unit.cell(energy_j, key_unit_j=J_PER_MWH).value == energy_j / J_PER_MWH
    assert float(unit.cell(energy_j).text.lstrip("<")) == pytest.approx(
        energy_j / unit.joules, abs=0.01
    )


def test_nothing_known_is_a_dash() -> None:
    """None is not 0."""
    assert TableUnit.of([], WH).cell(None).text == "-"
