"""Energy bill of a whole study, part by part, in joules."""

from dataclasses import dataclass

import pandas as pd

from analysis.energy.known import known_sum
from analysis.read.counted import counted_epochs
from study.record.trial_energy import BESIDE_EPOCHS, LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Measured energy of a whole study, including unfinished and lost trials.

    Attributes:
        epochs_j: Energy of the epochs that count; 0 without epochs, None if no epoch has an energy.
        setup_j: Energy before the trials' first epochs; None if it was never measured.
        between_j: Energy between epochs; None if it was never measured.
        test_j: Energy of testing the best weights; None if nothing was tested.
        wasted_j: Energy of lost attempts; 0 if there were none, None if it was never measured.
        missing_epochs: Number of epochs without an energy; the true bill is higher by their energy.
        missing_lost: Number of trials whose lost attempts were not measured; the true bill is higher
            by their energy.
        total_j: Sum of the measured parts, by the rule of `study.record.trial_energy`; None if nothing
            was measured, or if epochs were trained but none has an energy, since set-up energy
            alone says nothing about the training.
    """

    epochs_j: float | None
    setup_j: float | None
    between_j: float | None
    test_j: float | None
    wasted_j: float | None
    missing_epochs: int
    missing_lost: int
    total_j: float | None


def study_bill(epochs: pd.DataFrame, trials: pd.DataFrame) -> Bill:
    """Add up the energy of a study, by part and in total.

    Args:
        epochs: Rows with the columns of `EpochRecord`.
        trials: Rows with the columns of `TrialRecord`.
    """
    kept = counted_epochs(epochs)["epoch_energy_j"]
    epochs_j = 0.0 if kept.empty else known_sum(kept)
    lost = trials.loc[trials["attempts"] > 1, LOST]
    others_j = float(trials[[*BESIDE_EPOCHS, LOST]].sum().sum())
    is_known = epochs_j is not None and (others_j > 0 or not kept.empty)
    return Bill(
        epochs_j=epochs_j,
        total_j=(epochs_j or 0.0) + others_j if is_known else None,
        setup_j=known_sum(trials["setup_energy_j"]),
        between_j=known_sum(trials["between_energy_j"]),
        test_j=known_sum(trials["test_energy_j"]),
        wasted_j=0.0 if lost.empty else known_sum(lost),
        missing_epochs=int(kept.isna().sum()),
        missing_lost=int(lost.isna().sum()),
    )
