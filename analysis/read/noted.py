"""Epochs of which a note of the study says what was done with their energy: each is counted there, and nowhere else."""

import pandas as pd

from study.record.vocabulary import EnergyStatus

_NOTED = "noted"


def noted(epochs: pd.DataFrame) -> "pd.Series[bool]":
    """Return which of the epochs a note of the study speaks of."""
    if _NOTED not in epochs:
        return pd.Series(data=False, index=epochs.index)
    return epochs[_NOTED]


def with_note(epochs: pd.DataFrame, which: "pd.Series[bool]") -> pd.DataFrame:
    """Return the epochs, those of `which` as ones that a note speaks of."""
    return epochs.assign(**{_NOTED: noted(epochs) | which})


def left_out(epochs: pd.DataFrame, which: "pd.Series[bool]") -> pd.DataFrame:
    """Return the epochs, those of `which` without an energy and as ones that a note speaks of."""
    return with_note(epochs, which).assign(
        epoch_energy_j=epochs["epoch_energy_j"].mask(which),
        energy_status=epochs["energy_status"].mask(which, EnergyStatus.MISSING.value),
    )
