"""Generator of a synthetic PAMAP2 of any size, in the real on-disk format.

It exercises the real reader, and good setups score better on it than bad ones: each activity has its own
posture and rhythm, and each subject its own way of doing it (gain, sensor offsets, cadence, phase), so that
what is learnt from the training subjects applies only roughly to the held-out ones. Nobody was measured;
nothing about people can be learnt from it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from study.data.pamap2 import format as form
from study.errors import OptionError

GENERATOR_VERSION = 1
"""To be increased whenever the same seed gives other files."""

DEFAULT_ROWS = 30_000
LEAST_ROWS = 6_000
"""Fewest rows per subject; with fewer, an activity could be left without a whole window."""

_SHORT_SUBJECT = 109
_SHORT_ACTIVITY = 24
_SHORT_SHARE = 1 / 42
_LEAST_SHORT_ROWS = 600
_TRANSIENT_SHARE = 0.3
_FIRST_TIME_S = 8.38
_HEART_PERIOD_ROWS = 11
_HARMONICS = 3

_Floats = npt.NDArray[np.float32]


class _Style(NamedTuple):
    """Movement and pulse of an activity.

    Attributes:
        share: Relative share of the time that is not transient; shares are scaled to add up to 1.
        cadence_hz: Frequency of the movement; unimportant if hardly anything moves.
        motion_m_s2: Strength of the movement at hand, chest and ankle.
        tilt_deg: Angle between the vertical and the unit's axis, at hand, chest and ankle.
        heart_rate: Mean heart rate, in beats per minute.
    """

    share: float
    cadence_hz: float
    motion_m_s2: tuple[float, float, float]
    tilt_deg: tuple[float, float, float]
    heart_rate: float


# In the order in which the protocol has the activities done.
_STYLES = {
    1: _Style(1.0, 0.25, (0.2, 0.15, 0.1), (80, 88, 85), 70),
    2: _Style(1.0, 0.25, (0.3, 0.15, 0.1), (62, 15, 70), 78),
    3: _Style(1.0, 0.3, (0.4, 0.2, 0.15), (30, 8, 8), 85),
    17: _Style(1.2, 0.8, (2.0, 0.4, 0.2), (50, 12, 8), 90),
    16: _Style(1.0, 0.7, (2.5, 1.0, 1.2), (48, 25, 14), 100),
    12: _Style(0.8, 1.7, (2.6, 2.2, 5.0), (28, 14, 20), 122),
    13: _Style(0.8, 1.8, (2.6, 2.6, 5.5), (27, 9, 16), 118),
    4: _Style(1.2, 1.85, (2.8, 2.4, 6.0), (26, 8, 14), 108),
    7: _Style(1.1, 1.75, (4.2, 2.4, 5.8), (42, 10, 14), 118),
    6: _Style(1.0, 1.25, (1.2, 0.9, 3.6), (60, 38, 30), 120),
    5: _Style(0.8, 2.7, (8.0, 6.5, 13.0), (60, 10, 22), 155),
    24: _Style(0.7, 2.3, (7.0, 7.0, 10.0), (55, 6, 10), 160),
}
_STANDING_ABOUT = _Style(0, 0.6, (1.2, 0.8, 0.8), (40, 15, 20), 95)


def write_sample(data_dir: Path, *, rows_per_subject: int = DEFAULT_ROWS, seed: int = 0) -> Path:
    """Write nine synthetic subjects.

    Args:
        data_dir: A new or empty folder, or one that this function wrote.
        rows_per_subject: Number of rows (100 per second) of each subject but 109, who did only one activity
            and has fewer.
        seed: Seed of the generator; the same seed and size give the same files.

    Returns:
        The Protocol folder.

    Raises:
        OptionError: Too few rows, or the folder cannot be written or holds other files.
    """
    if rows_per_subject < LEAST_ROWS:
        message = (
            f"--rows-per-subject is {rows_per_subject}; allowed: {LEAST_ROWS} or more, so that "
            "every activity has whole windows"
        )
        raise OptionError(message)
    if data_dir.exists() and not data_dir.is_dir():
        message = f"--data-dir: {data_dir} is a file; give a new or empty folder"
        raise OptionError(message)
    if data_dir.is_dir() and any(data_dir.iterdir()) and not _is_ours(data_dir):
        message = (
            f"--data-dir: {data_dir} is not empty and holds no {form.SYNTHETIC_MARKER}, so it may "
            "hold real data; give a new or empty folder"
        )
        raise OptionError(message)
    protocol = data_dir / "Protocol"
    try:
        protocol.mkdir(parents=True, exist_ok=True)
        # Written first, so that a folder whose writing was interrupted is marked as synthetic too.
        (data_dir / form.SYNTHETIC_MARKER).write_text(
            "Synthetic data in the format of PAMAP2, written by `python -m study.data sample "
            f"pamap2 --rows-per-subject {rows_per_subject} --seed {seed}` "
            f"(generator {GENERATOR_VERSION}).\nNobody was measured. While this file is here, "
            "results from this folder say `data: synthetic`.\n",
            encoding="utf-8",
        )
        for subject in form.SUBJECTS:
            rows = rows_per_subject
            if subject == _SHORT_SUBJECT:
                rows = max(_LEAST_SHORT_ROWS, round(rows_per_subject * _SHORT_SHARE))
            with (protocol / form.file_name(subject)).open("wb") as file:
                _write_subject(file, subject=subject, rows=rows, seed=seed)
    except OSError as error:
        message = f"--data-dir: cannot write to {data_dir}: {error}. Choose another folder."
        raise OptionError(message) from error
    return protocol


def _is_ours(data_dir: Path) -> bool:
    return (data_dir / form.SYNTHETIC_MARKER).is_file()


def _write_subject(file: BinaryIO, *, subject: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng([GENERATOR_VERSION, seed, subject])
    person = _Person(rng)
    first_row = 0
    for activity, bout_rows in _timetable(subject, rows):
        table = np.empty((bout_rows, form.COLUMNS), np.float32)
        style = _STYLES.get(activity, _STANDING_ABOUT)
        table[:, 2] = _heart_rate(style, first_row, bout_rows, rng)
        _fill_units(table, activity, style, person, rng)
        _drop_packets(table, rng)
        _write_rows(file, first_row, activity, table)
        first_row += bout_rows


def _timetable(subject: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield activity and number of rows of each bout, with a transient one before, between and after."""
    activities = (_SHORT_ACTIVITY,) if subject == _SHORT_SUBJECT else tuple(_STYLES)
    transient_rows = int(rows * _TRANSIENT_SHARE / (len(activities) + 1))
    shares = np.cumsum([_STYLES[activity].share for activity in activities])
    busy_rows = rows - transient_rows * (len(activities) + 1)
    edges = np.round(np.concatenate([[0], shares / shares[-1]]) * busy_rows).astype(int)
    for activity, bout_rows in zip(activities, np.diff(edges), strict=True):
        yield form.TRANSIENT, transient_rows
        yield activity, int(bout_rows)
    yield form.TRANSIENT, transient_rows


