"""Fast reader of one subject's file, which finds the line where a file is malformed.

Polars reads it: with several threads, only the wanted columns, as 32-bit numbers. (Arrow's reader takes
half as long again.) Polars silently accepts rows that are too short or too long; nulls in the columns read or
in the last column, or a value beyond it, reveal them. Only then, or if Polars raises, is the file read again
in Python, line by line, to find the malformed line.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from study.data.faults import Fault
from study.data.pamap2 import format as form
from study.errors import DataError

_BEYOND = "beyond"
"""Name of a 55th column, which should be empty."""

_SEPARATORS = (" ", "\t", ",", ";")
"""Separators that are accepted: one space as published, or another in files that were written again."""

_KNOWN_ACTIVITIES = frozenset((form.TRANSIENT, *form.ACTIVITIES, *form.OTHER_ACTIVITIES))
_HEADER = "Published files have no header: remove this line, or replace the file"
_RATE_FACTOR = 1.2
"""Factor by which the median time step between rows may differ from 0.01 s."""

_REPLACE = "Replace the file; `python -m study.data get pamap2 --data-dir NEW_FOLDER` fetches it"


class MalformedFileError(DataError):
    """Error: a file is not a table of 54 numbers a row.

    Attributes:
        faults: Faults found, in the order of lines.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Contents of one subject's file.

    Attributes:
        time_s: Time stamps, in seconds; shape (rows,).
        activity: Activity numbers; shape (rows,), int8.
        signals: Columns that were asked for, NaN where missing; shape (columns, rows), float32.
    """

    time_s: npt.NDArray[np.float64]
    activity: npt.NDArray[np.int8]
    signals: npt.NDArray[np.float32]


def read_subject(
    path: Path, columns: Sequence[str] = form.CHANNELS, *, most_faults: int = 1
) -> Recording:
    """Read a subject's file.

    Args:
        path: The file; lines end with LF or CRLF, and activities may be written as 1 or 1.0.
        columns: Names of the columns to read besides time and activity, of
            `study.data.pamap2.format.COLUMN_NAMES`.
        most_faults: Largest number of malformed lines to look for.

    Raises:
        MalformedFileError: The file is missing, cannot be read, or is not a table of 54 numbers a row.
    """
    try:
        table = _read_table(path, columns)
    except FileNotFoundError:
        raise MalformedFileError([missing_file(path)]) from None
    except OSError as error:
        remedy = "Make the file readable"
        fault = Fault(path=path, found=f"cannot be read: {error.strerror or error}", remedy=remedy)
        raise MalformedFileError([fault]) from error
    except pl.exceptions.PolarsError as error:
        faults = list(islice(_malformed_lines(path), most_faults))
        # Python may accept a number that Polars does not; Polars' message then has to do, without a line.
        faults = faults or [Fault(path=path, found=str(error), remedy=_REPLACE)]
        raise MalformedFileError(faults) from error
    signals = np.empty((len(columns), len(table)), np.float32)
    for row, name in zip(signals, columns, strict=True):
        row[:] = table[name].to_numpy()
    return Recording(
        time_s=table["time_s"].to_numpy(), activity=table["activity"].to_numpy(), signals=signals
    )


def content_faults(path: Path, recording: Recording) -> list[Fault]:
    """Return the faults in the values of a well-formed file; for each kind only the first line."""
    faults = [*_rate_faults(path, recording)]
    out_of_order = ~(np.diff(recording.time_s) > 0)
    if out_of_order.any() or not np.isfinite(recording.time_s[0]):
        row = int(out_of_order.argmax()) + 1 if out_of_order.any() else 0
        before = recording.time_s[row - 1] if row else None
        faults.append(
            Fault(
                path=path,
                line=row + 1,
                found=f"time stamp {recording.time_s[row]:.2f} s after "
                f"{'nothing' if before is None else f'{before:.2f} s'}, though time must increase "
                f"({max(1, int(out_of_order.sum()))} such line(s))",
                remedy="Put the rows in order of time, or replace the file",
            )
        )
    for number in np.setdiff1d(recording.activity, list(_KNOWN_ACTIVITIES)):
        row = int((recording.activity == number).argmax())
        faults.append(_unknown_activity(path, row + 1, str(number)))
    if not np.isin(recording.activity, list(form.ACTIVITIES)).any():
        faults.append(
            Fault(
                path=path,
                found=f"no row has one of the protocol's activities ({_listed(form.ACTIVITIES)})",
                remedy="Is this a file of the Protocol folder? If so, replace it",
            )
        )
    return faults


def _rate_faults(path: Path, recording: Recording) -> Iterator[Fault]:
    """Yield a fault if rows are not 0.01 s apart, so that windows would have another duration."""
    steps_s = np.diff(recording.time_s)
    step_s = float(np.median(steps_s)) if len(steps_s) else 1 / form.RATE_HZ
    if step_s > 0 and not 1 / _RATE_FACTOR < step_s * form.RATE_HZ < _RATE_FACTOR:
        yield Fault(
            path=path,
            found=f"a row every {step_s:g} s ({1 / step_s:.4g} Hz), though the Protocol has "
            f"{form.RATE_HZ} Hz; it seems to have been resampled",
            remedy=_REPLACE,
        )


def missing_file(path: Path) -> Fault:
    """Return the fault of a missing file."""
    return Fault(
        path=path,
        found="file missing; all of subject101.dat to subject109.dat are needed, because "
        f"{form.VALIDATION_SUBJECT} validates, {form.TEST_SUBJECT} tests and all others train: "
        "without one it is another data set, whose results compare with no other's",
        remedy="Unpack the archive again, or fetch it with "
        "`python -m study.data get pamap2 --data-dir NEW_FOLDER`",
    )


def _read_table(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Read some columns.

    Raises:
        PolarsError: The file is not a table of 54 numbers a row, as far as Polars' result shows.
    """
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(form.COLUMN_NAMES, pl.Float32)
    # A column beyond the last: empty if lines end with a space; any value in it is a fault.
    schema |= {"time_s": pl.Float64, _BEYOND: pl.String}
    wanted = {"time_s", "activity", *columns, form.COLUMN_NAMES[-1], _BEYOND}
    table = pl.read_csv(
        path,
        has_header=False,
        separator=_separator(path),
        quote_char=None,
        schema=schema,
        missing_columns="insert",
        glob=False,
        columns=[index for index, name in enumerate(schema) if name in wanted],
    )
    beyond = table.drop_in_place(_BEYOND)
    activity = table["activity"]
    table = table.with_columns(activity.cast(pl.Int8, strict=False))
    if (
        table.is_empty()
        or (activity != table["activity"]).any()
        or beyond.null_count() < len(beyond)
        or any(column.null_count() for column in table.iter_columns())
    ):
        message = "empty, or with rows that are too short or too long, or with empty cells"
        raise pl.exceptions.ComputeError(message)
    return table


