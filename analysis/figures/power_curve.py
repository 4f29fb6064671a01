"""Power of one trial over time, with its epochs marked, as a record from `power.parquet`.

The trial is of the recommended setup if there is one. The curve is for inspection only: no energy is
computed from it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.findings import Findings
from study.record.bookings import PowerRecord
from study.record.files import POWER_FILE
from study.record.vocabulary import PROFILE, TEST

_MOST_POINTS = 400
_LETTER, _GAP = 0.011, 0.012
"""Width of a digit of an epoch's label, and of the gap beside a label, as shares of the figure's width."""
_NO_EPOCHS = (TEST, PROFILE)
"""Stages whose windows are numbered but are not epochs."""
_COLUMNS = tuple(PowerRecord.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPoint:
    """Power within a short interval of time.

    Attributes:
        time_s: Middle of the interval, from the start of the first epoch.
        power_w: Mean of its samples.
        low_w: Lowest of its samples.
        high_w: Highest of its samples.
    """

    time_s: float
    power_w: float
    low_w: float
    high_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochMark:
    """The start of an epoch in a power curve.

    Attributes:
        time_s: Time from the first sample of the first epoch to the first sample of this one.
        stage: Stage of the epoch.
        epoch: Number of the epoch, from 1 within the stage.
        label: Number as the figure shows it; empty where labels would overlap.
    """

    time_s: float
    stage: str
    epoch: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerInfo:
    """Data of the figure of power over time.

    Attributes:
        title: Title with the study's labels.
        trial_id: Identifier of the trial.
        samples: Number of power samples of the trial that are shown.
        points: Points in order of time.
        marks: Starts of the epochs.
    """

    title: str
    trial_id: str
    samples: int
    points: tuple[PowerPoint, ...]
    marks: tuple[EpochMark, ...]


def power_info(findings: Findings) -> PowerInfo | None:
    """Compute the power of one trial over time; None if none was logged or the log cannot be read."""
    trial_id = _trial(findings)
    samples = None if trial_id is None else _samples(findings.study.path / POWER_FILE, trial_id)
    if trial_id is None or samples is None or samples.empty:
        return None
    return PowerInfo(
        title=findings.titled(f"Power over time, trial {trial_id}"),
        trial_id=trial_id,
        samples=len(samples),
        points=_points(samples),
        marks=_marks(samples),
    )


def _trial(findings: Findings) -> str | None:
    """Return the trial to show: of the recommended setup if possible, and a finished one if possible."""
    trials = findings.study.trials
    chosen = trials[trials["setup"] == findings.recommendation.setup]
    candidates = trials if chosen.empty else chosen
    finished = candidates[candidates["status"] == "finished"]
    candidates = candidates if finished.empty else finished
    return None if candidates.empty else str(candidates.iloc[0]["trial_id"])


def _samples(path: Path, trial_id: str) -> pd.DataFrame | None:
    """Read the samples of a trial's last attempt on its first device, from the first epoch on.

    The set-up before it is left out, since it may take longer than the training.
    """
    if not path.exists():
        return None
    try:
        table = pq.read_table(
            path,
            columns=list(_COLUMNS),
            filters=[("trial_id", "==", trial_id)],
            partitioning=None,
        )
    except (OSError, KeyError, ValueError, pa.ArrowException):
        # A file that is being written, or of another version; the figure is left out.
        return None
    frame: pd.DataFrame = table.to_pandas()
    frame = frame[frame["attempt"] == frame["attempt"].max()]
    if frame.empty:
        return None
    frame = frame[frame["device_uuid"] == frame["device_uuid"].iloc[0]].sort_values("unix_time_s")
    times = frame["unix_time_s"]
    first_s = times[frame["epoch"] >= 1].min() if (frame["epoch"] >= 1).any() else times.iloc[0]
    shown: pd.DataFrame = frame[times >= first_s].assign(time_s=times - first_s)
    return shown


def _points(samples: pd.DataFrame) -> tuple[PowerPoint, ...]:
    length_s = float(samples["time_s"].iloc[-1])
    bins = min(len(samples), _MOST_POINTS)
    width_s = length_s / bins or 1.0
    number = np.minimum((samples["time_s"] / width_s).astype(int), bins - 1)
    means = samples.groupby(number)["power_w"].agg(["mean", "min", "max"])
    return tuple(
        PowerPoint(
            time_s=(int(str(index)) + 0.5) * width_s,
            power_w=float(row["mean"]),
            low_w=float(row["min"]),
            high_w=float(row["max"]),
        )
        for index, row in means.iterrows()
    )


def _marks(samples: pd.DataFrame) -> tuple[EpochMark, ...]:
    inside = samples[(samples["epoch"] >= 1) & ~samples["stage"].isin(_NO_EPOCHS)]
    if inside.empty:
        return ()
    starts = inside.groupby(["stage", "epoch"], sort=False)["time_s"].min().reset_index()
    length_s = float(samples["time_s"].iloc[-1])
    marks, free_from_s = [], 0.0
    for row in starts.to_dict("records"):
        time_s, number = float(row["time_s"]), str(int(row["epoch"]))
        fits = time_s >= free_from_s
        if fits:
            free_from_s = time_s + length_s * (_LETTER * len(number) + _GAP)
        marks.append(
            EpochMark(
                time_s=time_s,
                stage=str(row["stage"]),
                epoch=int(row["epoch"]),
                label=number if fits else "",
            )
        )
    return tuple(marks)
