"""Tables of `python -m analysis export`, and the objective of a table."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from study.errors import OptionError
from study.record.manifest import Manifest
from study.record.objective import ACCURACY, Objective
from study.record.trial_energy import BESIDE_EPOCHS

_OF_EXPORT = "study_objective_mode"
_IS_SHARE = "study_objective_is_share"
_FOUND = ("counts", "study_", "trial_", "val_metric_", "test_metric_")
"""Columns that an export adds to the epochs, by the start of their names."""


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


def objective_of(manifest: Path, frame: pd.DataFrame, *, name: str) -> Objective:
    """Return the objective of a table, from its study or from its columns.

    A table of another origin names no objective; its scores are taken for shares if all lie in [0, 1].

    Args:
        manifest: Path of the `study.json` beside the table, which need not exist.
        frame: The table, as it was read.
        name: Name of the table in messages.

    Raises:
        OptionError: The objective is to be minimised, whereas a replay takes the largest score for the best;
            or the table has several objectives, or its study's manifest is damaged.
    """
    found = _of_export(frame)
    if not found:
        found = _of_study(manifest, name)
    for each in sorted(found, key=str):
        if each.mode == "min":
            message = (
                f"replay {name}: its objective {each.name} is to be small, and a replay searches "
                "for the largest val_score. Give a table with the negative values, as epochs.csv."
            )
            raise OptionError(message)
    if len(found) > 1:
        names = " and ".join(sorted(map(str, found)))
        message = (
            f"replay {name} has studies of several objectives, {names}, whose scores cannot be "
            "compared. Give those of one."
        )
        raise OptionError(message)
    if found:
        return found.pop()
    if "val_accuracy" in frame.columns:  # of version 0.1, which had no other
        return ACCURACY
    return Objective("val_score", is_share=_is_share(frame.get("val_score")))


def _of_study(manifest: Path, name: str) -> set[Objective]:
    """Return the objective of the study beside a table; empty if there is no study."""
    try:
        return {Manifest.from_json(manifest.read_text(encoding="utf-8")).objective}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        message = f"replay {name}: {manifest}, which names the objective, cannot be read: {error}"
        raise OptionError(message) from error


def _of_export(frame: pd.DataFrame) -> set[Objective]:
    """Return the objectives of the studies in an export; empty for other tables."""
    if _OF_EXPORT not in frame.columns:
        return set()
    columns = [each for each in ("study_objective", _OF_EXPORT, _IS_SHARE) if each in frame.columns]
    return {
        Objective(name, mode, bool(share[0]) if share else name == ACCURACY.name)
        for name, mode, *share in frame[columns].drop_duplicates().itertuples(index=False)
    }


def _is_share(scores: "pd.Series[Any] | None") -> bool:
    """Return whether all scores that are known can be shares."""
    known = pd.to_numeric(pd.Series() if scores is None else scores, errors="coerce").dropna()
    return bool(known.between(0.0, 1.0).all())
