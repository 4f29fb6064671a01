"""Coupled axes, `--tie NAME=sqrt(OTHER)`, and the check for setups that become identical.

--tie learning_rate=sqrt(batch_size)        the rates given are those of the smallest batch size
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from study.axes.kinds import KNOWN
from study.errors import OptionError, refuse

FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "sqrt": math.sqrt,
    "linear": lambda ratio: ratio,
}
"""Functions of a tie: from the ratio of the other axis to its smallest value, to the tied value's factor."""

DIGITS: Final = 12
"""Significant digits that a tied value is rounded to: 0.002 instead of 0.0020000000000000005."""

_TIE = re.compile(r"(?P<name>\w+)=(?P<function>\w+)\((?P<other>\w+)\)")

Setup = dict[str, Any]
"""Values by the name of the axis."""


def setups_of(axes: Mapping[str, Sequence[Any]], ties: Sequence[str] = ()) -> list[Setup]:
    """Return all setups of a grid; the last axis is the innermost.

    Args:
        axes: Values of each axis by its name.
        ties: The values of `--tie`.

    Raises:
        OptionError: A tie is malformed, names something other than an axis of positive numbers, or makes
            two setups identical.
    """
    setups = [dict(zip(axes, each, strict=True)) for each in itertools.product(*axes.values())]
    tied: set[str] = set()
    for text in ties:
        name, factor = _tie(text, axes, tied)
        tied.add(name)
        for setup in setups:
            setup[name] = _tied(text, name, setup[name] * factor(setup))
    refuse_same(setups, where=f"--tie {' '.join(ties)}")
    return setups


def refuse_same(setups: Sequence[Setup], *, where: str) -> None:
    """Refuse setups of which two are identical.

    Raises:
        OptionError: Two setups are identical; the message names the first such pair.
    """
    known: dict[frozenset[tuple[str, Any]], int] = {}
    for number, setup in enumerate(setups, start=1):
        first = known.setdefault(frozenset(setup.items()), number)
        if first != number:
            words = ", ".join(f"{name} {value}" for name, value in setup.items())
            message = (
                f"{where}: setups {first} and {number} are one ({words}). Leave a value out, or give "
                "values that stay apart."
            )
            raise OptionError(message)


def _tie(
    text: str, axes: Mapping[str, Sequence[Any]], tied: set[str]
) -> tuple[str, Callable[[Setup], float]]:
    """Parse a tie into the axis that it scales and a function that gives its factor in a setup.

    Raises:
        OptionError: The tie is malformed, names an unsuitable axis, or one that is tied already.
    """
    match = _TIE.fullmatch(text.replace(" ", ""))
    if match is None or match["function"] not in FUNCTIONS:
        forms = " or ".join(f"NAME={each}(OTHER)" for each in FUNCTIONS)
        refuse(f"--tie is {text!r}", f"{forms}, such as learning_rate=sqrt(batch_size)")
    name, other = match["name"], match["other"]
    for each in (name, other):
        if each not in axes or not all(_is_above_0(value) for value in axes[each]):
            numbers = [n for n, values in axes.items() if all(map(_is_above_0, values))]
            refuse(f"--tie {text} names {each}", f"axes of numbers above 0: {', '.join(numbers)}")
    if name == other or {name, other} & tied:
        refuse(f"--tie {text}", "to tie each axis once, to one that is not tied itself")
    function, least = FUNCTIONS[match["function"]], min(axes[other])
    return name, lambda setup: function(setup[other] / least)


def _tied(text: str, name: str, value: float) -> float:
    kind = KNOWN.get(name)
    whole = kind is not None and kind.whole
    found = round(value) if whole else float(f"{value:.{DIGITS}g}")
    if kind is not None and not kind.accepts(found):
        refuse(f"--tie {text} makes {name} {value:g}", kind.allowed)
    return found


def _is_above_0(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
