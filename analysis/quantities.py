"""Formatting of numbers for people, and the only place where joules become mWh and Wh.

The paper gives energy per epoch in mWh and the energy of whole trainings in Wh.
"""

import math
from collections.abc import Iterable
from typing import Any

from study.record.files import J_PER_MWH, J_PER_WH, EnergyUnit

MISSING = "-"

_SIGNIFICANT = 4
_FEWEST_DECIMALS = 2
_MOST_DECIMALS = 6
# An interval whose ends have a larger ratio than this says next to nothing.
_ENDLESS = 100


def to_wh(energy_j: float | None) -> float | None:
    """Convert joules to watt hours; None stays None."""
    return None if energy_j is None else energy_j / J_PER_WH


def to_mwh(energy_j: float | None) -> float | None:
    """Convert joules to milliwatt hours; None stays None."""
    return None if energy_j is None else energy_j / J_PER_MWH


def energy_text(energy_j: float | None, unit: EnergyUnit) -> str:
    """Format an energy for use in a sentence, with three significant digits.

    Args:
        energy_j: Energy in joules; None becomes `not known`.
        unit: Unit in which the study's energies are shown.
    """
    return "not known" if energy_j is None else unit.text(energy_j)


def interval_text(low_j: float, high_j: float, unit: EnergyUnit) -> str:
    """Format an interval of energies, given in joules, for use in a sentence: `25.1 to 39.2 mWh`."""
    if high_j > _ENDLESS * low_j:
        return f"{unit.text(low_j)} to more than {_ENDLESS} times as much"
    return f"{unit.number(low_j)} to {unit.text(high_j)}"


def percent_text(share: float | None, *, decimals: int = 1) -> str:
    """Format a share in [0, 1] as percent; `-` for None."""
    return MISSING if share is None else f"{100 * share:.{decimals}f} %"


def plain_text(value: float) -> str:
    """Format a number of any size with four significant digits: `0.03214`, `12,346`."""
    large = abs(value) >= 10.0**_SIGNIFICANT
    return f"{value:,.0f}" if large else f"{value:.{_SIGNIFICANT}g}"


def padded_text(value: float) -> str:
    """Format like `plain_text`, but keep trailing zeros so that table columns align: `51.70`."""
    large = abs(value) >= 10.0**_SIGNIFICANT
    return plain_text(value) if large else f"{value:#.{_SIGNIFICANT}g}".removesuffix(".")


def points_text(share: float) -> str:
    """Format a difference of two shares in percentage points."""
    points = 100 * share
    return f"{points:g} percentage point{'' if points == 1 else 's'}"


def ascending(values: Iterable[float | None]) -> list[Any]:
    """Return the distinct values in ascending order, None last."""
    return sorted(set(values), key=lambda value: (value is None, value or 0))


def decimals_for(values: Iterable[float | None], *, fewest: int = _FEWEST_DECIMALS) -> int:
    """Return the decimals, at most six, with which a column's largest value has four digits or more.

    Args:
        values: Values of the column; None where missing.
        fewest: Least number of decimals, used for large values.
    """
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    if largest == 0:
        return fewest
    wanted = _SIGNIFICANT - 1 - math.floor(math.log10(largest))
    return min(max(wanted, fewest), _MOST_DECIMALS)


def number_text(value: float | None, decimals: int) -> str:
    """Format a number for a table; a positive one that rounds to 0 becomes `<0.01`, and None `-`."""
    if value is None:
        return MISSING
    # Rounding can give -0.0; `or 0.0` drops its sign.
    text = f"{round(value, decimals) or 0.0:.{decimals}f}"
    smallest = 10.0**-decimals
    return f"<{smallest:.{decimals}f}" if value > 0 and float(text) == 0 else text


def count_text(number: int, noun: str) -> str:
    """Format a count with its noun: `1 epoch`, `2 epochs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def enumeration(items: Iterable[object]) -> str:
    """Join items as an enumeration: `1, 2 and 3`."""
    *first, last = [str(item) for item in items]
    return f"{', '.join(first)} and {last}" if first else last


def sentence(clause: str) -> str:
    """Turn a clause into a sentence, with a capital letter and a full stop."""
    return f"{clause[0].upper()}{clause[1:]}."
