"""What a search may choose from: axes with values, and the setups that they span."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from study.errors import OptionError

Value = int | float | str | bool
Choice = tuple[Value, ...]
"""One value for each axis, in the order of the axes."""

KNOWN: Final[Mapping[str, str]] = {
    "batch_size": "whole numbers from 1",
    "learning_rate": "numbers above 0",
    "optimizer": "adam, adamw, sgd",
    "weight_decay": "numbers from 0",
}
"""What can be searched over, with what is allowed."""

NEEDED = ("batch_size", "learning_rate")


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
        """Whether its values are numbers, so that neighbours are alike."""
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
class Space:
    """Axes, in the order of their names in `KNOWN` and then as given."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        """Number of setups."""
        return math.prod(len(axis.values) for axis in self.axes)

    def indices(self, number: int) -> tuple[int, ...]:
        """Indices of values of the setup with a number from 0; the last axis is the innermost."""
        found = []
        for axis in reversed(self.axes):
            number, index = divmod(number, len(axis.values))
            found.append(index)
        return tuple(reversed(found))

    def choice(self, indices: Sequence[int]) -> Choice:
        """The setup with these indices of values."""
        return tuple(axis.values[i] for axis, i in zip(self.axes, indices, strict=True))

    def named(self, choice: Choice) -> dict[str, Value]:
        """A setup as values by name."""
        return {axis.name: value for axis, value in zip(self.axes, choice, strict=True)}


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


def read_space(path: Path, *, default: Mapping[str, Sequence[Value]]) -> Space:
    """The default axes with those of a YAML file: a list of values under each name.

    Raises:
        OptionError: The file cannot be read, a name is not known, or a value not allowed.
    """
    try:
        given: Any = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"--space {path} cannot be read: {error}. {_example()}"
        raise OptionError(message) from error
    if not isinstance(given, dict) or not all(isinstance(each, list) for each in given.values()):
        message = f"--space {path} holds no lists of values by name. {_example()}"
        raise OptionError(message)
    for name, values in given.items():
        if name not in KNOWN:
            message = f"--space {path} names {name}; known are {', '.join(KNOWN)}."
            raise OptionError(message)
        for value in values:
            if not _is_allowed(name, value):
                message = f"--space {path}: {name} is {value!r}; allowed is {KNOWN[name]}."
                raise OptionError(message)
    return space_of({**default, **given})


def _is_allowed(name: str, value: object) -> bool:
    if name == "optimizer":
        return value in {"adam", "adamw", "sgd"}
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    if name == "batch_size":
        return isinstance(value, int) and value >= 1
    return value >= 0 if name == "weight_decay" else value > 0


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


def _example() -> str:
    return "It takes YAML such as: {learning_rate: [0.01, 0.001], optimizer: [adam, sgd]}"
