"""Axes that are coupled."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.axes.coupled import refuse_same, setups_of
from study.errors import OptionError

AXES = {"batch_size": (64, 256), "learning_rate": (0.001, 0.01), "optimizer": ("adam",)}


def test_all_combinations_are_setups() -> None:
    """The first axis is the outermost."""
    setups = setups_of({"batch_size": (64, 256), "learning_rate": (0.1, 0.01)})

    assert [tuple(each.values()) for each in setups] == [
        (64, 0.1),
        (64, 0.01),
        (256, 0.1),
        (256, 0.01),
    ]


@pytest.mark.parametrize(("function", "factor"), [("sqrt", 2.0), ("linear", 4.0)])
def test_a_tied_value_grows_with_the_other_axis(function: str, factor: float) -> None:
    """What was given holds for the smallest value of the other, whatever the order."""
    axes = {"batch_size": (256, 64), "learning_rate": (0.001,)}

    large, small = setups_of(axes, (f"learning_rate={function}(batch_size)",))

    assert small == {"batch_size": 64, "learning_rate": 0.001}
    assert large == {"batch_size": 256, "learning_rate": 0.001 * factor}


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6, unique=True))
def test_a_tie_makes_as_many_setups_as_there_are(sizes: list[int]) -> None:
    """Each batch size keeps one setup for each rate, and the ratio is that of the root."""
    setups = setups_of(
        {"batch_size": sizes, "learning_rate": (0.01,)}, ("learning_rate=sqrt(batch_size)",)
    )

    for size, setup in zip(sizes, setups, strict=True):
        assert setup["learning_rate"] == pytest.approx(0.01 * math.sqrt(size / min(sizes)))


@pytest.mark.parametrize(
    ("tie", "said"),
    [
        ("learning_rate", "NAME=sqrt"),
        ("learning_rate=cube(batch_size)", "NAME=sqrt"),
        ("learning_rate=sqrt(optimizer)", "names optimizer; allowed: axes of numbers"),
        ("momentum=sqrt(batch_size)", "names momentum"),
        ("learning_rate=sqrt(learning_rate)", "not tied itself"),
    ],
)
def test_a_bad_tie_is_named(tie: str, said: str) -> None:
    """What was got, and what is allowed."""
    with pytest.raises(OptionError, match=said):
        setups_of(AXES, (tie,))


def test_an_axis_is_tied_once() -> None:
    """And not in a circle."""
    ties = ("learning_rate=sqrt(batch_size)", "batch_size=sqrt(learning_rate)")

    with pytest.raises(OptionError, match="to tie each axis once"):
        setups_of(AXES, ties)


def test_a_tie_that_makes_two_setups_one_is_refused() -> None:
    """Rates that differ by less than a tied value keeps; the message names both setups."""
    axes = {"batch_size": (64, 256), "learning_rate": (0.1, 0.1 + 1e-15)}

    with pytest.raises(OptionError, match="setups 1 and 2 are one"):
        setups_of(axes, ("learning_rate=sqrt(batch_size)",))


def test_setups_that_are_one_are_named() -> None:
    """By their numbers, and what they choose."""
    with pytest.raises(OptionError, match="here: setups 1 and 3 are one"):
        refuse_same([{"a": 1}, {"a": 2}, {"a": 1}], where="here")
