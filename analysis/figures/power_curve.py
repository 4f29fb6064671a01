"""Power over time of one trial with its epochs marked, as a record, from `power.parquet`.

One trial is shown, of the recommended setup where there is one: power over time is there to be
looked at, and no energy comes from it.
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
"""What a digit of an epoch's label takes of the figure's width, and the space beside a label."""
_NO_EPOCHS = (TEST, PROFILE)
"""Stages whose windows are numbered too."""
_COLUMNS = tuple(PowerRecord.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPoint:
    """Power within a short stretch of time.

    Attributes:
        time_s: Middle of the stretch, from the beginning of the first epoch.
        power_w: Mean of its samples.
        low_w: The lowest of them.
        high_w: The highest of them.
    """

    time_s: float
    power_w: float
    low_w: float
    high_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochMark:
    """The start of an epoch in a power curve.

    Attributes:
        time_s: From the first epoch's first sample to this one's.
        stage: Its stage.
        epoch: From 1 within the stage.
        label: As the figure shows it; empty where labels would cover each other.
    """

    time_s: float
    stage: str
    epoch: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerInfo:
    """Power over time before it is drawn.

    Attributes:
        title: With labels.
        trial_id: The trial.
        samples: Number of samples that it rests on.
        points: In the order of time.
        marks: The beginnings of the epochs.
    """

    title: str
    trial_id: str
    samples: int
    points: tuple[PowerPoint, ...]
    marks: tuple[EpochMark, ...]


def power_info(findings: Findings) -> PowerInfo | None:
    """The power of one trial over time; None where none was logged or its log cannot be read."""
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
    """The trial that is shown: of the recommended setup, finished if one has."""
    trials = findings.study.trials
    chosen = trials[trials["setup"] == findings.recommendation.setup]
    candidates = trials if chosen.empty else chosen
    finished = candidates[candidates["status"] == "finished"]
    candidates = candidates if finished.empty else finished
    return None if candidates.empty else str(candidates.iloc[0]["trial_id"])


def _samples(path: Path, trial_id: str) -> pd.DataFrame | None:
    """Samples of a trial's last attempt on its first device, from its first epoch on.

    What comes before is the trial's set-up, which takes longer than many a training.
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
        # A part that is being written, or of another version: the figure is left out.
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
