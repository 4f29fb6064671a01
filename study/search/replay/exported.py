"""Tables from `python -m analysis export`, and the check for objectives that a replay cannot search."""

import json
from contextlib import suppress
from pathlib import Path

import pandas as pd

from study.errors import OptionError
from study.record.manifest import Manifest
from study.record.trial_energy import BESIDE_EPOCHS

_OF_EXPORT = "study_objective_mode"
_FOUND = ("counts", "study_", "trial_", "val_metric_", "test_metric_")
"""Columns that an export adds to the epochs, by the start of their names."""


def _modes(frame: pd.DataFrame) -> dict[str, str]:
    """Return the modes of an export's objectives, by their names; empty for other tables."""
    if _OF_EXPORT not in frame.columns:
        return {}
    return dict(zip(frame["study_objective"], frame[_OF_EXPORT], strict=True))


def of_export(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert a table of `python -m analysis export` back to the epochs of a study; return others as they are.

    The columns with results per trial are dropped.
    """
    if _OF_EXPORT not in frame.columns:
        return frame
    beside = [f"trial_{name}" for name in BESIDE_EPOCHS if f"trial_{name}" in frame.columns]
    chosen = [name for name in map(str, frame.columns) if name.startswith("parameter_")]
    found = [
        name for name in map(str, frame.columns) if name.startswith(_FOUND) and name != "trial_id"
    ]
    plain = frame.drop(columns=[*found, *chosen]).assign(
        setup_energy_j=frame[beside].sum(axis=1, min_count=1)
    )
    if not chosen:
        return plain
    rows = json.loads(frame[chosen].to_json(orient="records"))
    texts = [
        json.dumps({key.removeprefix("parameter_"): value for key, value in row.items()})
        for row in rows
    ]
    return plain.assign(parameters=texts)


def refuse_minimised(manifest: Path, frame: pd.DataFrame, *, name: str) -> None:
    """Refuse a study whose objective is minimised, since a replay maximises the score.

    Args:
        manifest: Path of the study's manifest, which need not exist.
        frame: The table.
        name: Name of the table in messages.

    Raises:
        OptionError: The objective is to be minimised.
    """
    modes = _modes(frame)
    with suppress(OSError, ValueError):  # a table without a manifest of ours
        objective = Manifest.from_json(manifest.read_text(encoding="utf-8")).objective
        modes[objective.name] = objective.mode
    for objective_name, mode in modes.items():
        if mode != "min":
            continue
        message = (
            f"replay {name}: its objective {objective_name} is to be small, and a replay searches "
            "for the largest val_score. Give a table with the negative values, as epochs.csv."
        )
        raise OptionError(message)
