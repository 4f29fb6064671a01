"""Rows of tables: the annotations of a record class are the only description of its columns.

msgspec reads them, converts rows to records and checks each value on the way. The parquet schema
that `study.store` writes and the data frames that `analysis` reads follow from `columns`.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Self

import msgspec
from msgspec import inspect


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        kind: Type of its values.
        may_be_missing: Whether a row may have None in it.
        may_be_absent: Whether a table may lack it, every value of it then being None.
        words: The only values that it may hold; empty where any is allowed.
    """

    name: str
    kind: Literal["integer", "number", "text"]
    may_be_missing: bool
    may_be_absent: bool
    words: tuple[str, ...] = ()


class Row:
    """A record that is a row of a table."""

    __slots__ = ()

    def to_row(self) -> dict[str, Any]:
        """Return the record as plain values, in the order of its fields."""
        row: dict[str, Any] = msgspec.to_builtins(self)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the record of a row; keys that are not fields are passed over.

        Raises:
            ValueError: A field is missing, a value has a wrong type, the row contradicts itself, or
                a word in it is not known.
        """
        whole = {each.name for each in columns(cls) if each.kind == "integer"}
        known = {name: _plain(value, whole=name in whole) for name, value in row.items()}
        try:
            return msgspec.convert(known, cls)
        except msgspec.ValidationError as error:
            message = f"this is no {cls.__name__}: {error}"
            raise ValueError(message) from error


def _plain(value: object, *, whole: bool) -> object:
    """Return a value as it was: data frames hold a missing one as NaN, and then others as floats."""
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return int(value) if whole and value.is_integer() else value


@functools.cache
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
