"""Tables of recorded trainings on which a search can be replayed."""

import math
import random
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow.parquet as pq

from study.errors import OptionError
from study.record.attempts import counted
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE
from study.record.migration import RENAMED
from study.record.objective import ACCURACY, Objective
from study.record.search.curves import TrialCurve
from study.record.trial_energy import BESIDE_EPOCHS
from study.search.replay.exported import objective_of, of_export
from study.search.replay.trial_rows import counted_through, in_order, without_stopped
from study.search.space.space import Choice, Space, Value, space_of
from study.search.space.table_axes import ALWAYS, axes_of, with_parameters

NEEDED: Final = (*ALWAYS, "seed", "epoch", "val_score", "epoch_energy_j", "epoch_time_s")
"""Required columns of a table.

It may also have `setup_energy_j`, the energy of a training outside its epochs, and columns of further axes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEpoch:
    """One epoch of a recorded training: score, energy in joules, seconds; None where unknown."""

    score: float | None
    energy_j: float | None
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTraining:
    """One recorded training.

    Attributes:
        epochs: Epochs that count as its training.
        overhead_j: Energy of its last attempt outside its epochs, in joules; None where not in the table.
        lost: Epochs of earlier attempts that were lost.
    """

    epochs: tuple[RecordedEpoch, ...]
    overhead_j: float | None = None
    lost: tuple[RecordedEpoch, ...] = ()

    def __len__(self) -> int:
        """Number of epochs."""
        return len(self.epochs)

    @property
    def known_overhead_j(self) -> float:
        """Value of `overhead_j`, or 0 where it is unknown."""
        return self.overhead_j or 0.0

    @property
    def energy_j(self) -> float:
        """Total energy of the training in joules, as far as known."""
        every = (*self.lost, *self.epochs)
        return self.known_overhead_j + sum(epoch.energy_j or 0.0 for epoch in every)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTable:
    """All recorded trainings of a table.

    Attributes:
        name: Path or name that it was read from.
        estimated: Whether any of its energies is an estimate.
        synthetic: Whether it was generated from a model instead of recorded.
        space: Space of its setups, all of which are recorded.
        recordings: Recorded trainings of each setup, in ascending order of the seed.
        left_out: Number of trainings omitted because a search had stopped them.
        objective: The metric that its scores are values of; larger is better.
    """

    name: str
    estimated: bool
    synthetic: bool
    space: Space
    recordings: Mapping[Choice, tuple[RecordedTraining, ...]] = field(repr=False)
    left_out: int = 0
    objective: Objective = ACCURACY

    @property
    def longest(self) -> int:
        """Number of epochs of the longest training."""
        return max(len(one) for many in self.recordings.values() for one in many)

    @property
    def grid_j(self) -> float:
        """Energy of training every setup once to its end, in joules, as a mean over the recorded seeds."""
        return sum(
            statistics.fmean(one.energy_j for one in many) for many in self.recordings.values()
        )

    @property
    def cheapest_epoch_j(self) -> float:
        """Lowest known energy of an epoch, in joules."""
        return min(
            epoch.energy_j
            for many in self.recordings.values()
            for one in many
            for epoch in one.epochs
            if epoch.energy_j is not None
        )

    def draw(self, seed: int) -> dict[Choice, RecordedTraining]:
        """Draw one recorded training for each setup; the same seed gives the same draw."""
        draw = random.Random(seed)  # noqa: S311 - a simulation
        return {choice: draw.choice(many) for choice, many in self.recordings.items()}

    def energy_to_target_j(self, target: float) -> dict[Choice, float]:
        """Return the median energy to the target of each setup that reaches it with most of its seeds.

        A seed that does not reach the target counts as costlier than any that does.

        Raises:
            OptionError: No setup reaches the target with most of its seeds.
        """
        found = {}
        for choice, many in self.recordings.items():
            middle = statistics.median_high(to_target_j(one, target) for one in many)
            if middle < float("inf"):
                found[choice] = middle
        if not found:
            known = [
                epoch.score
                for many in self.recordings.values()
                for one in many
                for epoch in one.epochs
                if epoch.score is not None
            ]
            best = (
                f"the best epoch of all has {max(known):.3f}" if known else "no epoch has a score"
            )
            message = (
                f"--target is {target:g}; no setup of {self.name} reaches it with most of "
                f"its seeds ({best}). Give a lower one."
            )
            raise OptionError(message)
        return found


def read_table(path: Path) -> ReplayTable:
    """Read a table of recorded epochs: a study's folder, an `epochs.parquet`, or a CSV.

    Raises:
        OptionError: It cannot be read, lacks a column, or contains an invalid value.
    """
    place = path / EPOCHS_FILE if path.is_dir() and (path / EPOCHS_FILE).exists() else path
    place = place / "epochs.csv" if place.is_dir() else place
    trials = place.with_name(TRIALS_FILE)
    try:
        frame = pd.read_csv(place) if place.suffix == ".csv" else _plain_frame(place)
        if place.name == EPOCHS_FILE and trials.exists():
            frame = frame.merge(_setup_energies(trials), on="trial_id", how="left")
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = (
            f"replay {path} cannot be read: {str(error).rstrip('.')}. It takes a study's folder, an "
            f"epochs.parquet, or a CSV with the columns {', '.join(NEEDED)}."
        )
        raise OptionError(message) from error
    objective = objective_of(place.with_name(MANIFEST_FILE), frame, name=str(path))
    return table_of(of_export(frame), name=str(path), objective=objective)


def _plain_frame(path: Path) -> pd.DataFrame:
    """Read the columns of a parquet file, including a pandas index, and adding none from its path."""
    with path.open("rb") as file:
        frame: pd.DataFrame = pq.read_table(file).to_pandas(ignore_metadata=True)
    return frame


def _setup_energies(trials: Path) -> pd.DataFrame:
    """Return the energy of each trial of a study outside its epochs, in its last attempt."""
    frame = _plain_frame(trials)
    columns = [each for each in BESIDE_EPOCHS if each in frame.columns]  # 0.1 had no tests
    return pd.DataFrame(
        {"trial_id": frame["trial_id"], "setup_energy_j": frame[columns].sum(axis=1, min_count=1)}
    )


def table_of(frame: pd.DataFrame, *, name: str, objective: Objective = ACCURACY) -> ReplayTable:
    """Return a table from its rows, one for each recorded epoch.

    Args:
        frame: The rows.
        name: Name of the table in messages.
        objective: The metric that the scores are values of.

    Raises:
        OptionError: A column is missing, there are no rows, or a value is missing or invalid.
    """
    frame = frame.rename(columns=RENAMED)
    missing = [column for column in NEEDED if column not in frame.columns]
    if missing:
        message = (
            f"replay {name} has no column {', '.join(missing)}; needed are {', '.join(NEEDED)}."
        )
        raise OptionError(message)
    if frame.empty:
        message = f"replay {name} has no row; it takes one for each recorded epoch."
        raise OptionError(message)
    _check_figures(frame, name)
    frame = with_parameters(frame.reset_index(drop=True))
    frame, left_out = without_stopped(counted_through(frame))
    if frame.empty:
        message = (
            f"replay {name} has only trainings that a search stopped, and what they would have "
            "needed to their end is unknown. Give a study of the whole grid."
        )
        raise OptionError(message)
    axes = axes_of(frame)
    for axis in axes:
        if frame[axis].isna().any():
            message = f"replay {name}: {axis} is empty in a row; give it a value in each."
            raise OptionError(message)
    if _is_twice(frame, [*axes, "seed", "epoch"]):
        message = f"replay {name} has an epoch of the same setup and seed twice."
        raise OptionError(message)
    recordings: dict[Choice, list[RecordedTraining]] = {}
    for key, rows in frame.groupby([*axes, "seed"], sort=True):
        recordings.setdefault(tuple(_plain(v) for v in tuple(key)[:-1]), []).append(
            _recording(rows)
        )
    return ReplayTable(
        name=name,
        estimated="energy_method" in frame and bool((frame["energy_method"] == "estimated").any()),
        synthetic="synthetic" in frame and bool(frame["synthetic"].any()),
        space=_space_of(
            {axis: [_plain(v) for v in frame[axis].unique()] for axis in axes}, recordings
        ),
        recordings={choice: tuple(many) for choice, many in recordings.items()},
        left_out=left_out,
        objective=objective,
    )


def curve_of(recording: RecordedTraining, *, target: float | None) -> TrialCurve:
    """Return a recorded training as the curve of a trial that was not stopped."""
    curve = TrialCurve(target=target)
    for epoch in recording.epochs:
        curve.add(score=epoch.score, energy_j=epoch.energy_j, time_s=epoch.time_s)
    return curve


def _check_figures(frame: pd.DataFrame, name: str) -> None:
    """Check that columns contain numbers, and that these are possible.

    Raises:
        OptionError: A value is missing, not a number, or impossible; the first one found is named.
    """
    told = [each for each in ("setup_energy_j",) if each in frame and frame[each].notna().any()]
    for column in (*NEEDED, *told):
        values = frame[column].dropna()
        if not pd.api.types.is_numeric_dtype(values):
            words = values[pd.to_numeric(values, errors="coerce").isna()]
            got = next(iter([*words, *values]))
            message = f"replay {name}: column {column} holds {got!r}; allowed: numbers."
            raise OptionError(message)
    for column in (*ALWAYS, "seed", "epoch"):
        if frame[column].isna().any():
            message = f"replay {name}: {column} is empty in a row; give it a value in each."
            raise OptionError(message)
    is_negative = any((frame[each] < 0).any() for each in ("epoch_energy_j", *told))
    if is_negative or not (frame["epoch_time_s"] > 0).all():
        message = f"replay {name} has a negative energy or an epoch without time; fix the row."
        raise OptionError(message)
    if not (frame["epoch_energy_j"] > 0).any():
        message = f"replay {name} has no energy above 0 in epoch_energy_j; nothing can be saved."
        raise OptionError(message)


def _is_twice(frame: pd.DataFrame, place: list[str]) -> bool:
    """Return whether an epoch occurs twice, other than those that a later attempt trained again."""
    again = [*place, "attempt"] if "attempt" in frame.columns else place
    return bool(frame.duplicated(again).any())


def _recording(rows: pd.DataFrame) -> RecordedTraining:
    """Return one training from its rows, which include those of lost attempts."""
    attempts = rows["attempt"] if "attempt" in rows.columns else [1] * len(rows)
    places = [(int(a), "", int(e)) for a, e in zip(attempts, rows["epoch"], strict=True)]
    counts = counted(places)
    is_kept = [place in counts for place in places]
    has_setup = "setup_energy_j" in rows.columns
    return RecordedTraining(
        epochs=_epochs(rows[is_kept]),
        overhead_j=_known(rows["setup_energy_j"].iloc[-1]) if has_setup else None,
        lost=_epochs(rows[[not each for each in is_kept]]),
    )


def _epochs(rows: pd.DataFrame) -> tuple[RecordedEpoch, ...]:
    columns = in_order(rows)[["val_score", "epoch_energy_j", "epoch_time_s"]]
    return tuple(
        RecordedEpoch(score=_known(a), energy_j=_known(j), time_s=float(s))
        for a, j, s in columns.itertuples(index=False, name=None)
    )


def _space_of(values: Mapping[str, Sequence[Value]], recorded: Collection[Choice]) -> Space:
    """Return the space of the recorded setups, which need not be all combinations of the values."""
    every = space_of(values)
    return every if len(recorded) == every.size else replace(every, allowed_choices=tuple(recorded))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _plain(value: object) -> Value:
    """Convert a value to a Python number or a text."""
    plain: object = getattr(value, "item", lambda: value)()
    return plain if isinstance(plain, int | float | str) else str(plain)


def to_target_j(recording: RecordedTraining, target: float) -> float:
    """Return the energy of a recorded training to the target, in joules; infinite if not reached or unknown."""
    reached_j = curve_of(recording, target=target).to_target_j
    return float("inf") if reached_j is None else reached_j
