"""Recorded trainings that a search can be replayed on."""

import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from study.attempts import counted
from study.courses import Course
from study.errors import OptionError
from study.records import EPOCHS_FILE
from study.search_space import Choice, Space, Value, space_of

AXES: Final = ("batch_size", "learning_rate")
NEEDED: Final = (*AXES, "seed", "epoch", "val_accuracy", "epoch_energy_j", "epoch_time_s")
FURTHER_AXES: Final = ("optimizer", "weight_decay", "encoder", "frozen")
"""Columns that are axes where a table has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEpoch:
    """One epoch of a recorded training; None where a figure is not known."""

    accuracy: float | None
    energy_j: float | None
    time_s: float


Recording = tuple[RecordedEpoch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTable:
    """All recorded trainings.

    Attributes:
        name: What it was read from.
        estimated: Whether an energy in it is an estimate.
        synthetic: Whether it was made from a model instead of recorded.
        space: Its axes; every value occurs in it, but not every setup need be in it.
        recordings: Those of each setup, by rising seed.
    """

    name: str
    estimated: bool
    synthetic: bool
    space: Space
    recordings: Mapping[Choice, tuple[Recording, ...]] = field(repr=False)

    @property
    def longest(self) -> int:
        """Epochs of the longest training."""
        return max(len(one) for many in self.recordings.values() for one in many)

    @property
    def grid_j(self) -> float:
        """Energy of training every setup once to its end: the mean over the recorded seeds."""
        return sum(
            statistics.fmean(_known_j(one) for one in many) for many in self.recordings.values()
        )

    @property
    def cheapest_epoch_j(self) -> float:
        """The least that an epoch costs."""
        return min(
            epoch.energy_j
            for many in self.recordings.values()
            for one in many
            for epoch in one
            if epoch.energy_j is not None
        )

    def draw(self, seed: int) -> dict[Choice, Recording]:
        """One of the recorded seeds for each setup; the same seed gives the same draw."""
        draw = random.Random(seed)  # noqa: S311 - a simulation
        return {choice: draw.choice(many) for choice, many in self.recordings.items()}

    def energy_to_target_j(self, target: float) -> dict[Choice, float]:
        """Median energy to target of each setup over its seeds, of those that reach it mostly.

        A seed that does not reach it counts as dearer than any that does.

        Raises:
            OptionError: No setup reaches it.
        """
        found = {}
        for choice, many in self.recordings.items():
            middle = statistics.median_high(to_target_j(one, target) for one in many)
            if middle < float("inf"):
                found[choice] = middle
        if not found:
            best = max(
                epoch.accuracy or 0.0
                for many in self.recordings.values()
                for one in many
                for epoch in one
            )
            message = (
                f"--target-accuracy is {target:g}; no setup of {self.name} reaches it with most of "
                f"its seeds (the best epoch of all has {best:.3f}). Give a lower one."
            )
            raise OptionError(message)
        return found


def read_table(path: Path) -> ReplayTable:
    """A table of recorded epochs: a study's folder, an `epochs.parquet`, or a CSV.

    Raises:
        OptionError: It cannot be read, lacks a column, or holds what cannot be.
    """
    place = path / EPOCHS_FILE if path.is_dir() and (path / EPOCHS_FILE).exists() else path
    place = place / "epochs.csv" if place.is_dir() else place
    try:
        frame = pd.read_csv(place) if place.suffix == ".csv" else pd.read_parquet(place)
    except (OSError, ValueError) as error:
        message = (
            f"--replay {path} cannot be read: {error}. It takes a study's folder, an "
            f"epochs.parquet, or a CSV with the columns {', '.join(NEEDED)}."
        )
        raise OptionError(message) from error
    return table_of(frame, name=str(path))


def table_of(frame: pd.DataFrame, *, name: str) -> ReplayTable:
    """A table from its rows.

    Raises:
        OptionError: A column is missing, there is no row, or a figure is none.
    """
    missing = [column for column in NEEDED if column not in frame.columns]
    if missing:
        message = (
            f"--replay {name} has no column {', '.join(missing)}; needed are {', '.join(NEEDED)}."
        )
        raise OptionError(message)
    if frame.empty:
        message = f"--replay {name} has no row; it takes one for each recorded epoch."
        raise OptionError(message)
    frame = _counted(frame)
    axes = [*AXES, *(each for each in FURTHER_AXES if each in frame.columns)]
    for column in NEEDED:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            message = f"--replay {name}: column {column} holds {frame[column].iloc[0]!r}; allowed are numbers."
            raise OptionError(message)
    if (frame["epoch_energy_j"] < 0).any() or not (frame["epoch_time_s"] > 0).all():
        message = f"--replay {name} has a negative energy or an epoch without time; mend the row."
        raise OptionError(message)
    if not (frame["epoch_energy_j"] > 0).any():
        message = f"--replay {name} has no energy above 0 in epoch_energy_j; nothing can be saved."
        raise OptionError(message)
    if frame.duplicated([*axes, "seed", "epoch"]).any():
        message = f"--replay {name} has an epoch of the same setup and seed twice."
        raise OptionError(message)
    recordings: dict[Choice, list[Recording]] = {}
    for key, rows in frame.sort_values("epoch").groupby([*axes, "seed"], sort=True):
        recordings.setdefault(tuple(_plain(v) for v in tuple(key)[:-1]), []).append(
            _recording(rows)
        )
    return ReplayTable(
        name=name,
        estimated="energy_method" in frame and bool((frame["energy_method"] == "estimated").any()),
        synthetic="synthetic" in frame and bool(frame["synthetic"].any()),
        space=space_of({axis: [_plain(v) for v in frame[axis].unique()] for axis in axes}),
        recordings={choice: tuple(many) for choice, many in recordings.items()},
    )


def course_of(recording: Sequence[RecordedEpoch], *, target: float | None) -> Course:
    """A recorded training as the course of a trial that nobody stopped."""
    course = Course(target=target)
    for epoch in recording:
        course.add(accuracy=epoch.accuracy, energy_j=epoch.energy_j, time_s=epoch.time_s)
    return course


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    """Only the epochs that count for their trials, where a table has attempts."""
    if "attempt" not in frame.columns or "trial_id" not in frame.columns:
        return frame
    kept = [
        (trial_id, *place)
        for trial_id, rows in frame.groupby("trial_id")
        for place in counted(
            (attempt, "", epoch)
            for attempt, epoch in rows[["attempt", "epoch"]].itertuples(index=False)
        )
    ]
    places = pd.MultiIndex.from_tuples(kept, names=["trial_id", "attempt", "stage", "epoch"])
    own = pd.MultiIndex.from_frame(frame[["trial_id", "attempt", "epoch"]])
    return frame[own.isin(places.droplevel("stage"))]


def _recording(rows: pd.DataFrame) -> Recording:
    columns = rows[["val_accuracy", "epoch_energy_j", "epoch_time_s"]]
    return tuple(
        RecordedEpoch(accuracy=_known(a), energy_j=_known(j), time_s=float(s))
        for a, j, s in columns.itertuples(index=False, name=None)
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _plain(value: object) -> Value:
    """A number as Python's own, anything else as text."""
    plain: object = getattr(value, "item", lambda: value)()
    return plain if isinstance(plain, int | float | str) else str(plain)


def _known_j(recording: Recording) -> float:
    return sum(epoch.energy_j or 0.0 for epoch in recording)


def to_target_j(recording: Recording, target: float) -> float:
    """Energy until a recorded training reached the target; infinite where it did not."""
    reached_j = course_of(recording, target=target).to_target_j
    return float("inf") if reached_j is None else reached_j
