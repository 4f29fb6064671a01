"""Parsing of `--space FILE.yaml`: the search space, with a list of values or a range for each axis.

    learning_rate: {low: 0.0001, high: 0.1, log: true}
    batch_size: {low: 32, high: 512, step: 32}
    optimizer: [adam, sgd]
    weight_decay: [0.0, 0.01]
    frozen: [true, false]
    encoder: [resnet18, mobilenetv3_small_100]

    tie: {learning_rate: sqrt(batch_size)}      the rates given apply at the smallest batch size

Or all setups one by one, where axes are coupled in some other way:

    setups:
      - {batch_size: 64, learning_rate: 0.001}
      - {batch_size: 256, learning_rate: 0.002, optimizer: sgd}

A range with a step is treated as a list. `frozen: true` trains only the classifier, on an encoder with
published weights or pretrained in the same trial; false trains both together. A scenario defines axes of
its own, see `study.scenario.Searchable`.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from study.axes.coupled import refuse_same, setups_of
from study.axes.kinds import KNOWN, AxisKind, is_cost_only, is_number
from study.errors import OptionError, refuse
from study.search.space.space import (
    MOST_LISTED,
    Axis,
    Range,
    Space,
    Value,
    listed_space,
    space_of,
)

FROZEN: Final = "frozen"
SETUPS: Final = "setups"
TIE: Final = "tie"
_SETUPS_EXAMPLE = "It takes YAML such as: {setups: [{batch_size: 64, learning_rate: 0.001}]}"
_TIE_EXAMPLE = "{learning_rate: sqrt(batch_size)}"


_SEARCHED: Final[Mapping[str, AxisKind]] = {
    **KNOWN,
    FROZEN: AxisKind(allowed="true, false", accepts=lambda v: isinstance(v, bool)),
}
"""Axes that can be searched in every scenario."""

_OF_A_SCENARIO = AxisKind(
    allowed="a number or a word", accepts=lambda v: is_number(v) or isinstance(v, str)
)
"""Kind of a scenario's own axes; the scenario itself checks the values."""

_RANGE_KEYS = ("low", "high", "step", "log")
_EXAMPLE = (
    "It takes YAML such as: {learning_rate: {low: 0.001, high: 0.1, log: true}, "
    "optimizer: [adam, sgd]}"
)


def read_space(
    path: Path,
    *,
    default: Mapping[str, Sequence[Value]],
    of_scenario: Sequence[str] = (),
    more_ties: Sequence[str] = (),
) -> Space:
    """Return the space of the default axes, extended and overridden by a YAML file.

    Args:
        path: The file.
        default: Values by name of the axes that the file does not mention.
        of_scenario: Names of the scenario's own axes.
        more_ties: The values of `--tie`.

    Raises:
        OptionError: The file cannot be read, a name is unknown, or a value is not allowed.
    """
    where = f"--space {path}"
    try:
        given: Any = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"{where} cannot be read: {error}. {_EXAMPLE}"
        raise OptionError(message) from error
    kinds = {**dict.fromkeys(of_scenario, _OF_A_SCENARIO), **_SEARCHED}
    if isinstance(given, dict) and set(given) == {SETUPS}:
        return listed_space(_setups(where, given[SETUPS], default, kinds))
    ties = given.pop(TIE, {}) if isinstance(given, dict) else {}
    if not isinstance(given, dict) or not all(
        isinstance(each, list | dict) for each in given.values()
    ):
        message = f"{where} holds no lists of values or ranges by name. {_EXAMPLE}"
        raise OptionError(message)
    for name in given:
        if name not in kinds:
            message = (
                f"{where} names {name}; known are {', '.join(kinds)}. What a scenario has of "
                "its own needs its --scenario."
            )
            raise OptionError(message)
    given = {
        name: _with_numbers(each) if kinds[name].is_number else each for name, each in given.items()
    }
    axes = [
        _axis(where, name, given.get(name, default.get(name)), kinds[name])
        for name in {**default, **given}
    ]
    space = Space(axes=tuple(axes))
    if not isinstance(ties, dict):
        refuse(f"{where}: {TIE} is {ties!r}", f"a function by name, such as {_TIE_EXAMPLE}")
    told = [*more_ties, *(f"{name}={function}" for name, function in ties.items())]
    return tied_space(space, told, where=where) if told else space


def tied_space(space: Space, ties: Sequence[str], *, where: str = "--tie") -> Space:
    """Return the space with some axes tied to others; see `study.axes.coupled.setups_of`.

    Raises:
        OptionError: A tie is malformed, makes two setups identical, or the space has a range.
    """
    if space.lists is None:
        name = next(axis.name for axis in space.axes if isinstance(axis, Range))
        message = f"{where}: {name} is a range, and ties take lists. Give it a step."
        raise OptionError(message)
    return listed_space(setups_of({axis.name: axis.values for axis in space.lists}, ties))


