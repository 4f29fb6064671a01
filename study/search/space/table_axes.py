"""Axes of a table of recorded epochs: the columns that were chosen rather than measured."""

import dataclasses
import json
from typing import Any, Final

import pandas as pd

from study.axes.kinds import POWER_LIMIT
from study.record.records import EpochRecord

ALWAYS: Final = ("batch_size", "learning_rate")

_PARAMETERS = "parameters"
_NO_AXES = frozenset(
    {*(each.name for each in dataclasses.fields(EpochRecord)), "synthetic", "setup_energy_j"}
)
"""Columns of our own tables, which are not axes whatever they contain."""


def with_parameters(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column for each further parameter of its setups, from their JSON."""
    if _PARAMETERS not in frame.columns or frame[_PARAMETERS].isna().all():
        return frame
    chosen = _parameters(frame)
    columns: dict[str, Any] = {
        name: [each.get(name) for each in chosen] for name in _chosen_in(frame)
    }
    return frame.assign(**columns)


def axes_of(frame: pd.DataFrame) -> list[str]:
    """Return the names of a table's axes: batch size, learning rate, and any further columns that are axes.

    Every training starts with epoch 1. A column is therefore an axis if each of its values occurs in an
    epoch 1, for each setup and seed that has it; a measured column changes during a training, and so has
    values that do not. A column with a single value distinguishes nothing and is not an axis. The power
    limit is an axis where setups chose it and in tables that are not ours; in our own tables it is
    otherwise what the board reported.
    """
    is_ours = "trial_id" in frame.columns
    chosen = set(_chosen_in(frame)) if is_ours else {POWER_LIMIT}
    own = [
        str(column)
        for column in frame.columns
        if (column not in _NO_AXES or column in chosen) and len(frame[column].unique()) > 1
    ]
    return [*ALWAYS, *(column for column in own if _is_axis(frame, column))]


def _parameters(frame: pd.DataFrame) -> list[dict[str, Any]]:
    if _PARAMETERS not in frame.columns:
        return []
    return [json.loads(text) if isinstance(text, str) else {} for text in frame[_PARAMETERS]]


def _chosen_in(frame: pd.DataFrame) -> list[str]:
    """Return the names of further parameters that setups chose, in order of appearance."""
    return list(dict.fromkeys(name for each in _parameters(frame) for name in each))


def _is_axis(frame: pd.DataFrame, column: str) -> bool:
    first = frame.groupby([*ALWAYS, "seed", column], dropna=False)["epoch"].min()
    return bool((first == 1).all())
