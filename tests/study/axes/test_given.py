"""Axes and values that `--axis` accepts."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from study.axes.given import further_axes, split_axes
from study.errors import OptionError
from tests.end_to_end.scenarios import Tiny


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the scenario."""

    window: int | None = None
    share: float = 0.5
    flip: bool = False
    kind: Literal["a", "b"] = "a"


class WithOwnAxes(Tiny):
    """A scenario with options, and with an axis of its own."""

    options = Options
    own_axes = {"encoder": ("resnet",)}  # noqa: RUF012 - as in scenarios

    def configured(self, options: Options) -> "WithOwnAxes":  # noqa: ARG002
        """Return the scenario itself."""
        return self

    def offering(self, choices: Any) -> "WithOwnAxes":  # noqa: ANN401, ARG002
        """Return the scenario itself."""
        return self

    def chosen(self, data: Any, parameters: Any) -> Any:  # noqa: ANN401, ARG002
        """Return the data unchanged."""
        return data


def test_values_are_parsed() -> None:
    """Numbers become numbers, `true` and `false` become bools, and words stay words."""
    given = (
        "precision=fp32,bf16",
        "compile=false,true",
        "weight_decay=0,1e-3",
        "power_limit_w=200",
    )

    assert further_axes(given, Tiny()) == {
        "precision": ("fp32", "bf16"),
        "compile": (False, True),
        "weight_decay": (0, 0.001),
        "power_limit_w": (200,),
    }


def test_options_and_own_axes_of_a_scenario_are_axes() -> None:
    """The type of an option decides which values its axis accepts."""
    given = ("window=100,200", "share=0.5,1", "flip=true", "kind=a,b", "encoder=resnet,vit")

    found = further_axes(given, WithOwnAxes())

    assert found == {
        "window": (100, 200),
        "share": (0.5, 1),
        "flip": (True,),
        "kind": ("a", "b"),
        "encoder": ("resnet", "vit"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("precision", "allowed: NAME=V1,V2,..."),
        ("precision=", "allowed: NAME=V1,V2,..."),
        ("precision=fp32,fp32", "each value once"),
        ("precision=fp31", "--axis precision is fp31; allowed: fp32, tf32, bf16, fp16"),
        ("power_limit_w=-1", "watts above 0"),
        ("batch_size=8", "--batch-sizes"),
        ("learning_rate=8", "--learning-rates"),
    ],
)
def test_an_invalid_axis_is_refused(text: str, message: str) -> None:
    """The error says what is allowed, and needs no scenario."""
    with pytest.raises(OptionError, match=message):
        split_axes((text,))


def test_an_axis_is_given_once() -> None:
    """A second list of values for the same axis is refused."""
    with pytest.raises(OptionError, match="each name once"):
        split_axes(("compile=true", "compile=false"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("powerlimit=8", "powerlimit, which is unknown; .* Did you mean power_limit_w?"),
        ("window=wide", "allowed: whole numbers"),
        ("kind=c", "allowed: a, b"),
        ("flip=1", "allowed: true, false"),
    ],
)
def test_an_unknown_axis_or_value_is_refused(text: str, message: str) -> None:
    """The error says what is allowed, and suggests an axis of a similar name."""
    with pytest.raises(OptionError, match=message):
        further_axes((text,), WithOwnAxes())
