"""Data frames with the columns and types of a record, whatever wrote the rows.

A column of which every value is missing has no type of its own in JSON or parquet; here it has.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from study.record.rows import Column, Row, columns, printable


def column_names(record: type[Row]) -> tuple[str, ...]:
    """Return the fields of a record, in their order."""
    return tuple(each.name for each in columns(record))


def lacking_columns(names: Sequence[str], record: type[Row]) -> list[str]:
    """Return the columns that a table of the record must have, and has not among `names`."""
    return [
        each.name for each in columns(record) if each.name not in names and not each.may_be_absent
    ]


def typed_frame(
    rows: pd.DataFrame | Sequence[Mapping[str, Any]], record: type[Row]
) -> pd.DataFrame:
    """Return rows as a frame: int64 where a count must be there, float64 for other numbers, else words.

    Missing numbers become NaN and missing words None, also where the rows lack the column.

    Raises:
        ValueError: A value is not a number where one must be, or a word is not known.
        TypeError: The same.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    frame = frame.reindex(columns=list(column_names(record)))
    return pd.DataFrame({each.name: _typed(frame[each.name], each) for each in columns(record)})


def _typed(values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    if column.kind == "integer" and not column.may_be_missing:
        return pd.to_numeric(values).astype("int64")
    if column.kind != "text":
        numbers = pd.to_numeric(values).astype("float64")
        return numbers.mask(np.isinf(numbers))  # no record has one: it is none that was measured
    words = values.astype("object")
    words = words.where(words.notna(), None)
    if not column.words:
        clean = {each: printable(str(each)) for each in words.dropna().unique()}
        words = words.map(clean, na_action="ignore") if clean else words
        words = words.where(words.notna(), None)
    unknown = set(words.dropna()) - set(column.words) if column.words else set()
    if unknown:
        allowed = ", ".join(sorted(column.words))
        message = f"{column.name} is {unknown.pop()!r}; allowed are {allowed}"
        raise ValueError(message)
    return words
