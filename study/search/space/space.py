"""The space of a search: axes, and the setups that they span.

An axis is a list of values, or a range of numbers. Where all are lists there are so many setups and
no more; they are numbered beforehand. With a range, setups are numbered as they are proposed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from study.errors import OptionError

Value = int | float | str | bool
Choice = tuple[Value, ...]
"""One value for each axis, in the order of the axes."""

MOST_LISTED: Final = 1000
"""Setups that are numbered beforehand; of more, those that are proposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that is chosen.

    Attributes:
        name: Its name, as in records.
        values: What it can be; numbers rise.
    """

    name: str
    values: tuple[Value, ...]

    @property
    def is_ordered(self) -> bool:
        """Return whether its values are numbers, so that neighbours are alike."""
        return all(_is_number(value) for value in self.values)

    def nearest(self, value: Value) -> int:
        """Index of the value nearest to a given one: by ratio, or by difference from 0 on.

        Raises:
            OptionError: The axis has words, and the value is none of them.
        """
        if value in self.values:
            return self.values.index(value)
        if not self.is_ordered or not _is_number(value):
            allowed = ", ".join(map(str, self.values))
            message = f"{self.name} is {value}; allowed is one of {allowed}."
            raise OptionError(message)
        gaps = [_gap(float(each), float(value)) for each in self.values]
        return gaps.index(min(gaps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One number that is chosen from a range.

    Attributes:
        name: Its name, as in records.
        low: The least that it can be.
        high: The most.
        log: Whether samplers see its logarithm.
        whole: Whether it is a whole number.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool

    def holds(self, value: Value) -> bool:
        """Return whether a value lies in it."""
        if not _is_number(value) or (self.whole and not isinstance(value, int)):
            return False
        return self.low <= float(value) <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Axes, in the order in which they were given."""

    axes: tuple[Axis | Range, ...]

    @property
    def lists(self) -> tuple[Axis, ...] | None:
        """The axes, where all of them are lists of values; None where one is a range."""
        found = tuple(axis for axis in self.axes if isinstance(axis, Axis))
        return found if len(found) == len(self.axes) else None

    @property
    def is_listed(self) -> bool:
        """Return whether all setups are known beforehand."""
        return self.lists is not None and self.size <= MOST_LISTED

    @property
    def size(self) -> float:
        """Number of setups; infinite with a range."""
        return math.inf if self.lists is None else math.prod(len(a.values) for a in self.lists)

    def holds(self, choice: Choice) -> bool:
        """Return whether a setup is one of the space's."""
        return len(choice) == len(self.axes) and all(
            axis.holds(value) if isinstance(axis, Range) else value in axis.values
            for axis, value in zip(self.axes, choice, strict=True)
        )

    def indices(self, number: int) -> tuple[int, ...]:
        """Indices of values of the setup with a number from 0; the last axis is the innermost."""
        found = []
        for axis in reversed(self._only_lists()):
            number, index = divmod(number, len(axis.values))
            found.append(index)
        return tuple(reversed(found))

    def choice(self, indices: Sequence[int]) -> Choice:
        """The setup with these indices of values."""
        lists = self._only_lists()
        return tuple(axis.values[i] for axis, i in zip(lists, indices, strict=True))

    def named(self, choice: Choice) -> dict[str, Value]:
        """A setup as values by name."""
        return {axis.name: value for axis, value in zip(self.axes, choice, strict=True)}

    def _only_lists(self) -> tuple[Axis, ...]:
        if self.lists is None:
            message = "setups of a range have no numbers"
            raise TypeError(message)
        return self.lists


def space_of(values: Mapping[str, Sequence[Value]]) -> Space:
    """A space from values by name; numbers are put in order.

    Raises:
        OptionError: An axis has no value, or one twice.
    """
    axes = []
    for name, given in values.items():
        if not given or len(set(given)) < len(given):
            message = f"{name} has {list(given)}; allowed is one value or more, each once."
            raise OptionError(message)
        axes.append(Axis(name=name, values=_in_order(given)))
    return Space(axes=tuple(axes))


def _in_order(values: Sequence[Value]) -> tuple[Value, ...]:
    if all(_is_number(value) for value in values):
        return tuple(sorted(values, key=float))
    return tuple(values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _gap(one: float, other: float) -> float:
    if one > 0 and other > 0:
        return abs(math.log(one / other))
    return abs(one - other)
