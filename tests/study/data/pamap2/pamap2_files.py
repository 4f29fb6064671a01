"""Small PAMAP2 folders, written by hand for tests."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from study.data.pamap2 import format as form

ROWS = 500


def subject_table(
    rows: int = ROWS, *, activity: int = 4, offset: float = 0.0
) -> npt.NDArray[np.float64]:
    """A subject of one activity, in which each cell encodes its place: column (from 1) + row/1000."""
    table = np.arange(1, form.COLUMNS + 1) + np.arange(rows)[:, np.newaxis] / 1000 + offset
    table[:, 0] = 8.38 + np.arange(rows) / form.RATE_HZ
    table[:, 1] = activity
    return table


def lines_of(table: npt.NDArray[np.float64]) -> list[str]:
    """The table's rows as the real files have them, without line ends."""
    row_format = " ".join(["%.2f", "%d", *["%.6g"] * (table.shape[1] - 2)])
    return [(row_format % tuple(row)).replace("nan", "NaN") for row in table.tolist()]


def write_lines(path: Path, lines: list[str], *, end: str = "\n") -> Path:
    """Write a file of these lines; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def write_subject(path: Path, table: npt.NDArray[np.float64]) -> Path:
    """Write one subject's file; returns its path."""
    return write_lines(path, lines_of(table))


def write_folder(
    data_dir: Path, tables: Mapping[int, npt.NDArray[np.float64]] | None = None
) -> Path:
    """Write all nine subjects, those without a table of their own as `subject_table()`."""
    for subject in form.SUBJECTS:
        table = (tables or {}).get(subject, subject_table())
        write_subject(data_dir / "Protocol" / form.file_name(subject), table)
    return data_dir