def _separator(path: Path) -> str:
    """Return the separator that splits the first line into 54 numbers; a space if none does."""
    with path.open("rb") as file:
        first = file.readline().decode(errors="replace").rstrip("\r\n")
    fits = (sep for sep in _SEPARATORS if len(first.removesuffix(sep).split(sep)) == form.COLUMNS)
    return next(fits, _SEPARATORS[0])


def _malformed_lines(path: Path) -> Iterator[Fault]:
    """Yield the faults of a file, line by line; slow, so only used once something is known to be wrong."""
    number = 0
    separator = _separator(path).encode()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            plain = line.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n").removesuffix(separator)
            cells = plain.split(separator)
            if len(cells) != form.COLUMNS:
                yield _wrong_columns(path, number, line, len(cells))
                continue
            column = next((i for i, cell in enumerate(cells) if not _is_number(cell)), None)
            if column is not None:
                yield Fault(
                    path=path,
                    line=number,
                    found=f"column {column + 1} ({form.COLUMN_NAMES[column]}) is "
                    f"{cells[column][:40].decode(errors='replace')!r}; allowed: a number or NaN",
                    remedy=_REPLACE if number > 1 or column else _HEADER,
                )
            elif float(cells[1]) not in _KNOWN_ACTIVITIES:
                yield _unknown_activity(path, number, cells[1][:40].decode())
    if number == 0:
        yield Fault(path=path, found="the file is empty", remedy=_REPLACE)


def _wrong_columns(path: Path, number: int, line: bytes, columns: int) -> Fault:
    seems = ""
    if not line.endswith(b"\n"):
        seems = "; the file ends within this line, so it is incomplete"
    elif len(line.split()) == form.COLUMNS:
        seems = "; it has as many numbers, but not each two between one space"
    elif columns == form.COLUMNS + 1:
        seems = "; is the first one a row number?"
    return Fault(
        path=path,
        line=number,
        found=f"{columns} columns instead of {form.COLUMNS}{seems}",
        remedy=_REPLACE,
    )


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _unknown_activity(path: Path, line: int, activity: str) -> Fault:
    return Fault(
        path=path,
        line=line,
        found=f"activity {activity}; known are {_listed(_KNOWN_ACTIVITIES)}",
        remedy="Give such rows activity 0 (they are then passed over), or replace the file",
    )


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
