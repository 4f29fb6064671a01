"""All rows of studies as one tidy table with a row for each epoch, for R and spreadsheets.

The columns of a trial are repeated on each of its rows as `trial_...`, those of a study as `study_...`.
Columns that hold JSON are expanded into a column for each key, such as `parameter_alpha`,
`val_metric_accuracy` and `test_metric_accuracy`.
"""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.read.counted import counted_epochs
from analysis.read.load import Study

TEXTS = {
    "parameters": "parameter_",
    "val_metrics": "val_metric_",
    "test_metrics": "test_metric_",
}
"""Columns that hold JSON, and the prefixes of the columns that they are expanded into."""

OF_THE_EPOCH = ("study", "paradigm", "scenario", "setup", "batch_size", "effective_batch_size")
OF_THE_TRIAL = (*OF_THE_EPOCH, "learning_rate", "seed", "parameters", "test_metrics")
"""Columns of a trial that its epochs have already."""


def tidy_table(studies: Sequence[Study]) -> pd.DataFrame:
    """Return the epochs of studies, joined with the columns of their trials and studies.

    Units are joules, watts and seconds; missing values are NaN or None. The column `counts` is True if
    an epoch is part of its trial's training: epochs of lost attempts that were trained again do not
    count, although the study's energy bill includes them.
    """
    frames = [_of_one(each) for each in studies]
    if not frames:
        return pd.DataFrame()
    table = pd.concat(frames, ignore_index=True)
    unfolded = [name for name in table if str(name).startswith(tuple(TEXTS.values()))]
    return table.assign(**{str(name): _of_one_kind(table[name]) for name in unfolded})


def _of_one(study: Study) -> pd.DataFrame:
    epochs = study.epochs.copy()
    epochs["counts"] = epochs.index.isin(counted_epochs(study.epochs).index)
    trials = study.trials.drop(columns=[each for each in OF_THE_TRIAL if each in study.trials])
    trials = trials.rename(columns=lambda name: name if name == "trial_id" else f"trial_{name}")
    table = epochs.merge(trials, on="trial_id", how="left")
    for name, prefix in TEXTS.items():
        table = _unfolded(table, name, prefix)
    facts = _facts(study)
    return table.assign(**facts)


def _facts(study: Study) -> dict[str, Any]:
    """Return the columns that are the same for all epochs of a study."""
    manifest = study.manifest
    return {
        "study_status": manifest.status,
        "study_started_at": manifest.started_at,
        "study_finished_at": manifest.finished_at,
        "study_git_commit": manifest.git_commit,
        "study_objective": manifest.objective.name,
        "study_objective_mode": str(manifest.objective.mode),
        "study_objective_is_share": manifest.objective.is_share,
        "study_energy_of": str(manifest.energy_of),
        "study_data": manifest.data.description,
        "study_data_synthetic": manifest.data.synthetic,
        "study_folder": str(study.path),
        **_methods(study),
    }


def _methods(study: Study) -> dict[str, str]:
    """Return how each component's energy was obtained; `energy_method` is about the energy that ranks."""
    found: dict[str, set[str]] = {}
    for each in (each for node in study.manifest.nodes for each in node.components):
        found.setdefault(f"study_{each.component}_energy_method", set()).add(str(each.method))
    return {name: "+".join(sorted(methods)) for name, methods in found.items()}


def _unfolded(table: pd.DataFrame, name: str, prefix: str) -> pd.DataFrame:
    """Replace a column of JSON texts with a column for each key."""
    told = [json.loads(text) if isinstance(text, str) else {} for text in table[name]]
    names = sorted({key for each in told for key in each})
    made = {f"{prefix}{key}": [_plain(each.get(key)) for each in told] for key in names}
    return pd.concat([table.drop(columns=name), pd.DataFrame(made, index=table.index)], axis=1)


def _of_one_kind(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Convert a column of mixed types to strings, since parquet allows one type per column."""
    kinds = {
        bool if isinstance(v, bool) else str if isinstance(v, str) else float
        for v in column.dropna()
    }
    return column if len(kinds) < 2 else column.map(str, na_action="ignore")  # noqa: PLR2004 - mixed


def _plain(value: object) -> object:
    """Return a value that a cell can hold: lists and mappings become JSON text."""
    return json.dumps(value) if isinstance(value, list | dict) else value
