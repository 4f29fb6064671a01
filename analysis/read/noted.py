"""Marks on epochs whose energy was left out or extrapolated and that a note of the study counts.

Later notes skip the marked epochs, so that each epoch is counted in one note only.
"""

import pandas as pd

from study.record.vocabulary import EnergyStatus

_NOTED = "noted"


def is_noted(epochs: pd.DataFrame) -> "pd.Series[bool]":
    """Return a mask of the epochs that a note of the study already counts."""
    if _NOTED not in epochs:
        return pd.Series(data=False, index=epochs.index)
    return epochs[_NOTED]


def with_note(epochs: pd.DataFrame, which: "pd.Series[bool]") -> pd.DataFrame:
    """Mark the epochs of `which` as counted in a note."""
    return epochs.assign(**{_NOTED: is_noted(epochs) | which})


def without_energy(epochs: pd.DataFrame, which: "pd.Series[bool]") -> pd.DataFrame:
    """Remove the energy of the epochs of `which`, and mark them as counted in a note."""
    return with_note(epochs, which).assign(
        epoch_energy_j=epochs["epoch_energy_j"].mask(which),
        energy_status=epochs["energy_status"].mask(which, EnergyStatus.MISSING.value),
    )