def _setups(
    where: str,
    given: Any,  # noqa: ANN401 - YAML's
    default: Mapping[str, Sequence[Value]],
    kinds: Mapping[str, AxisKind],
) -> list[dict[str, Value]]:
    """Return the setups of a list; an axis that one omits takes the only value of its option.

    Raises:
        OptionError: A name is unknown or missing, a value is not allowed, or two setups are identical.
    """
    if not isinstance(given, list) or not given or not all(isinstance(e, dict) for e in given):
        message = f"{where}: {SETUPS} holds no list of setups. {_SETUPS_EXAMPLE}"
        raise OptionError(message)
    names = dict.fromkeys([*default, *(name for setup in given for name in setup)])
    only = {name: values[0] for name, values in default.items() if len(values) == 1}
    found = []
    for number, setup in enumerate(given, start=1):
        row = {}
        for name in names:
            if name not in kinds:
                message = f"{where}: setup {number} names {name}; known are {', '.join(kinds)}."
                raise OptionError(message)
            if name not in setup and name not in only:
                message = f"{where}: setup {number} does not name {name}. Give each setup one."
                raise OptionError(message)
            value = setup.get(name, only.get(name))
            row[name] = _with_numbers(value) if kinds[name].is_number else value
            if not kinds[name].accepts(row[name]):
                refuse(f"{where}: setup {number} has {name} {value!r}", kinds[name].allowed)
        found.append(row)
    refuse_same(found, where=where)
    return found


def _axis(where: str, name: str, given: Any, kind: AxisKind) -> Axis | Range:  # noqa: ANN401 - YAML's
    if isinstance(given, dict):
        return _range(where, name, given, kind)
    for value in given:
        if not kind.accepts(value):
            refuse(f"{where}: {name} is {value!r}", kind.allowed)
    try:
        return _only(space_of({name: list(given)}))
    except OptionError as error:
        message = f"{where}: {error}"
        raise OptionError(message) from error


def _range(where: str, name: str, given: Mapping[Any, Any], kind: AxisKind) -> Axis | Range:
    def refuse_range(got: str, allowed: str) -> NoReturn:
        message = f"{where}: {name} {got}; {allowed}."
        raise OptionError(message)

    if not kind.is_number:
        refuse_range("is a range", f"allowed: a list of {kind.allowed}")
    if strange := [key for key in given if key not in _RANGE_KEYS]:
        refuse_range(f"has {strange[0]}", f"a range has {', '.join(_RANGE_KEYS)}")
    for key in ("low", "high"):
        if not kind.accepts(given.get(key)):
            refuse_range(f"has {key} {given.get(key)!r}", f"allowed: {kind.allowed}")
    low, high, log = given["low"], given["high"], given.get("log", False)
    if not low < high:
        refuse_range(f"is from {low} to {high}", "low must be less than high")
    if not isinstance(log, bool) or (log and low <= 0):
        refuse_range(f"has log {log!r} from {low}", "allowed: true above 0, or false")
    if "step" not in given:
        return Range(
            name=name, low=low, high=high, log=log, whole=kind.whole, cost_only=is_cost_only(name)
        )
    step = given["step"]
    if log or not _is_step(step, kind):
        whole = "a whole number" if kind.whole else "a number"
        refuse_range(f"has step {step!r} with log {log}", f"allowed: {whole} above 0, without log")
    return _stepped_axis(where, name, _stepped(low, high, step))


def _stepped_axis(where: str, name: str, values: list[float]) -> Axis | Range:
    if len(values) > MOST_LISTED:
        refuse(f"{where}: {name} has too small a step", f"up to {MOST_LISTED} values")
    return _only(space_of({name: values}))


def _is_step(step: object, kind: AxisKind) -> bool:
    is_whole = isinstance(step, int)
    return is_number(step) and (is_whole or not kind.whole) and float(str(step)) > 0


def _stepped(low: float, high: float, step: float) -> list[float]:
    """Return the values from `low` up to and including `high`; at most one more than allowed."""
    # The tolerance keeps `high` itself despite rounding.
    count = min(math.floor((high - low) / step + 1e-9) + 1, MOST_LISTED + 1)
    values = [low + i * step for i in range(count)]
    return [each if isinstance(each, int) else float(f"{each:.12g}") for each in values]


def _with_numbers(given: Any) -> Any:  # noqa: ANN401 - YAML's
    """Convert texts to numbers where possible: YAML 1.1 reads 1e-3, which has no point, as text."""
    if isinstance(given, dict):
        return {key: _with_numbers(each) for key, each in given.items()}
    if isinstance(given, list):
        return [_with_numbers(each) for each in given]
    try:
        return float(given) if isinstance(given, str) else given
    except ValueError:
        return given


def _only(space: Space) -> Axis | Range:
    return space.axes[0]
