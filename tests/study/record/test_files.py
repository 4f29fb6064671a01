"""Unit in which a study's energies are shown."""

import pytest

from study.record.files import J_PER_WH, KWH, MWH, WH, EnergyUnit, unit_of


@pytest.mark.parametrize(
    ("first_epoch_j", "unit"),
    [
        (None, MWH),
        (0.0, MWH),
        (0.29 * J_PER_WH, MWH),
        (0.3 * J_PER_WH, WH),
        (299.9 * J_PER_WH, WH),
        (1000 * (0.3 * J_PER_WH), KWH),
        (300.1 * J_PER_WH, KWH),
    ],
)
def test_the_unit_depends_on_the_first_epoch(first_epoch_j: float | None, unit: EnergyUnit) -> None:
    """It is Wh from 0.3 Wh on, and kWh from a thousand times as much."""
    assert unit_of(first_epoch_j) is unit


@pytest.mark.parametrize(
    ("wh", "text"), [(0.0, "0 Wh"), (1.0, "1.00 Wh"), (12.34, "12.3 Wh"), (123.4, "123 Wh")]
)
def test_an_energy_has_three_significant_digits(wh: float, text: str) -> None:
    """0 has no decimals, and neither has a number from 100 on."""
    assert WH.text(wh * J_PER_WH) == text
