"""Cuts labelled recordings into windows that a network can learn from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from study.errors import OptionError

SHORT_GAP_SAMPLES = 20
"""Longest gap that is bridged by a straight line: 0.2 s at 100 Hz, a tenth of a window."""

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]

NO_CLASS = -1
"""Label of rows that are no part of any class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """Settings for cutting recordings into windows.

    Attributes:
        window_samples: Length of a window.
        step_samples: From the start of one to the start of the next; half a window by default.
        short_gap_samples: Longest gap that is interpolated; a longer one ends the run.
    """

    window_samples: int = 200
    step_samples: int = 100
    short_gap_samples: int = SHORT_GAP_SAMPLES

    def __post_init__(self) -> None:
        """Refuse what cannot be cut.

        Raises:
            OptionError: A length below 1, or a negative gap.
        """
        if min(self.window_samples, self.step_samples) < 1 or self.short_gap_samples < 0:
            message = (
                f"windows of {self.window_samples} samples every {self.step_samples}, gaps up to "
                f"{self.short_gap_samples}; allowed are lengths from 1 and gaps from 0"
            )
            raise OptionError(message)


def run_starts(labels: npt.NDArray[np.integer], time_s: npt.NDArray[np.float64]) -> _Flags:
    """Mark the first row of each run with one label and without a gap in time; shape (rows,).

    Args:
        labels: One label a row; shape (rows,).
        time_s: Evenly spaced but for holes; shape (rows,).
    """
    starts = np.ones(len(labels), bool)
    if len(labels) > 1:
        steps_s = np.diff(time_s)
        # The commonest step is the period; half a period more, and a row is missing.
        starts[1:] = (labels[1:] != labels[:-1]) | (steps_s > 1.5 * np.median(steps_s))
    return starts


def fill_short_gaps(signals: _Floats, starts: _Flags, longest: int) -> None:
    """Bridge gaps by straight lines, in place.

    A gap is filled where it has at most `longest` rows and lies within one run with a value on
    either side. No value is made up at the edges of a run.

    Args:
        signals: NaN where missing; shape (channels, rows).
        starts: True where a run begins; shape (rows,).
        longest: Rows of the longest gap that is filled.
    """
    run = np.cumsum(starts)
    for signal in signals:
        missing = np.flatnonzero(~np.isfinite(signal))
        apart = np.diff(missing) > 1
        first = missing[np.concatenate([[True], apart])[: len(missing)]]
        after = missing[np.concatenate([apart, [True]])[: len(missing)]] + 1
        inner = (first > 0) & (after < len(signal)) & (after - first <= longest)
        first, after = first[inner], after[inner]
        within = run[first - 1] == run[after]
        first, after = first[within], after[within]
        lengths = after - first
        rows = np.repeat(first, lengths) + _count_within(lengths)
        before, behind = np.repeat(first - 1, lengths), np.repeat(after, lengths)
        share = ((rows - before) / (behind - before)).astype(np.float32)
        signal[rows] = signal[before] + share * (signal[behind] - signal[before])


def _count_within(lengths: _Ints) -> _Ints:
    """0, 1, ... for each length, one after another."""
    ends = np.cumsum(lengths)
    counted: _Ints = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
    return counted


def window_starts(usable: _Flags, starts: _Flags, options: WindowOptions) -> _Ints:
    """First rows of all windows; each window lies within one run and has only usable rows.

    Args:
        usable: Rows that may be part of a window; shape (rows,).
        starts: True where a run begins; shape (rows,).
        options: How to cut.
    """
    rows = len(usable)
    if rows == 0:
        return np.empty(0, np.int64)
    begins = np.flatnonzero(usable & (starts | ~np.concatenate([[False], usable[:-1]])))
    # A stretch ends before the first row that is not usable or that begins another run.
    stops = np.flatnonzero(np.concatenate([~usable | starts, [True]]))
    ends = stops[np.searchsorted(stops, begins, side="right")]
    counts = np.maximum((ends - begins - options.window_samples) // options.step_samples + 1, 0)
    found: _Ints = np.repeat(begins, counts) + _count_within(counts) * options.step_samples
    return found


def find_windows(
    signals: _Floats,
    labels: npt.NDArray[np.integer],
    time_s: npt.NDArray[np.float64],
    options: WindowOptions,
) -> _Ints:
    """First rows of one recording's windows; short gaps in `signals` are filled in place.

    Args:
        signals: NaN where missing; shape (channels, rows).
        labels: Class numbers, or `NO_CLASS`; shape (rows,).
        time_s: Time stamps; shape (rows,).
        options: How to cut.
    """
    starts = run_starts(labels, time_s)
    fill_short_gaps(signals, starts, options.short_gap_samples)
    usable = (labels != NO_CLASS) & np.isfinite(signals).all(axis=0)
    return window_starts(usable, starts, options)


def copy_windows(signals: _Floats, first: _Ints, windows: _Floats) -> None:
    """Copy windows out of a recording.

    Args:
        signals: Shape (channels, rows).
        first: First row of each window; shape (windows,).
        windows: Where to; shape (windows, channels, window_samples).
    """
    if len(first):
        views = sliding_window_view(signals, windows.shape[2], axis=1)
        for channel, view in enumerate(views):
            windows[:, channel] = view[first]
