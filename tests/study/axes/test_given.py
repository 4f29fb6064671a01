"""`--axis`: which axes there are, and which values."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from study.axes.given import further_axes, split_axes
from study.errors import OptionError
from tests.end_to_end.scenarios import Tiny


@dataclass(frozen=True, kw_only=True)
class Options:
    """Of the scenario."""

    window: int | None = None
    share: float = 0.5
    flip: bool = False
    kind: Literal["a", "b"] = "a"


class Own(Tiny):
    """A scenario with options, and something that it offers."""

    options = Options
    own_axes = {"encoder": ("resnet",)}  # noqa: RUF012 - as scenarios have it

    def configured(self, options: Options) -> "Own":  # noqa: ARG002
        """Itself."""
        return self

    def offering(self, choices: Any) -> "Own":  # noqa: ANN401, ARG002
        """Itself."""
        return self

    def chosen(self, data: Any, parameters: Any) -> Any:  # noqa: ANN401, ARG002
        """The data."""
        return data


def test_values_are_what_their_axis_takes() -> None:
    """Numbers are numbers, true and false are neither, and words are words."""
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


def test_a_scenarios_options_and_offers_are_axes() -> None:
    """Each takes what its type says."""
    given = ("window=100,200", "share=0.5,1", "flip=true", "kind=a,b", "encoder=resnet,vit")

    found = further_axes(given, Own())

    assert found == {
        "window": (100, 200),
        "share": (0.5, 1),
        "flip": (True,),
        "kind": ("a", "b"),
        "encoder": ("resnet", "vit"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_a_bad_axis_is_named(text: str, said: str) -> None:
    """What was got, and what is allowed, before the scenario is looked at."""
    with pytest.raises(OptionError, match=said):
        split_axes((text,))


def test_an_axis_is_given_once() -> None:
    """Two lists of values for one name would hide each other."""
    with pytest.raises(OptionError, match="each name once"):
        split_axes(("compile=true", "compile=false"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("powerlimit=8", "powerlimit, which is unknown; .* Did you mean power_limit_w?"),
        ("window=wide", "allowed: whole numbers"),
        ("kind=c", "allowed: a, b"),
        ("flip=1", "allowed: true, false"),
    ],
)
def test_an_axis_that_nobody_knows_is_named(text: str, said: str) -> None:
    """With those that there are, and one of a like name."""
    with pytest.raises(OptionError, match=said):
        further_axes((text,), Own())
