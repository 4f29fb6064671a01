"""Mean and standard deviation of repeats."""

from analysis.energy.spread import Spread


def test_one_repeat_has_no_deviation() -> None:
    """A standard deviation needs two values."""
    spread = Spread.of([None, 3.0])

    assert spread is not None
    assert (spread.mean, spread.std) == (3.0, None)


def test_missing_values_alone_have_no_spread() -> None:
    """Missing values do not count as 0."""
    assert Spread.of([None, None]) is None
