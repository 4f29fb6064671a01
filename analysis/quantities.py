"""Numbers as people read them: the only place where joules become mWh and Wh.

The paper gives energy per epoch in mWh and the energy of whole trainings in Wh.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from study.record.files import J_PER_MWH, J_PER_WH, EnergyUnit

MISSING = "-"

_SIGNIFICANT = 4
_FEWEST_DECIMALS = 2
_MOST_DECIMALS = 6
# From this ratio of its ends on an interval says that nothing is known.
_ENDLESS = 100


def to_wh(energy_j: float | None) -> float | None:
    """Joules as watt hours; None stays None."""
    return None if energy_j is None else energy_j / J_PER_WH


def to_mwh(energy_j: float | None) -> float | None:
    """Joules as milliwatt hours; None stays None."""
    return None if energy_j is None else energy_j / J_PER_MWH


def energy_text(energy_j: float | None, unit: EnergyUnit) -> str:
    """An energy inside a sentence, with three significant digits.

    Args:
        energy_j: Joules; None is said to be not known.
        unit: Of the study.
    """
    return "not known" if energy_j is None else unit.text(energy_j)


def interval_text(low_j: float, high_j: float, unit: EnergyUnit) -> str:
    """An interval of energies inside a sentence: `25.1 to 39.2 mWh`."""
    if high_j > _ENDLESS * low_j:
        return f"{unit.text(low_j)} to more than {_ENDLESS} times as much"
    return f"{unit.number(low_j)} to {unit.text(high_j)}"


def percent_text(share: float | None, *, decimals: int = 1) -> str:
    """A share in [0, 1] as percent."""
    return MISSING if share is None else f"{100 * share:.{decimals}f} %"


def plain_text(value: float) -> str:
    """A number of any size with four significant digits: `0.03214`, `12,346`."""
    large = abs(value) >= 10.0**_SIGNIFICANT
    return f"{value:,.0f}" if large else f"{value:.{_SIGNIFICANT}g}"


def full_text(value: float) -> str:
    """The same for a table, whose numbers stand below each other: zeros at the end stay, `51.70`."""
    large = abs(value) >= 10.0**_SIGNIFICANT
    return plain_text(value) if large else f"{value:#.{_SIGNIFICANT}g}".removesuffix(".")


def points_text(share: float) -> str:
    """A difference of two shares in percentage points."""
    points = 100 * share
    return f"{points:g} percentage point{'' if points == 1 else 's'}"


def learning_rate_text(learning_rate: float | None, *, digits: int = 6) -> str:
    """A learning rate as the paper writes it: 0.0001, not 1e-4; `-` where it is not known.

    Args:
        learning_rate: A search draws it from a range, with all the digits that a float has.
        digits: So many at most; 17 are all.
    """
    if learning_rate is None:
        return MISSING
    return np.format_float_positional(float(f"{learning_rate:.{digits}g}"), trim="-")


def ascending(values: Iterable[float | None]) -> list[Any]:
    """Distinct values from the least to the largest, what is not known last."""
    return sorted(set(values), key=lambda value: (value is None, value or 0))


def parameters_text(parameters: Mapping[str, object]) -> str:
    """Further parameters of a setup in words: `alpha 0.5`; a third, as of three tasks, as 0.333333."""
    return ", ".join(
        f"{name} {learning_rate_text(value) if isinstance(value, float) else value}"
        for name, value in sorted(parameters.items())
    )


def decimals_for(values: Iterable[float | None], *, fewest: int = _FEWEST_DECIMALS) -> int:
    """Decimals for one column of a table: the largest value then has four digits or more.

    Args:
        values: Of the column.
        fewest: Decimals of a large one.
    """
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    if largest == 0:
        return fewest
    wanted = _SIGNIFICANT - 1 - math.floor(math.log10(largest))
    return min(max(wanted, fewest), _MOST_DECIMALS)


def number_text(value: float | None, decimals: int) -> str:
    """A number of a table; what would be rounded to nothing says so, None is `-`."""
    if value is None:
        return MISSING
    # Rounding may leave a minus before nothing.
    text = f"{round(value, decimals) or 0.0:.{decimals}f}"
    smallest = 10.0**-decimals
    return f"<{smallest:.{decimals}f}" if value > 0 and float(text) == 0 else text


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 epoch`, `2 epochs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(words: Iterable[object]) -> str:
    """Words in a row: `1, 2 and 3`."""
    *first, last = [str(word) for word in words]
    return f"{', '.join(first)} and {last}" if first else last


def sentence(clause: str) -> str:
    """A clause as a sentence: with a capital letter and a full stop."""
    return f"{clause[0].upper()}{clause[1:]}."
