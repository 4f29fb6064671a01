"""The space of a search: axes, and the setups that they span.

An axis is a list of values, or a range of numbers. Where all are lists there are so many setups and
no more; they are numbered beforehand. With a range, setups are numbered as they are proposed.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from study.axes.kinds import POWER_LIMIT, is_cost_only, is_number
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
        cost_only: Whether its values change time and energy of an epoch, and not what is learnt.
    """

    name: str
    values: tuple[Value, ...]
    cost_only: bool = field(default=False, repr=False)  # Optuna's study keeps what is printed

    @property
    def is_ordered(self) -> bool:
        """Return whether its values are numbers, so that neighbours are alike."""
        return all(is_number(value) for value in self.values)

    def nearest(self, value: Value) -> int:
        """Index of the value nearest to a given one: by ratio, or by difference from 0 on.

        Raises:
            OptionError: The axis has words, and the value is none of them.
        """
        if value in self.values:
            return self.values.index(value)
        if not self.is_ordered or not is_number(value):
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
        cost_only: As of an `Axis`.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool
    cost_only: bool = field(default=False, repr=False)

    def holds(self, value: Value) -> bool:
        """Return whether a value lies in it."""
        if not is_number(value) or (self.whole and not isinstance(value, int)):
            return False
        return self.low <= float(value) <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Axes, in the order in which they were given.

    Attributes:
        axes: What is chosen.
        only: The setups that there are, where not every combination of values is one; None for all.
    """

    axes: tuple[Axis | Range, ...]
    only: tuple[Choice, ...] | None = None

    @property
    def lists(self) -> tuple[Axis, ...] | None:
        """The axes, where all of them are lists of values; None where one is a range."""
        found = tuple(axis for axis in self.axes if isinstance(axis, Axis))
        return found if len(found) == len(self.axes) else None

    @property
    def is_listed(self) -> bool:
        """Return whether all setups are known beforehand."""
        return self.only is not None or (self.lists is not None and self.size <= MOST_LISTED)

    @property
    def size(self) -> float:
        """Number of setups; infinite with a range."""
        if self.only is not None:
            return len(self.only)
        return math.inf if self.lists is None else math.prod(len(a.values) for a in self.lists)

    def holds(self, choice: Choice) -> bool:
        """Return whether a setup is one of the space's."""
        if self.only is not None:
            return choice in self.only
        return len(choice) == len(self.axes) and all(
            axis.holds(value) if isinstance(axis, Range) else value in axis.values
            for axis, value in zip(self.axes, choice, strict=True)
        )

    def indices(self, number: int) -> tuple[int, ...]:
        """Indices of values of the setup with a number from 0; the last axis is the innermost."""
        if self.only is not None:
            lists, choice = self._only_lists(), self.only[number]
            return tuple(a.values.index(v) for a, v in zip(lists, choice, strict=True))
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

    @property
    def power_limits_w(self) -> frozenset[float]:
        """The power limits that it has: a list, or the ends of a range."""
        limits = (axis for axis in self.axes if axis.name == POWER_LIMIT)
        return frozenset(
            float(each)
            for axis in limits
            for each in ((axis.low, axis.high) if isinstance(axis, Range) else axis.values)
        )

    def learnt(self, choice: Choice) -> Choice:
        """Return what a setup has chosen on the axes that change learning; setups alike in it share curves."""
        return tuple(
            value for axis, value in zip(self.axes, choice, strict=True) if not axis.cost_only
        )

    def _only_lists(self) -> tuple[Axis, ...]:
        if self.lists is None:
            message = "setups of a range have no numbers"
            raise TypeError(message)
        return self.lists


def space_of(values: Mapping[str, Sequence[Value]], *, cost_only: Collection[str] = ()) -> Space:
    """A space from values by name; numbers are put in order.

    Args:
        values: By the name of the axis.
        cost_only: Axes that change cost and not learning, beside those that are known to.

    Raises:
        OptionError: An axis has no value, or one twice.
    """
    axes = []
    for name, given in values.items():
        if not given or len(set(given)) < len(given):
            message = f"{name} has {list(given)}; allowed is one value or more, each once."
            raise OptionError(message)
        is_cost = name in cost_only or is_cost_only(name)
        axes.append(Axis(name=name, values=_in_order(given), cost_only=is_cost))
    return Space(axes=tuple(axes))


def listed_space(setups: Sequence[Mapping[str, Value]]) -> Space:
    """The space of given setups, each a value by the name of each axis, and no other."""
    names = list(setups[0])
    values = {name: list(dict.fromkeys(each[name] for each in setups)) for name in names}
    only = tuple(tuple(each[name] for name in names) for each in setups)
    return replace(space_of(values), only=only)


def _in_order(values: Sequence[Value]) -> tuple[Value, ...]:
    if all(is_number(value) for value in values):
        return tuple(sorted(values, key=float))
    return tuple(values)


def _gap(one: float, other: float) -> float:
    if one > 0 and other > 0:
        return abs(math.log(one / other))
    return abs(one - other)
