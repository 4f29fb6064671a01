"""`--start`."""

import pytest

from study.errors import OptionError
from study.search.arms.start import starting_arms
from study.search.space.space import Axis, Choice

AXES = (
    Axis(name="batch_size", values=(64, 256)),
    Axis(name="learning_rate", values=(0.001, 0.1)),
)
ARMS: list[Choice] = [(64, 0.001), (64, 0.1), (256, 0.1)]


def test_arms_are_named_by_their_values_however_numbers_are_written() -> None:
    """What is left open is whatever comes first."""
    found = starting_arms(("batch_size=64,learning_rate=1e-1", "batch_size=256"), AXES, ARMS)

    assert found == ((64, 0.1), (256, 0.1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "momentum=0.9",
            "'momentum' is no axis of this search; allowed: batch_size, learning_rate",
        ),
        ("batch_size=65", "batch_size is '65'; allowed: one of 64, 256"),
        ("batch_size=256,learning_rate=0.001", "no setup has all of these values"),
    ],
)
def test_what_is_not_searched_is_refused(given: str, said: str) -> None:
    """With what is allowed."""
    with pytest.raises(OptionError, match=r"--start") as refused:
        starting_arms((given,), AXES, ARMS)

    assert said in str(refused.value)
