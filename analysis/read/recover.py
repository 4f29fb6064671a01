"""Recovery of an unfinished study from Ray Tune's files.

Ray Tune writes one `result.json` per trial, with one JSON object per line, flushed after every
report; the fields of `EpochRecord` are among its keys. The last line is truncated if a worker was
killed.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.quantities import count_text
from analysis.read.counted import counted_epochs
from analysis.read.typed import column_names, typed_frame
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import CUTS_EPOCH, StopReason, TrialStatus

_LOST = (StopReason.ERROR.value,)
COMPONENTS = ("gpu_energy_j", "cpu_energy_j", "memory_energy_j", "node_energy_j")


def epochs_from_results(folder: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read the epochs of every trial folder's `result.json`.

    Returns:
        The epochs, and a note for each file with lines that could not be read.
    """
    rows: list[dict[str, Any]] = []
    notes = []
    for path in sorted(folder.glob("*/result.json")):
        unread = 0
        with path.open("rb") as lines:
            for line in lines:
                try:
                    rows.append(EpochRecord.from_result(json.loads(line)).to_row())
                except (ValueError, KeyError, TypeError):
                    unread += 1
        if unread:
            notes.append(
                f"{path.parent.name}/{path.name}: {count_text(unread, 'line')} could not be read"
            )
    return typed_frame(rows, EpochRecord), tuple(notes)


def trials_from_epochs(epochs: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Reconstruct the rows of the trials from their epochs.

    A trial has ended if its last row has a stop reason, and failed if that reason is an error. The
    energy outside epochs is not known.

    Args:
        epochs: Rows with the columns of `EpochRecord`.
        objective: Validation metric that decides.
    """
    rows = [_trial_row(rows, objective) for _, rows in epochs.groupby("trial_id", sort=False)]
    return typed_frame(rows, TrialRecord)


def _trial_row(epochs: pd.DataFrame, objective: Objective) -> dict[str, Any]:
    attempts = int(epochs["attempt"].max())
    is_measured = epochs.loc[epochs["attempt"] < attempts, "epoch_energy_j"].notna().any()
    kept = counted_epochs(epochs)
    end = kept.iloc[-1]
    if end["stop_reason"] is None:
        status = TrialStatus.RUNNING
    else:
        status = TrialStatus.FAILED if end["stop_reason"] in _LOST else TrialStatus.FINISHED
    best_score = objective.best(kept["val_score"])
    methods = kept["energy_method"].dropna()
    same = column_names(TrialRecord)
    return {
        **{name: end[name] for name in same if name in kept.columns},
        "status": status.value,
        "error": None,
        "attempts": attempts,
        "epochs": int((~kept["stop_reason"].isin(CUTS_EPOCH)).sum()),
        "best_val_score": best_score,
        "best_epoch": None
        if best_score is None
        else kept.loc[kept["val_score"] == best_score, "epoch"].min(),
        "time_s": kept["epoch_time_s"].sum(),
        "energy_j": kept["epoch_energy_j"].sum(skipna=False),
        **{name: kept[name].sum(skipna=False) for name in COMPONENTS},
        "setup_energy_j": None,
        "between_energy_j": None,
        "wasted_energy_j": epochs["epoch_energy_j"].sum() - kept["epoch_energy_j"].sum()
        if is_measured or attempts == 1
        else None,
        "missing_epochs": int(kept["epoch_energy_j"].isna().sum()),
        "degraded_epochs": int((kept["energy_status"] == "degraded").sum()),
        "energy_method": methods.iloc[-1] if len(methods) else None,
        "energy_to_target_j": None,
    }
