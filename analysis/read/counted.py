"""Selection of the epochs that are part of a trial's training, among all that were run."""

import pandas as pd

from study.record.attempts import counted


def counted_epochs(epochs: pd.DataFrame) -> pd.DataFrame:
    """Drop the epochs of lost attempts that were trained again, by the rule of `study.record.attempts`."""
    several = epochs.groupby("trial_id", sort=False)["attempt"].transform("nunique") > 1
    if not several.any():
        return epochs
    lost = []
    for _, rows in epochs[several].groupby("trial_id", sort=False):
        places = list(zip(rows["attempt"], rows["stage"], rows["epoch"], strict=True))
        kept = counted(places)
        lost += [at for at, place in zip(rows.index, places, strict=True) if place not in kept]
    return epochs.drop(index=lost)
