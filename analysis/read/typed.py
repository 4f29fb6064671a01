"""Data frames with the columns and dtypes of a record, whatever wrote the rows.

In JSON or parquet a column whose values are all missing has no type; here it gets that of the record.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.record.migration import moved_column
from study.record.rows import Column, Row, columns, printable


@final
class StudyFrame(pd.DataFrame):
    """A study's table that names the replacement when a column of version 0.1 is asked for.

    Frames derived from it are plain data frames.
    """

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - all that pandas takes and gives
        """Index as `pd.DataFrame` does.

        Raises:
            KeyError: There is no such column; for one of version 0.1 the message names its replacement.
        """
        try:
            return super().__getitem__(key)
        except KeyError:
            asked = key if isinstance(key, list) else [key]
            lacking = [each for each in asked if isinstance(each, str) and each not in self]
            moved = [answer for each in lacking if (answer := moved_column(each))]
            if not moved:
                raise
            raise KeyError("; ".join(moved)) from None


def column_names(record: type[Row]) -> tuple[str, ...]:
    """Return the names of a record's columns, in the order of its fields."""
    return tuple(each.name for each in columns(record))


def lacking_columns(names: Sequence[str], record: type[Row]) -> list[str]:
    """Return the required columns of a record that are not among `names`."""
    return [
        each.name for each in columns(record) if each.name not in names and not each.may_be_absent
    ]


def typed_frame(
    rows: pd.DataFrame | Sequence[Mapping[str, Any]], record: type[Row]
) -> pd.DataFrame:
    """Convert rows to a frame: int64 for required integers, float64 for other numbers, object for words.

    Missing numbers become NaN and missing words None, also where the rows lack the column.

    Raises:
        ValueError: A value is not a number where one is required, or a word is not an allowed one.
        TypeError: A value is not a number where one is required.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    frame = frame.reindex(columns=list(column_names(record)))
    typed = {
        each.name: (_words if each.kind == "text" else _numbers)(frame[each.name], each)
        for each in columns(record)
    }
    return pd.DataFrame(typed, index=frame.index)


def _numbers(values: "pd.Series[Any]", column: Column) -> npt.NDArray[Any]:
    if column.kind == "integer" and not column.may_be_missing:
        return pd.to_numeric(values).astype("int64").to_numpy()
    numbers = pd.to_numeric(values).to_numpy(dtype="float64", na_value=np.nan)
    # No measurement is infinite, so no record holds such a number.
    return np.where(np.isinf(numbers), np.nan, numbers)


def _words(values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    codes, found = pd.factorize(
        values
    )  # each distinct word is handled once: most recur in every row
    words: list[Any] = list(found)
    if column.words:
        unknown = set(words) - set(column.words)
        if unknown:
            allowed = ", ".join(sorted(column.words))
            message = f"{column.name} is {unknown.pop()!r}; allowed: {allowed}"
            raise ValueError(message)
    else:
        words = [printable(str(each)) for each in words]
    # A missing value has the code -1, which indexes the None appended last.
    all_words = np.array([*words, None], dtype=object)
    return pd.Series(all_words[codes], index=values.index, dtype="object")
