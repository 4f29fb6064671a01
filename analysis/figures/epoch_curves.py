"""Energy and accuracy over the epochs, as a record.

A point is the mean over the repeats that got as far as its epoch. Long trainings are thinned out
to as many epochs as a picture can show; no value is made up in between.
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
        setup: Its number.
        batch_size: The panel that it stands in.
        series: The line that it belongs to: learning rate, and what else the setup chooses.
        epoch: From 1 within the stage.
        repeats: Number of repeats that reached it.
        energy: Mean energy of the epoch, in the study's unit; None where no repeat has one.
        score: Mean value of the objective, a share in percent; None where the stage has none.
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
    """The curves of one stage before they are drawn.

    Attributes:
        name: Short; the name of its files.
        title: With labels.
        points: By setup, then by epoch.
        setups_left_out: Setups for which there was no room.
        form: How the objective is named and written.
        unit: Of the energies.
    """

    name: str
    title: str
    points: tuple[EpochPoint, ...]
    setups_left_out: int
    form: ScoreForm
    unit: EnergyUnit


def epoch_curves_infos(findings: Findings) -> tuple[EpochCurvesInfo, ...]:
    """The curves of each stage, in the order in which the stages first ran."""
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
    """The setups that are drawn: all, or as many of the ranking's first as there is room for."""
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
    """Epochs from 1 to the last, evenly, never more than a picture can show."""
    count = min(last, _MOST_EPOCHS)
    return [int(each) for each in np.unique(np.linspace(1, last, count).round())]


def _known(row: dict[Hashable, Any], name: str) -> float | None:
    value = float(row[name])
    return None if np.isnan(value) else value


def _plain(stage: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in stage)