class _Person:
    """Traits of one subject, drawn once.

    Attributes:
        gain: Factor of the movement's strength at each unit; shape (3,).
        offset: Offset of the 9 sensor axes of each unit, in units of the sensors' noise; shape (3, 9).
        tilt_deg: Tilt of each unit as it was strapped on, in degrees; shape (3,).
        roll: Rotation of each unit about the limb, in radians; shape (3,).
        pace: Factor of the cadence.
        phase: Phase of the movement at each unit, in radians; shape (3,).
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.gain = np.exp(rng.normal(0, 0.2, 3))
        self.offset = rng.normal(0, 0.15, (3, 9))
        self.tilt_deg = rng.normal(0, 7, 3)
        self.roll = rng.normal(0, 0.25, 3)
        self.pace = np.exp(rng.normal(0, 0.06))
        self.phase = rng.normal(0, 0.35, 3)


def _heart_rate(style: _Style, first_row: int, rows: int, rng: np.random.Generator) -> _Floats:
    """Return whole beats per minute about nine times a second, NaN between; shape (rows,)."""
    beats = np.round(style.heart_rate + rng.normal(0, 2, rows)).astype(np.float32)
    beats[(first_row + np.arange(rows)) % _HEART_PERIOD_ROWS != 0] = np.nan
    return beats


def _fill_units(
    table: _Floats, activity: int, style: _Style, person: _Person, rng: np.random.Generator
) -> None:
    """Fill the three units' columns of `table`, which has shape (rows, 54)."""
    rows = len(table)
    # The pattern of an activity is the same for all subjects and seeds.
    signature = np.random.default_rng([GENERATOR_VERSION, activity])
    shape = signature.normal(0, 1, (len(form.UNITS), 2 * _HARMONICS, 9)) / np.repeat(
        1.0 / np.array([1.0, 0.6, 0.35]), 2
    ).reshape(-1, 1)
    cadence_hz = style.cadence_hz * person.pace * np.exp(rng.normal(0, 0.03))
    sway = np.cumsum(rng.normal(0, 0.012, rows))
    turn = 2 * np.pi * cadence_hz * np.arange(rows) / form.RATE_HZ + sway
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.02, rows))
    for unit in range(len(form.UNITS)):
        angle = turn + person.phase[unit]
        waves = np.stack(
            [wave(k * angle) for k in range(1, _HARMONICS + 1) for wave in (np.sin, np.cos)], axis=1
        )
        strength = style.motion_m_s2[unit] * person.gain[unit]
        tilt = np.deg2rad(style.tilt_deg[unit] + person.tilt_deg[unit] + rng.normal(0, 4))
        roll = person.roll[unit]
        down = np.array([np.cos(tilt), np.sin(tilt) * np.cos(roll), np.sin(tilt) * np.sin(roll)])
        scale = np.repeat([1.5, 0.15, 8.0], 3)
        signals = person.offset[unit] * scale + rng.normal(0, 1, (rows, 9)) * scale * 1.0
        moves = (waves @ shape[unit]) * strength / 2.5
        signals[:, :3] += 9.81 * down + moves[:, :3]
        signals[:, 3:6] += 0.3 * moves[:, 3:6]
        north = np.stack([np.cos(heading), np.sin(heading), np.full(rows, 0.8)], axis=1)
        signals[:, 6:] += 30 * (north * down - 0.4 * down[::-1]) + moves[:, 6:]
        first = form.FIRST_UNIT_COLUMN + unit * form.UNIT_COLUMNS
        table[:, first] = np.round(33 + unit + 0.0625 * np.floor(np.arange(rows) / 900), 4)
        table[:, first + 1 : first + 4] = signals[:, :3]
        table[:, first + 4 : first + 7] = np.clip(
            signals[:, :3] + rng.normal(0, 0.05, (rows, 3)), -61, 61
        )
        table[:, first + 7 : first + 13] = signals[:, 3:]
        table[:, first + 13 : first + 17] = rng.normal(0, 0.5, (rows, 4))


