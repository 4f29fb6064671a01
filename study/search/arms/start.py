"""Parsing of `--start batch_size=256,learning_rate=0.01`: the arms that are tried first."""

from collections.abc import Sequence
from typing import NoReturn

from study.errors import OptionError
from study.search.space.space import Axis, Choice


def starting_arms(
    given: Sequence[str], axes: Sequence[Axis], arms: Sequence[Choice]
) -> tuple[Choice, ...]:
    """Return the named arms; where a text leaves axes open, the first arm that matches.

    Args:
        given: The values of `--start`, each in the form NAME=VALUE,NAME=VALUE.
        axes: Axes of the arms.
        arms: All arms.

    Raises:
        OptionError: A name or value is unknown, or no arm has all of the values.
    """
    return tuple(_arm(text, axes, arms) for text in given)


def _arm(text: str, axes: Sequence[Axis], arms: Sequence[Choice]) -> Choice:
    names = [axis.name for axis in axes]
    wanted: dict[int, object] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in names:
            _refuse(
                text, f"{name or part!r} is no axis of this search; allowed: {', '.join(names)}"
            )
        place = names.index(name)
        values = {str(each): each for each in axes[place].values}
        known = values.get(value, next((v for v in axes[place].values if _same(v, value)), None))
        if known is None:
            _refuse(text, f"{name} is {value!r}; allowed: one of {', '.join(values)}")
        wanted[place] = known
    found = next((arm for arm in arms if all(arm[i] == v for i, v in wanted.items())), None)
    if found is None:
        _refuse(text, "no setup has all of these values")
    return found


def _same(value: object, text: str) -> bool:
    """Return whether a text denotes a numeric value, in whatever notation."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return float(text) == value
    except ValueError:
        return False


def _refuse(text: str, why: str) -> NoReturn:
    message = f"--start {text}: {why}."
    raise OptionError(message)
