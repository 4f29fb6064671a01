"""Data frames with the columns and types of a record, whatever wrote the rows.

A column of which every value is missing has no type of its own in JSON or parquet; here it has.
"""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pandas as pd

from study.record.bookings import WindowRecord
from study.record.records import EpochRecord, TrialRecord

RecordClass = type[EpochRecord] | type[TrialRecord] | type[WindowRecord]


def column_names(record: RecordClass) -> tuple[str, ...]:
    """The fields of a record, in their order."""
    return tuple(each.name for each in dataclasses.fields(record))


def typed_frame(
    rows: pd.DataFrame | Sequence[Mapping[str, Any]], record: RecordClass
) -> pd.DataFrame:
    """Rows as a frame: int64 where a count must be there, float64 for other numbers, else words.

    Missing numbers become NaN and missing words None.

    Raises:
        ValueError: A value is not a number where one must be, or a word is not known.
        TypeError: The same.
    """
    names = column_names(record)
    if isinstance(rows, pd.DataFrame):
        frame = rows.loc[:, list(names)]
    else:
        frame = pd.DataFrame(list(rows), columns=list(names))
    hints = typing.get_type_hints(record)
    return pd.DataFrame({name: _typed(frame[name], hints[name]) for name in names})


def _typed(column: "pd.Series[Any]", hint: object) -> "pd.Series[Any]":
    if hint is int:
        return pd.to_numeric(column).astype("int64")
    if {int, float} & {hint, *typing.get_args(hint)}:
        return pd.to_numeric(column).astype("float64")
    words = column.astype("object")
    words = words.where(words.notna(), None)
    allowed = {w.value for kind in (hint, *typing.get_args(hint)) for w in _members(kind)}
    unknown = set(words.dropna()) - allowed if allowed else set()
    if unknown:
        message = f"{column.name} is {unknown.pop()!r}; allowed are {', '.join(sorted(allowed))}"
        raise ValueError(message)
    return words


def _members(kind: object) -> tuple[StrEnum, ...]:
    return tuple(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else ()
