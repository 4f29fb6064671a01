"""Energy that every setup of a search would cost, each trained once to its end."""

from collections.abc import Mapping, Sequence
from statistics import fmean

import pandas as pd

from study.record.manifest import SetupFacts
from study.record.records import TrialRecord


def grid_j(
    facts: Mapping[int, SetupFacts],
    whole: Sequence[TrialRecord],
    epochs: pd.DataFrame,
    *,
    most: int,
) -> float | None:
    """Return the grid's energy: what was measured of whole trainings, else an estimate or a limit.

    A setup that was not trained to its end is taken to have as many epochs as the whole trainings
    on average, each at its own mean energy, or where none of it was measured at the mean of all. How long one
    would have gone on that ended at the target nobody knows, so such ones tell no length.

    Args:
        facts: All setups.
        whole: Trainings that came to their own end, of earlier studies too.
        epochs: Of the search.
        most: Epochs after which a training ends at the latest.
    """
    if not epochs["epoch_energy_j"].notna().any():
        return None
    to_end: dict[int, list[float]] = {}
    for trial in whole:
        to_end.setdefault(trial.setup, []).append(trial.energy_j or 0.0)
    length = fmean(each.epochs for each in whole) if whole else float(most)
    each_j = epochs.groupby("setup")["epoch_energy_j"].mean().dropna().to_dict()
    mean_j = float(epochs["epoch_energy_j"].mean())
    return sum(
        fmean(to_end[n]) if n in to_end else length * float(each_j.get(n, mean_j)) for n in facts
    )
