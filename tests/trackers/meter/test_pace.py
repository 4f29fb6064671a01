"""When power is sampled: often after a window's edge, then at the usual rate."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.meter.pace import DENSEST_S, JITTER, SHARE, Pace, dense_sampling_helps

PERIOD_S = 0.1


def samples(pace: Pace, start_s: float, stop_s: float, *, often: bool) -> list[tuple[float, bool]]:
    """When samples fall between two times, and whether everything was due."""
    now_s = start_s
    found: list[tuple[float, bool]] = []
    while True:
        now_s += pace.wait_s(now_s, often=often)
        if now_s >= stop_s:
            return found
        found.append((now_s, pace.all_are_due(now_s)))


@given(period_s=st.floats(min_value=0.01, max_value=10))
def test_everything_is_sampled_each_period(period_s: float) -> None:
    """On average, and never later than half a period after it was due."""
    pace = Pace(period_s)

    found = samples(pace, 1000.0, 1000.0 + 200 * period_s, often=False)

    assert len(found) == pytest.approx(200, rel=0.1)
    assert all(due for _, due in found)


def test_after_an_edge_some_are_sampled_more_often() -> None:
    """The gap between samples is the densest at first, and grows with the time since the edge."""
    pace = Pace(PERIOD_S)
    pace.edge(100.0)

    found = [time_s for time_s, _ in samples(pace, 100.0, 110.0, often=True)]

    gaps = [(b - a, a - 100.0) for a, b in itertools.pairwise(found)]
    for gap_s, age_s in gaps:
        assert gap_s <= (1 + JITTER) * min(PERIOD_S, max(DENSEST_S, SHARE * age_s)) + 1e-9
    assert sum(time_s < 100.4 for time_s in found) >= 12
    assert sum(105 < time_s < 110 for time_s in found) < 5 / PERIOD_S * 1.5


def test_before_any_edge_nothing_is_sampled_more_often() -> None:
    """There is no window of which a moment would be known better."""
    pace = Pace(PERIOD_S)

    assert pace.wait_s(5.0, often=True) >= (1 - JITTER) * PERIOD_S


def test_sampling_often_changes_nothing_for_the_others() -> None:
    """Everything is due each period all the same."""
    pace = Pace(PERIOD_S)
    pace.edge(0.0)

    found = samples(pace, 0.0, 20.0, often=True)

    assert sum(due for _, due in found) == pytest.approx(20 / PERIOD_S, rel=0.15)


@pytest.mark.parametrize(
    ("averaging_period_s", "has_counter", "refresh_s", "gains"),
    [
        (0.0, False, None, True),
        (0.0, True, 0.1, True),
        (0.0, True, 0.02, False),
        (0.0, True, None, False),
        (1.0, False, None, False),
    ],
)
def test_more_samples_are_taken_only_where_they_tell_something(
    *, averaging_period_s: float, has_counter: bool, refresh_s: float | None, gains: bool
) -> None:
    """Not where a counter knows better, and not of power that is a mean of a second."""
    found = dense_sampling_helps(
        averaging_period_s=averaging_period_s, has_counter=has_counter, refresh_s=refresh_s
    )

    assert found is gains