def _drop_packets(table: _Floats, rng: np.random.Generator) -> None:
    """Make units lose their radio connection: often for a few rows, rarely for one or two seconds."""
    rows = len(table)
    for unit in range(len(form.UNITS)):
        short = rng.integers(1, 8, rng.poisson(rows / 700))
        long = rng.integers(50, 200, rng.poisson(rows / 15_000))
        first = form.FIRST_UNIT_COLUMN + unit * form.UNIT_COLUMNS
        for length in np.concatenate([short, long]):
            start = rng.integers(0, rows)
            table[start : start + length, first : first + form.UNIT_COLUMNS] = np.nan


def _write_rows(file: BinaryIO, first_row: int, activity: int, table: _Floats) -> None:
    rows = len(table)
    hundredths = round(_FIRST_TIME_S * form.RATE_HZ) + first_row + np.arange(rows)
    time_s = pa.array(hundredths / form.RATE_HZ).cast(pa.decimal128(9, 2)).cast(pa.string())
    # Five decimals give as many digits as the real files have on average.
    columns = np.ascontiguousarray(np.round(table[:, 2:], 5).T)
    text = pa.BufferOutputStream()
    pa.csv.write_csv(
        pa.table(
            [time_s, pa.array(np.full(rows, activity, np.int8)), *map(pa.array, columns)],
            names=form.COLUMN_NAMES,
        ),
        text,
        pa.csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none"),
    )
    # Arrow writes "nan", the real files have "NaN"; no other word occurs in these rows.
    file.write(text.getvalue().to_pybytes().replace(b"nan", b"NaN"))
