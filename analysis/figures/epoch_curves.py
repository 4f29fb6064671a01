"""Curves of energy and objective over the epochs, as records.

A point is the mean over the repeats that reached its epoch. Long trainings are subsampled to as many
epochs as a figure can show, without interpolation.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings import Findings
from analysis.forms.scores import ScoreForm
from analysis.forms.series import series_of
from analysis.read.counted import counted_epochs
from study.record.files import EnergyUnit

MOST_SETUPS = 24
_MOST_EPOCHS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochPoint:
    """One epoch of one setup.

    Attributes:
        setup: Number of the setup.
        batch_size: Batch size, which has a panel of its own; None if the setup has none.
        series: Line that it belongs to: learning rate and further parameters.
        epoch: Number of the epoch, from 1 within the stage.
        repeats: Number of repeats that reached the epoch.
        energy: Mean energy of the epoch, in the study's unit; None if no repeat has one.
        score: Mean value of the objective, in percent for a share; None if the stage has none.
        chosen: Whether it is the recommended setup.
    """

    setup: int
    batch_size: int | None
    series: str
    epoch: int
    repeats: int
    energy: float | None
    score: float | None
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochCurvesInfo:
    """Data of the curves of one stage.

    Attributes:
        name: Name of its files, without suffix.
        title: Title with the study's labels.
        points: Points ordered by setup, then epoch.
        setups_left_out: Number of setups for which there was no room.
        form: Name and format of the objective.
        unit: Unit of the energies.
    """

    name: str
    title: str
    points: tuple[EpochPoint, ...]
    setups_left_out: int
    form: ScoreForm
    unit: EnergyUnit


def epoch_curves_infos(findings: Findings) -> tuple[EpochCurvesInfo, ...]:
    """Compute the curves of each stage, in the order in which the stages first ran."""
    study = findings.study
    epochs = counted_epochs(study.epochs)
    stages: list[str] = list(epochs["stage"].drop_duplicates())
    shown = _shown(findings)
    return tuple(
        EpochCurvesInfo(
            name="epochs" if len(stages) == 1 else f"epochs_{_plain(stage)}",
            title=findings.titled(
                f"Energy and {findings.score.name} over the epochs"
                + (f": {stage}" if len(stages) > 1 else "")
            ),
            points=_points(findings, epochs[epochs["stage"] == stage], shown),
            setups_left_out=len(findings.setups) - len(shown),
            form=findings.score,
            unit=findings.unit,
        )
        for stage in stages
    )


def _shown(findings: Findings) -> tuple[int, ...]:
    """Return the setups to draw: all, or the best ranked ones that there is room for."""
    return tuple(row.setup.setup for row in findings.ranking.rows[:MOST_SETUPS])


def _points(
    findings: Findings, epochs: pd.DataFrame, shown: Sequence[int]
) -> tuple[EpochPoint, ...]:
    series = series_of(findings.study.manifest)
    facts = {each.setup: each for each in findings.setups}
    kept = epochs[epochs["setup"].isin(shown)]
    if kept.empty:
        return ()
    kept = kept[kept["epoch"].isin(_thinned(int(kept["epoch"].max())))]
    means = kept.groupby(["setup", "epoch"], sort=True).agg(
        repeats=("trial_id", "nunique"),
        energy_j=("epoch_energy_j", "mean"),
        score=("val_score", "mean"),
    )
    return tuple(
        EpochPoint(
            setup=int(row["setup"]),
            batch_size=facts[int(row["setup"])].batch_size,
            series=series(int(row["setup"]), facts[int(row["setup"])].learning_rate),
            epoch=int(row["epoch"]),
            repeats=int(row["repeats"]),
            energy=None
            if (joules := _known(row, "energy_j")) is None
            else joules / findings.unit.joules,
            score=findings.score.shown(_known(row, "score")),
            chosen=int(row["setup"]) == findings.recommendation.setup,
        )
        for row in means.reset_index().to_dict("records")
    )


def _thinned(last: int) -> list[int]:
    """Return evenly spaced epochs from 1 to the last, at most as many as a figure can show."""
    count = min(last, _MOST_EPOCHS)
    return [int(each) for each in np.unique(np.linspace(1, last, count).round())]


def _known(row: dict[Hashable, Any], name: str) -> float | None:
    value = float(row[name])
    return None if np.isnan(value) else value


def _plain(stage: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in stage)
