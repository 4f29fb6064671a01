"""`--space FILE.yaml`: what is searched over, as a list of values or a range under each name.

    learning_rate: {low: 0.0001, high: 0.1, log: true}
    batch_size: {low: 32, high: 512, step: 32}
    optimizer: [adam, sgd]
    weight_decay: [0.0, 0.01]
    frozen: [true, false]
    encoder: [resnet18, mobilenetv3_small_100]

A range with a step is a list. `frozen: true` trains the classifier alone, on an encoder that was
published or is pretrained in the same trial; false trains both together. What a scenario has to
choose of its own (`encoder` of celeba) only it knows; see `study.scenario.Searchable`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from study.errors import OptionError
from study.search.space.space import MOST_LISTED, Axis, Range, Space, Value, space_of

FROZEN: Final = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Kind of values that an axis may have.

    Attributes:
        allowed: In words.
        accepts: Whether a value is allowed.
        is_number: Whether it can be a range, too.
        whole: Whether its numbers are whole.
    """

    allowed: str
    accepts: Callable[[Any], bool]
    is_number: bool = False
    whole: bool = False


KNOWN: Final[Mapping[str, Kind]] = {
    "batch_size": Kind(
        allowed="whole numbers from 1",
        accepts=lambda v: isinstance(v, int) and _is_number(v) and v >= 1,
        is_number=True,
        whole=True,
    ),
    "learning_rate": Kind(
        allowed="numbers above 0", accepts=lambda v: _is_number(v) and v > 0, is_number=True
    ),
    "optimizer": Kind(allowed="adam, adamw, sgd", accepts=lambda v: v in ("adam", "adamw", "sgd")),
    "weight_decay": Kind(
        allowed="numbers from 0", accepts=lambda v: _is_number(v) and v >= 0, is_number=True
    ),
    FROZEN: Kind(allowed="true, false", accepts=lambda v: isinstance(v, bool)),
}
"""What can be searched over in every scenario."""

_OF_A_SCENARIO = Kind(
    allowed="a number or a word", accepts=lambda v: _is_number(v) or isinstance(v, str)
)
"""The scenario itself says what its own axes may be."""

_RANGE_KEYS = ("low", "high", "step", "log")
_EXAMPLE = (
    "It takes YAML such as: {learning_rate: {low: 0.001, high: 0.1, log: true}, "
    "optimizer: [adam, sgd]}"
)


def read_space(
    path: Path, *, default: Mapping[str, Sequence[Value]], of_scenario: Sequence[str] = ()
) -> Space:
    """The default axes with those of a YAML file.

    Args:
        path: The file.
        default: Values by name, for what the file does not name.
        of_scenario: Further names that the scenario knows.

    Raises:
        OptionError: The file cannot be read, a name is not known, or a value not allowed.
    """
    try:
        given: Any = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"--space {path} cannot be read: {error}. {_EXAMPLE}"
        raise OptionError(message) from error
    if not isinstance(given, dict) or not all(
        isinstance(each, list | dict) for each in given.values()
    ):
        message = f"--space {path} holds no lists of values or ranges by name. {_EXAMPLE}"
        raise OptionError(message)
    kinds = {**dict.fromkeys(of_scenario, _OF_A_SCENARIO), **KNOWN}
    for name in given:
        if name not in kinds:
            message = (
                f"--space {path} names {name}; known are {', '.join(kinds)}. What a scenario has of "
                "its own (encoder of celeba) needs its --scenario."
            )
            raise OptionError(message)
    given = {
        name: _with_numbers(each) if kinds[name].is_number else each for name, each in given.items()
    }
    axes = [
        _axis(f"--space {path}", name, given.get(name, default.get(name)), kinds[name])
        for name in {**default, **given}
    ]
    return Space(axes=tuple(axes))


def _axis(where: str, name: str, given: Any, kind: Kind) -> Axis | Range:  # noqa: ANN401 - YAML's
    if isinstance(given, dict):
        return _range(where, name, given, kind)
    for value in given:
        if not kind.accepts(value):
            message = f"{where}: {name} is {value!r}; allowed is {kind.allowed}."
            raise OptionError(message)
    try:
        return _only(space_of({name: list(given)}))
    except OptionError as error:
        message = f"{where}: {error}"
        raise OptionError(message) from error


def _range(where: str, name: str, given: Mapping[Any, Any], kind: Kind) -> Axis | Range:
    def refuse(got: str, allowed: str) -> NoReturn:
        message = f"{where}: {name} {got}; {allowed}."
        raise OptionError(message)

    if not kind.is_number:
        refuse("is a range", f"allowed is a list of {kind.allowed}")
    if strange := [key for key in given if key not in _RANGE_KEYS]:
        refuse(f"has {strange[0]}", f"a range has {', '.join(_RANGE_KEYS)}")
    for key in ("low", "high"):
        if not kind.accepts(given.get(key)):
            refuse(f"has {key} {given.get(key)!r}", f"allowed is {kind.allowed}")
    low, high, log = given["low"], given["high"], given.get("log", False)
    if not low < high:
        refuse(f"is from {low} to {high}", "low must be less than high")
    if not isinstance(log, bool) or (log and low <= 0):
        refuse(f"has log {log!r} from {low}", "allowed is true above 0, or false")
    if "step" not in given:
        return Range(name=name, low=low, high=high, log=log, whole=kind.whole)
    step = given["step"]
    if log or not _is_step(step, kind):
        whole = "a whole number" if kind.whole else "a number"
        refuse(f"has step {step!r} with log {log}", f"allowed is {whole} above 0, without log")
    return _stepped_axis(where, name, _stepped(low, high, step))


def _stepped_axis(where: str, name: str, values: list[float]) -> Axis | Range:
    if len(values) > MOST_LISTED:
        message = f"{where}: {name} has too small a step; allowed are {MOST_LISTED} values."
        raise OptionError(message)
    return _only(space_of({name: values}))


def _is_step(step: object, kind: Kind) -> bool:
    is_whole = isinstance(step, int)
    return _is_number(step) and (is_whole or not kind.whole) and float(str(step)) > 0


def _stepped(low: float, high: float, step: float) -> list[float]:
    """All values from `low` on, `high` included where it is one; at most one more than allowed."""
    # The tolerance keeps `high` itself, as computed.
    count = min(math.floor((high - low) / step + 1e-9) + 1, MOST_LISTED + 1)
    values = [low + i * step for i in range(count)]
    return [each if isinstance(each, int) else float(f"{each:.12g}") for each in values]


def _with_numbers(given: Any) -> Any:  # noqa: ANN401 - YAML's
    """YAML 1.1 takes 1e-3, which has no point, for a word."""
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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
