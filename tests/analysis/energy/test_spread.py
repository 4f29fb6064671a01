"""Mean, standard deviation and interval of repeats."""

from hypothesis import example, given
from hypothesis import strategies as st

from analysis.energy.spread import Interval, Spread

VALUES = st.lists(st.floats(min_value=0, max_value=1e9), min_size=2, max_size=12)


def test_one_repeat_has_neither_deviation_nor_interval() -> None:
    """One value says nothing of how far others would lie."""
    spread = Spread.of([None, 3.0])

    assert spread is not None
    assert (spread.mean, spread.std, spread.interval) == (3.0, None, None)


def test_nothing_known_has_no_spread() -> None:
    """None is not 0."""
    assert Spread.of([None, None]) is None


def test_the_interval_of_three_repeats_reaches_from_end_to_end() -> None:
    """Of the 27 resamples of 1, 2, 6 one is all 1 and one all 6: 3.7 % each, more than 2.5 %."""
    spread = Spread.of([1.0, 2.0, 6.0])

    assert spread is not None
    assert spread.interval == Interval(low=1.0, high=6.0)


def test_the_interval_of_four_repeats_is_worked_out_from_all_resamples() -> None:
    """0, 0, 0, 8: of 256 resamples 1 has four 8s, 12 have three: 5.1 % reach 6, 0.4 % reach 8."""
    spread = Spread.of([0.0, 0.0, 0.0, 8.0])

    assert spread is not None
    assert spread.interval == Interval(low=0.0, high=6.0)


def test_two_equal_repeats_have_an_interval_without_length() -> None:
    """Nothing was seen to vary."""
    spread = Spread.of([2.0, 2.0])

    assert spread is not None
    assert spread.interval == Interval(low=2.0, high=2.0)


@given(VALUES)
@example([357913941.6182655] * 3)
def test_the_interval_lies_within_what_was_seen(values: list[float]) -> None:
    """And it is the same each time: the resamples are enumerated or seeded."""
    spread = Spread.of(values)

    assert spread is not None
    interval = spread.interval
    assert interval is not None
    assert min(values) <= interval.low <= interval.high <= max(values)
    assert spread.interval == interval
