"""Axes of a table of recorded epochs: the columns that were chosen, not measured."""

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
"""Columns of ours that are none, whatever they hold."""


def with_parameters(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a column for each further parameter of its setups, as studies record them."""
    if _PARAMETERS not in frame.columns or frame[_PARAMETERS].isna().all():
        return frame
    chosen = _parameters(frame)
    columns: dict[str, Any] = {
        name: [each.get(name) for each in chosen] for name in _chosen_in(frame)
    }
    return frame.assign(**columns)


def axes_of(frame: pd.DataFrame) -> list[str]:
    """Batch size, learning rate, and every column of a user's own that is an axis, too.

    A limit of power is one where setups chose it, and in a table of others; what a board of ours said
    of itself is none. A training begins with epoch 1. So a column is an axis if each of its values, with one setup and
    seed, has that epoch; one that was measured changes on the way, and has values without it. A
    column with a single value tells nothing apart and is none.
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
    """The names of further parameters that setups chose, in their order."""
    return list(dict.fromkeys(name for each in _parameters(frame) for name in each))


def _is_axis(frame: pd.DataFrame, column: str) -> bool:
    first = frame.groupby([*ALWAYS, "seed", column], dropna=False)["epoch"].min()
    return bool((first == 1).all())
