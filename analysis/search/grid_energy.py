"""Energy of the whole grid of a search: every setup trained once to its end."""

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
    """Return the energy of the whole grid in joules; measured where possible, otherwise estimated.

    A setup that was not trained to its end is assumed to take as many epochs as the complete trainings
    do on average, or `most` if there are none, each at the setup's mean energy per epoch, or at the
    mean of all setups if nothing was measured of it.

    Args:
        facts: All setups, by number.
        whole: Trainings that ended by themselves, including those of earlier studies. Trainings that
            ended at the target must not be among them, since their full length is unknown.
        epochs: Epochs of the search.
        most: Maximum number of epochs of a training.

    Returns:
        The energy; None if no epoch has an energy.
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
