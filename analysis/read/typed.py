"""Data frames with the columns and types of a record, whatever wrote the rows.

A column of which every value is missing has no type of its own in JSON or parquet; here it has.
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
    """A study's table that answers a column of version 0.1; whatever is made of it is a plain data frame."""

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - all that pandas takes and gives
        """See `pd.DataFrame`.

        Raises:
            KeyError: There is no such column; of one of version 0.1 it says where that is now.
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
    typed = {
        each.name: (_words if each.kind == "text" else _numbers)(frame[each.name], each)
        for each in columns(record)
    }
    return pd.DataFrame(typed, index=frame.index)


def _numbers(values: "pd.Series[Any]", column: Column) -> npt.NDArray[Any]:
    if column.kind == "integer" and not column.may_be_missing:
        return pd.to_numeric(values).astype("int64").to_numpy()
    numbers = pd.to_numeric(values).to_numpy(dtype="float64", na_value=np.nan)
    # No record has an infinite one: it is none that was measured.
    return np.where(np.isinf(numbers), np.nan, numbers)


def _words(values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    codes, found = pd.factorize(values)  # each word once, not once a row: most stand in all rows
    words: list[Any] = list(found)
    if column.words:
        unknown = set(words) - set(column.words)
        if unknown:
            allowed = ", ".join(sorted(column.words))
            message = f"{column.name} is {unknown.pop()!r}; allowed are {allowed}"
            raise ValueError(message)
    else:
        words = [printable(str(each)) for each in words]
    # The code of a missing one is -1.
    all_words = np.array([*words, None], dtype=object)
    return pd.Series(all_words[codes], index=values.index, dtype="object")
