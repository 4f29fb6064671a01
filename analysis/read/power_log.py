"""Export of each trial's power log as a CSV file with the paper's structure.

The paper's trackers stored time stamp, epoch and power in milliwatts. Each file here is the log of
one trial. Further columns hold the stage, attempt, node and device, and the method of measurement,
so that an estimate stays labelled wherever the file goes.
"""

import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import AnalysisError
from analysis.read.load import Study
from study.record.bookings import PowerRecord
from study.record.files import POWER_FILE

FOLDER = "power"
_COLUMNS = tuple(PowerRecord.__slots__)
_MW_PER_W = 1000
_MS_PER_S = 1000


def write_power_logs(study: Study) -> tuple[Path, ...]:
    """Write `power/<trial>.csv` into the study's folder, one file for each trial.

    Columns: `timestamp` (wall time in UTC, ISO 8601 with milliseconds), `epoch` (from 1; 0 during
    the trial's set-up and between epochs), `power_mw`, `stage`, `attempt`, `node`, `device`, `method`
    (counter, sampled or estimated). Rows are in order of time, at the study's sampling rate (10 Hz
    by default).

    Returns:
        The files, in order of their trials' identifiers.

    Raises:
        AnalysisError: The study has no power log, the log cannot be read, or a file cannot be written.
    """
    samples = _samples(study.path / POWER_FILE)
    methods = {node.hostname: str(node.method) for node in study.manifest.nodes}
    folder = study.path / FOLDER
    files = []
    try:
        folder.mkdir(exist_ok=True)
        for trial_id, rows in samples.groupby("trial_id", sort=True):
            file = folder / f"{re.sub(r'[^A-Za-z0-9._+-]', '_', str(trial_id))}.csv"
            _log(rows, methods).to_csv(file, index=False)
            files.append(file)
    except OSError as error:
        message = f"{folder} cannot be written ({error.strerror or error}). Make it writable, or free space."
        raise AnalysisError(message) from error
    return tuple(files)


def _samples(path: Path) -> pd.DataFrame:
    if not path.exists():
        message = (
            f"{path} is missing, so there is no power to export: no device of the study gave any, or "
            "it ended before the first sample was written. Leave out --power-csv."
        )
        raise AnalysisError(message)
    try:
        samples: pd.DataFrame = pq.read_table(
            path, columns=list(_COLUMNS), partitioning=None
        ).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        message = (
            f"{path} cannot be read as a power log ({error}). Restore it, or leave out --power-csv."
        )
        raise AnalysisError(message) from error
    return samples


def _log(rows: pd.DataFrame, methods: dict[str, str]) -> pd.DataFrame:
    rows = rows.sort_values("unix_time_s", kind="stable")
    unix_time_ms = (rows["unix_time_s"] * _MS_PER_S).round().astype("int64")
    times = pd.to_datetime(unix_time_ms, unit="ms", utc=True)
    return pd.DataFrame(
        {
            "timestamp": times.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3] + "Z",
            "epoch": rows["epoch"].astype("int64"),
            "power_mw": (rows["power_w"] * _MW_PER_W).round().astype("int64"),
            "stage": rows["stage"],
            "attempt": rows["attempt"].astype("int64"),
            "node": rows["node"],
            "device": rows["device_uuid"],
            "method": rows["node"].map(methods),
        }
    )
