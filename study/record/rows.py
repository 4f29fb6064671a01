"""Rows of tables, whose columns are described by nothing but the annotations of a record class.

msgspec uses the annotations to convert rows to records and to validate each value. The parquet schema
that `study.store` writes and the data frames that `analysis` reads are derived from `columns`.
"""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Self

import msgspec
from msgspec import inspect

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    r"""Return a text without control characters, which could control the terminal that prints it.

    A results folder may come from somebody else. Tabs and line feeds are kept.

    >>> printable("\x1b]0;title\x07a board")
    ']0;titlea board'
    """
    return _CONTROL.sub("", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: Name of the column.
        kind: Type of its values.
        may_be_missing: Whether its value in a row may be None.
        may_be_absent: Whether a table may lack the column; all of its values are then None.
        words: The values allowed in it; empty where any value is.
    """

    name: str
    kind: Literal["integer", "number", "text"]
    may_be_missing: bool
    may_be_absent: bool
    words: tuple[str, ...] = ()


class Row:
    """Base of records that are rows of a table."""

    __slots__ = ()

    def to_row(self) -> dict[str, Any]:
        """Return the record as plain values, in the order of its fields."""
        row: dict[str, Any] = msgspec.to_builtins(self)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the record of a row; keys that are not fields are ignored.

        Rows may come from a data frame: NaN becomes None, and a whole float in an integer column, as
        data frames have where a value is missing, becomes an integer.

        Raises:
            ValueError: A field is missing, a value has a wrong type or is not among those allowed, or
                the row contradicts itself.
        """
        integers = _integers(cls)  # type: ignore[arg-type]  # mypy: a class is hashable
        known = {name: _plain(value, is_integer=name in integers) for name, value in row.items()}
        try:
            return msgspec.convert(known, cls)
        except msgspec.ValidationError as error:
            message = f"this is no {cls.__name__}: {error}"
            raise ValueError(message) from error


@cache
def _integers(record: type[Row]) -> frozenset[str]:
    return frozenset(each.name for each in columns(record) if each.kind == "integer")


def _plain(value: object, *, is_integer: bool) -> object:
    if type(value) is str:
        return sys.intern(value)  # rows repeat the same few strings, each parsed as a new object
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return int(value) if is_integer and value.is_integer() else value


def columns(record: type[Row]) -> tuple[Column, ...]:
    """Return the columns of a record class, in the order of its fields."""
    kind = inspect.type_info(record)
    if not isinstance(kind, inspect.DataclassType):
        message = f"{record.__name__} is not a dataclass; a record of rows must be one"
        raise TypeError(message)
    return tuple(_column(each) for each in kind.fields)


def _column(field: inspect.Field) -> Column:
    kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    (kind,) = (each for each in kinds if not isinstance(each, inspect.NoneType))
    words: tuple[str, ...] = ()
    if isinstance(kind, inspect.EnumType):
        members: type[Enum] = kind.cls
        words = tuple(str(each.value) for each in members)
    return Column(
        name=field.name,
        kind=_KINDS[type(kind)],
        may_be_missing=len(kinds) > 1,
        may_be_absent=not field.required and field.default is None,
        words=words,
    )


_KINDS: dict[type[inspect.Type], Literal["integer", "number", "text"]] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "text",
    inspect.EnumType: "text",
}
