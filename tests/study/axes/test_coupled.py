"""Coupled axes, and the check for identical setups."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.axes.coupled import refuse_same, setups_of
from study.errors import OptionError

AXES = {"batch_size": (64, 256), "learning_rate": (0.001, 0.01), "optimizer": ("adam",)}


def test_setups_are_all_combinations() -> None:
    """The first axis is the outermost loop."""
    setups = setups_of({"batch_size": (64, 256), "learning_rate": (0.1, 0.01)})

    assert [tuple(each.values()) for each in setups] == [
        (64, 0.1),
        (64, 0.01),
        (256, 0.1),
        (256, 0.01),
    ]


@pytest.mark.parametrize(("function", "factor"), [("sqrt", 2.0), ("linear", 4.0)])
def test_a_tied_value_grows_with_the_other_axis(function: str, factor: float) -> None:
    """The given value belongs to the smallest value of the other axis, in whatever order that is given."""
    axes = {"batch_size": (256, 64), "learning_rate": (0.001,)}

    large, small = setups_of(axes, (f"learning_rate={function}(batch_size)",))

    assert small == {"batch_size": 64, "learning_rate": 0.001}
    assert large == {"batch_size": 256, "learning_rate": 0.001 * factor}


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6, unique=True))
def test_a_tie_keeps_the_number_of_setups(sizes: list[int]) -> None:
    """Each batch size keeps one setup, whose rate grows with the root of the batch size."""
    setups = setups_of(
        {"batch_size": sizes, "learning_rate": (0.01,)}, ("learning_rate=sqrt(batch_size)",)
    )

    for size, setup in zip(sizes, setups, strict=True):
        assert setup["learning_rate"] == pytest.approx(0.01 * math.sqrt(size / min(sizes)))


@pytest.mark.parametrize(
    ("tie", "message"),
    [
        ("learning_rate", "NAME=sqrt"),
        ("learning_rate=cube(batch_size)", "NAME=sqrt"),
        ("learning_rate=sqrt(optimizer)", "names optimizer; allowed: axes of numbers"),
        ("momentum=sqrt(batch_size)", "names momentum"),
        ("learning_rate=sqrt(learning_rate)", "not tied itself"),
    ],
)
def test_an_invalid_tie_is_refused(tie: str, message: str) -> None:
    """The error says what was given and what is allowed."""
    with pytest.raises(OptionError, match=message):
        setups_of(AXES, (tie,))


@pytest.mark.parametrize(
    "second",
    [
        "batch_size=sqrt(learning_rate)",
        "learning_rate=linear(batch_size)",
        "learning_rate=sqrt(warmup)",
    ],
)
def test_circular_and_repeated_ties_are_refused(second: str) -> None:
    """An axis is tied once, and only to one that is not tied itself."""
    axes = {**AXES, "warmup": (1, 2)}

    with pytest.raises(OptionError, match="to tie each axis once"):
        setups_of(axes, ("learning_rate=sqrt(batch_size)", second))


def test_a_tie_that_makes_two_setups_identical_is_refused() -> None:
    """Rates that are equal once rounded give identical setups; the message has both numbers and the values."""
    axes = {"batch_size": (64, 256), "learning_rate": (0.1, 0.1 + 1e-15)}

    with pytest.raises(
        OptionError, match=r"setups 1 and 2 are one \(batch_size 64, learning_rate 0\.1\)"
    ):
        setups_of(axes, ("learning_rate=sqrt(batch_size)",))


def test_identical_setups_are_refused() -> None:
    """The message names the pair by number, and their values."""
    with pytest.raises(OptionError, match=r"here: setups 1 and 3 are one \(a 1\)"):
        refuse_same([{"a": 1}, {"a": 2}, {"a": 1}], where="here")
