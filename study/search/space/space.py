"""Search space: axes, and the setups that they span.

An axis is a list of values or a range of numbers. Where all axes are lists (and not too long), the setups
are numbered in advance. With a range, setups are numbered as they are proposed.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from study.axes.kinds import POWER_LIMIT, is_cost_only, is_number
from study.errors import refuse

Value = int | float | str | bool
Choice = tuple[Value, ...]
"""One value for each axis, in the order of the axes."""

MOST_LISTED: Final = 1000
"""Maximum number of setups that are numbered in advance; in larger spaces only proposed ones are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis with a list of values.

    Attributes:
        name: Name of the axis, as in records.
        values: Its values; numbers are in ascending order.
        cost_only: Whether its values change only time and energy of an epoch, and not what is learnt.
    """

    name: str
    values: tuple[Value, ...]
    cost_only: bool = field(default=False, repr=False)  # Optuna's study stores the repr

    @property
    def is_ordered(self) -> bool:
        """Return whether its values are numbers, so that neighbouring values are similar."""
        return all(is_number(value) for value in self.values)

    def nearest(self, value: Value) -> int:
        """Return the index of the value nearest to a given one.

        Distance is the ratio of two positive numbers, otherwise the difference.

        Raises:
            OptionError: The values or the given one are not numbers, and it is not among them.
        """
        if value in self.values:
            return self.values.index(value)
        if not self.is_ordered or not is_number(value):
            allowed = ", ".join(map(str, self.values))
            refuse(f"{self.name} is {value}", f"one of {allowed}")
        gaps = [_gap(float(each), float(value)) for each in self.values]
        return gaps.index(min(gaps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An axis with a range of numbers.

    Attributes:
        name: Name of the axis, as in records.
        low: Lowest value.
        high: Highest value.
        log: Whether samplers use a logarithmic scale.
        whole: Whether its values are integers.
        cost_only: Whether its values change only time and energy of an epoch, and not what is learnt.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool
    cost_only: bool = field(default=False, repr=False)

    def holds(self, value: Value) -> bool:
        """Return whether the range contains a value."""
        if not is_number(value) or (self.whole and not isinstance(value, int)):
            return False
        return self.low <= float(value) <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The axes of a search, and the setups that they span.

    Attributes:
        axes: Axes, in the order in which they were given.
        allowed_choices: The setups of the space, where not every combination of values is one; None for all
            combinations.
    """

    axes: tuple[Axis | Range, ...]
    allowed_choices: tuple[Choice, ...] | None = None

    @property
    def lists(self) -> tuple[Axis, ...] | None:
        """The axes, if all of them are lists of values; None where one is a range."""
        found = tuple(axis for axis in self.axes if isinstance(axis, Axis))
        return found if len(found) == len(self.axes) else None

    @property
    def is_listed(self) -> bool:
        """Return whether all setups are numbered in advance."""
        return self.allowed_choices is not None or (
            self.lists is not None and self.size <= MOST_LISTED
        )

    @property
    def size(self) -> float:
        """Number of setups; infinite with a range."""
        if self.allowed_choices is not None:
            return len(self.allowed_choices)
        return math.inf if self.lists is None else math.prod(len(a.values) for a in self.lists)

    def holds(self, choice: Choice) -> bool:
        """Return whether the space contains a setup."""
        if self.allowed_choices is not None:
            return choice in self.allowed_choices
        return len(choice) == len(self.axes) and all(
            axis.holds(value) if isinstance(axis, Range) else value in axis.values
            for axis, value in zip(self.axes, choice, strict=True)
        )

    def indices(self, number: int) -> tuple[int, ...]:
        """Return the indices of the values of a setup, by its number from 0; the last axis is innermost."""
        if self.allowed_choices is not None:
            lists, choice = self._axis_lists(), self.allowed_choices[number]
            return tuple(a.values.index(v) for a, v in zip(lists, choice, strict=True))
        found = []
        for axis in reversed(self._axis_lists()):
            number, index = divmod(number, len(axis.values))
            found.append(index)
        return tuple(reversed(found))

    def choice(self, indices: Sequence[int]) -> Choice:
        """Return the setup with these indices of values."""
        lists = self._axis_lists()
        return tuple(axis.values[i] for axis, i in zip(lists, indices, strict=True))

    def named(self, choice: Choice) -> dict[str, Value]:
        """Return the values of a setup by the name of the axis."""
        return {axis.name: value for axis, value in zip(self.axes, choice, strict=True)}

    @property
    def power_limits_w(self) -> frozenset[float]:
        """Power limits of the space in watts: all values of a list, or the ends of a range."""
        limits = (axis for axis in self.axes if axis.name == POWER_LIMIT)
        return frozenset(
            float(each)
            for axis in limits
            for each in ((axis.low, axis.high) if isinstance(axis, Range) else axis.values)
        )

    def learning_part(self, choice: Choice) -> Choice:
        """Return the values of a setup on the axes that change learning; equal ones share learning curves."""
        return tuple(
            value for axis, value in zip(self.axes, choice, strict=True) if not axis.cost_only
        )

    def _axis_lists(self) -> tuple[Axis, ...]:
        if self.lists is None:
            message = "setups of a range have no numbers"
            raise TypeError(message)
        return self.lists


def space_of(values: Mapping[str, Sequence[Value]], *, cost_only: Collection[str] = ()) -> Space:
    """Return the space of all combinations of values; numbers are sorted.

    Args:
        values: Values by the name of the axis.
        cost_only: Further cost-only axes, in addition to the known ones.

    Raises:
        OptionError: An axis has no value, or has a value twice.
    """
    axes = []
    for name, given in values.items():
        if not given or len(set(given)) < len(given):
            refuse(f"{name} has {list(given)}", "one value or more, each once")
        is_cost = name in cost_only or is_cost_only(name)
        axes.append(Axis(name=name, values=_in_order(given), cost_only=is_cost))
    return Space(axes=tuple(axes))


def listed_space(setups: Sequence[Mapping[str, Value]]) -> Space:
    """Return the space of exactly the given setups, each with its values by the name of the axis."""
    names = list(setups[0])
    values = {name: list(dict.fromkeys(each[name] for each in setups)) for name in names}
    only = tuple(tuple(each[name] for name in names) for each in setups)
    return replace(space_of(values), allowed_choices=only)


def _in_order(values: Sequence[Value]) -> tuple[Value, ...]:
    if all(is_number(value) for value in values):
        return tuple(sorted(values, key=float))
    return tuple(values)


def _gap(one: float, other: float) -> float:
    if one > 0 and other > 0:
        return abs(math.log(one / other))
    return abs(one - other)
