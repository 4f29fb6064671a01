"""Conversions and sums of numbers some of which are missing: missing is None, never 0."""

import math
import statistics
from collections.abc import Iterable
from typing import Any

import pandas as pd


def known_mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None; None if there are none."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def known_number(value: float | None) -> float | None:
    """Convert a number of a data frame; NaN becomes None."""
    return None if value is None or math.isnan(value) else float(value)


def known_count(value: float | None) -> int | None:
    """Convert a data frame's integer, which pandas stores as a float if values are missing; NaN becomes None."""
    number = known_number(value)
    return None if number is None else int(number)


def known_sum(column: "pd.Series[Any]") -> float | None:
    """Return the sum of a column's known values; None if there are none."""
    return float(column.sum()) if column.notna().any() else None
