"""Numbers of which some are missing: missing is None, never 0."""

import math
import statistics
from collections.abc import Iterable
from typing import Any

import pandas as pd


def known_mean(values: Iterable[float | None]) -> float | None:
    """Mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def known_number(value: float | None) -> float | None:
    """A number of a data frame; NaN is None."""
    return None if value is None or math.isnan(value) else float(value)


def known_count(value: float | None) -> int | None:
    """A whole number of a data frame, which has them as floats where one is not known."""
    number = known_number(value)
    return None if number is None else int(number)


def known_sum(column: "pd.Series[Any]") -> float | None:
    """Sum of what is known of a column; None where nothing is."""
    return float(column.sum()) if column.notna().any() else None
