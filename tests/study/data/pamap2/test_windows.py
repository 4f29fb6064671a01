"""Windows, which cross no change of label, hole in time or long gap; short gaps are filled."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data.pamap2.windows import (
    NO_CLASS,
    WindowOptions,
    copy_windows,
    fill_short_gaps,
    find_windows,
    run_starts,
    window_starts,
)
from study.errors import OptionError


def _starts(rows: int, *at: int) -> npt.NDArray[np.bool_]:
    starts = np.zeros(rows, bool)
    starts[[0, *at]] = True
    return starts


def _filled(values: list[float], *at: int, longest: int = 2) -> list[float]:
    signals = np.array([values], np.float32)
    fill_short_gaps(signals, _starts(len(values), *at), longest)
    filled: list[float] = signals[0].tolist()
    return filled


NAN = float("nan")


def test_a_short_gap_becomes_a_straight_line() -> None:
    """Values inside a gap lie on the line between its neighbours."""
    expected = [0, 1, 2, 3, 3]

    assert expected == _filled([0, NAN, NAN, 3, 3])


@pytest.mark.parametrize(
    ("values", "runs"),
    [
        ([0, NAN, NAN, NAN, 4, 5], ()),
        ([NAN, 1, 2], ()),
        ([1, 2, NAN], ()),
        ([0, NAN, 2, 3], (1,)),
        ([0, NAN, 2, 3], (2,)),
        ([NAN, NAN], ()),
    ],
    ids=["long", "at the start", "at the end", "after a run", "before a run", "nothing known"],
)
def test_other_gaps_stay(values: list[float], runs: tuple[int, ...]) -> None:
    """A long gap, one at the edge of a run and one between two runs are not filled."""
    np.testing.assert_array_equal(values, _filled(values, *runs))


def test_each_gap_is_judged_separately() -> None:
    """A gap that is too long keeps no short one from being filled, before it or in another channel."""
    signals = np.array([[0, NAN, 2, NAN, NAN, NAN, 6], [0, 1, 2, NAN, 4, 5, 6]], np.float32)

    fill_short_gaps(signals, _starts(7), 2)

    np.testing.assert_array_equal([0, 1, 2, NAN, NAN, NAN, 6], signals[0])
    np.testing.assert_array_equal([0, 1, 2, 3, 4, 5, 6], signals[1])


def test_a_missing_row_starts_a_run() -> None:
    """A run begins where time jumps by more than one and a half rows."""
    time_s = np.array([0.00, 0.01, 0.02, 0.04, 0.05])

    starts = run_starts(np.zeros(5, int), time_s)

    assert starts.tolist() == [True, False, False, True, False]


labels_strategy = st.lists(
    st.tuples(st.sampled_from([NO_CLASS, 0, 1, 2]), st.integers(1, 40)), min_size=1, max_size=8
)


@given(
    bouts=labels_strategy,
    holes=st.sets(st.integers(0, 300)),
    window=st.integers(1, 20),
    step=st.integers(1, 20),
)
def test_windows_are_exactly_those_that_fit(
    bouts: list[tuple[int, int]], holes: set[int], window: int, step: int
) -> None:
    """Each stretch of usable rows within a run is cut from its first row on, and nothing else is."""
    labels = np.repeat([label for label, _ in bouts], [rows for _, rows in bouts])
    usable = labels != NO_CLASS
    usable[[row for row in holes if row < len(labels)]] = False
    starts = run_starts(labels, np.arange(len(labels)) / 100)
    options = WindowOptions(window_samples=window, step_samples=step)

    found = window_starts(usable, starts, options)

    expected, begin = [], 0
    for row in range(len(labels) + 1):
        if row == len(labels) or starts[row] or not usable[row]:
            expected += list(range(begin, row - window + 1, step))
            begin = row if row < len(labels) and usable[row] else row + 1
    assert expected == found.tolist()


def test_windows_overlap_by_half_by_default() -> None:
    """450 rows give windows of 200 at 0, 100 and 200."""
    found = window_starts(np.ones(450, bool), _starts(450), WindowOptions())

    assert found.tolist() == [0, 100, 200]


def test_windows_hold_the_rows_from_their_start() -> None:
    """A window's values are the recording's rows, channels first."""
    signals = np.arange(20, dtype=np.float32).reshape(2, 10)
    windows = np.empty((2, 2, 3), np.float32)

    copy_windows(signals, np.array([1, 7]), windows)

    assert windows.tolist() == [[[1, 2, 3], [11, 12, 13]], [[7, 8, 9], [17, 18, 19]]]


def test_a_filled_gap_is_part_of_windows_and_a_long_one_is_not() -> None:
    """Gap filling comes before cutting, and what stays missing divides the run."""
    signals = np.arange(60, dtype=np.float32).reshape(1, 60).copy()
    signals[0, 5:7] = np.nan
    signals[0, 25:35] = np.nan
    options = WindowOptions(window_samples=10, step_samples=5, short_gap_samples=2)

    first = find_windows(signals, np.zeros(60, np.int8), np.arange(60) / 100, options)

    assert first.tolist() == [0, 5, 10, 15, 35, 40, 45, 50]
    assert signals[0, 5:7].tolist() == [5, 6]


def test_impossible_options_are_refused() -> None:
    """A window of no samples is an option error."""
    with pytest.raises(OptionError, match="windows of 0 samples"):
        WindowOptions(window_samples=0)
