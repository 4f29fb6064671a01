"""Mean and standard deviation of repeats."""

from analysis.energy.spread import Spread


def test_one_repeat_has_no_deviation() -> None:
    """One value says nothing of how far others would lie."""
    spread = Spread.of([None, 3.0])

    assert spread is not None
    assert (spread.mean, spread.std) == (3.0, None)


def test_nothing_known_has_no_spread() -> None:
    """None is not 0."""
    assert Spread.of([None, None]) is None
