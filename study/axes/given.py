"""Parsing of `--axis NAME=V1,V2,...`: further axes of a study, those of its scenario included.

--axis precision=fp32,bf16 --axis compile=false,true        4 times as many setups
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Sequence
from typing import Any, Final

from study.axes.kinds import KNOWN, AxisKind
from study.errors import OptionError, refuse
from study.scenario import Configurable, Scenario, Searchable

OWN_OPTIONS: Final = {"batch_size": "--batch-sizes", "learning_rate": "--learning-rates"}
"""Axes that are set by an option of their own instead of `--axis`."""

_AXIS = re.compile(r"(?P<name>\w+)=(?P<values>[^,]+(,[^,]+)*)")


def split_axes(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Split the values of `--axis` into names and values, both as text.

    Raises:
        OptionError: One is malformed, is given twice, or has an option of its own.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        match = _AXIS.fullmatch(text.strip())
        if match is None:
            refuse(
                f"--axis is {text!r}", "NAME=V1,V2,... without spaces, such as precision=fp32,bf16"
            )
        name, values = match["name"], tuple(match["values"].split(","))
        if name in OWN_OPTIONS:
            message = f"--axis names {name}, which has an option of its own: {OWN_OPTIONS[name]}."
            raise OptionError(message)
        if name in found or len(set(values)) < len(values):
            refuse(f"--axis {text}", "each name once, and each value once")
        found[name] = values
        if name in KNOWN:
            _values_of_kind(name, values, KNOWN[name])
    return found


def further_axes(
    given: Sequence[str], scenario: Scenario, options: object = None
) -> dict[str, tuple[Any, ...]]:
    """Return the parsed values of `--axis` by the name of the axis.

    Args:
        given: The values of `--axis`.
        scenario: The scenario; its options and what it offers to a search are axes, too.
        options: The scenario's own options, an instance of its `options`; None for their defaults.

    Raises:
        OptionError: An axis is unknown, or a value is not allowed.
    """
    kinds = _kinds(scenario, options)
    found = {}
    for name, values in split_axes(given).items():
        if name not in kinds:
            known = [each for each in kinds if each not in OWN_OPTIONS]
            like = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {like[0]}?" if like else ""
            message = (
                f"--axis names {name}, which is unknown; allowed: {', '.join(known)} (axes "
                f"of every study, and those of scenario {scenario.name}).{hint}"
            )
            raise OptionError(message)
        found[name] = _values_of_kind(name, values, kinds[name])
    return found


def _kinds(scenario: Scenario, options: object) -> dict[str, AxisKind]:
    """Return the kinds of all axes that are possible with a scenario, by name."""
    kinds = dict(KNOWN)
    if isinstance(scenario, Configurable):
        of = scenario.options if options is None else type(options)
        hints = typing.get_type_hints(of)
        for each in dataclasses.fields(of):
            kinds[each.name] = _kind_of_option(hints[each.name])
    if isinstance(scenario, Searchable):
        anything = AxisKind(allowed="a number or a word", accepts=lambda _: True)
        kinds.update(dict.fromkeys(scenario.own_axes, anything))
    return kinds


def _kind_of_option(hint: object) -> AxisKind:
    """Return the kind of a scenario option's values, by its type hint; the option checks the rest itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next((each for each in typing.get_args(hint) if each is not type(None)), str)
    if typing.get_origin(hint) is typing.Literal:
        words = typing.get_args(hint)
        return AxisKind(allowed=", ".join(map(str, words)), accepts=lambda value: value in words)
    wanted = {bool: "true, false", int: "whole numbers", float: "numbers", str: "words"}
    if hint not in wanted:
        return AxisKind(allowed="nothing: its type is no single value", accepts=lambda _: False)
    return AxisKind(allowed=wanted[hint], accepts=lambda value: _is_of(hint, value))


def _is_of(kind: type, value: object) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return kind is str or type(value) is kind


def _values_of_kind(name: str, values: Sequence[str], kind: AxisKind) -> tuple[Any, ...]:
    found = tuple(map(_plain, values))
    for text, value in zip(values, found, strict=True):
        if not kind.accepts(value):
            refuse(f"--axis {name} is {text}", kind.allowed)
    if len(set(found)) < len(found):
        refuse(f"--axis {name}={','.join(values)}", "each value once")
    return found


def _plain(text: str) -> bool | int | float | str:
    """Parse a value as a bool or a number where possible; else return the text."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
