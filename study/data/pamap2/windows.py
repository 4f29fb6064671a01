"""Cutting of labelled recordings into windows for a network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from study.errors import OptionError

SHORT_GAP_SAMPLES = 20
"""Longest gap that is filled by linear interpolation: 0.2 s at 100 Hz, a tenth of a window."""

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]

NO_CLASS = -1
"""Label of rows that belong to no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """Settings for cutting recordings into windows.

    Attributes:
        window_samples: Length of a window, in samples.
        step_samples: Distance between the starts of two windows, in samples; 100, half the default window.
        short_gap_samples: Longest gap that is interpolated, in samples; no window contains a longer one.
    """

    window_samples: int = 200
    step_samples: int = 100
    short_gap_samples: int = SHORT_GAP_SAMPLES

    def __post_init__(self) -> None:
        """Refuse values that are not allowed.

        Raises:
            OptionError: A length is below 1, or the gap is negative.
        """
        if min(self.window_samples, self.step_samples) < 1 or self.short_gap_samples < 0:
            message = (
                f"windows of {self.window_samples} samples every {self.step_samples}, gaps up to "
                f"{self.short_gap_samples}; allowed: lengths from 1 and gaps from 0"
            )
            raise OptionError(message)


def run_starts(labels: npt.NDArray[np.integer], time_s: npt.NDArray[np.float64]) -> _Flags:
    """Mark the first row of each run, which is a stretch of one label without a gap in time.

    Args:
        labels: Label of each row; shape (rows,).
        time_s: Time stamps in seconds, evenly spaced but for gaps; shape (rows,).

    Returns:
        True for rows where a run begins; shape (rows,).
    """
    starts = np.ones(len(labels), bool)
    if len(labels) > 1:
        steps_s = np.diff(time_s)
        # The median step is the sampling period; a step over 1.5 periods means that a row is missing.
        starts[1:] = (labels[1:] != labels[:-1]) | (steps_s > 1.5 * np.median(steps_s))
    return starts


def fill_short_gaps(signals: _Floats, starts: _Flags, longest: int) -> None:
    """Fill short gaps by linear interpolation, in place.

    A gap is filled if it has at most `longest` rows and lies within one run with a value on
    either side. Nothing is extrapolated at the edges of a run.

    Args:
        signals: NaN where missing; shape (channels, rows).
        starts: True where a run begins; shape (rows,).
        longest: Length of the longest gap that is filled, in rows.
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
    """Return the numbers from 0 to length - 1 for each length in turn, concatenated."""
    ends = np.cumsum(lengths)
    counted: _Ints = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
    return counted


def window_starts(usable: _Flags, starts: _Flags, options: WindowOptions) -> _Ints:
    """Return the first row of each window; a window lies within one run and has only usable rows.

    Args:
        usable: True for rows that may be part of a window; shape (rows,).
        starts: True where a run begins; shape (rows,).
        options: Length and step of the windows.
    """
    rows = len(usable)
    if rows == 0:
        return np.empty(0, np.int64)
    begins = np.flatnonzero(usable & (starts | ~np.concatenate([[False], usable[:-1]])))
    # A usable stretch ends before the next row that is not usable or that begins another run.
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
    """Return the first row of each window of a recording, filling short gaps in `signals` in place.

    Args:
        signals: Sensor channels, NaN where missing; shape (channels, rows).
        labels: Class number of each row, or `NO_CLASS`; shape (rows,).
        time_s: Time stamps in seconds; shape (rows,).
        options: Settings for the windows.
    """
    starts = run_starts(labels, time_s)
    fill_short_gaps(signals, starts, options.short_gap_samples)
    usable = (labels != NO_CLASS) & np.isfinite(signals).all(axis=0)
    return window_starts(usable, starts, options)


def copy_windows(signals: _Floats, first: _Ints, windows: _Floats) -> None:
    """Copy the windows of a recording into an array.

    Args:
        signals: Sensor channels; shape (channels, rows).
        first: First row of each window; shape (windows,).
        windows: Array to fill; shape (windows, channels, window_samples).
    """
    if len(first):
        views = sliding_window_view(signals, windows.shape[2], axis=1)
        for channel, view in enumerate(views):
            windows[:, channel] = view[first]
