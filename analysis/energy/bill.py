"""The energy bill of a whole study, part by part. Joules."""

from dataclasses import dataclass

import pandas as pd

from analysis.energy.known import known_sum
from analysis.read.counted import counted_epochs
from study.record.trial_energy import BESIDE_EPOCHS, LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Energy of a whole study, unfinished and lost trials included, as far as it was measured.

    Attributes:
        epochs_j: Epochs that count; 0 without one, None where no epoch has an energy.
        setup_j: Before the first epochs; None where it was never measured.
        between_j: Between epochs; None where it was never measured.
        test_j: Tests of the best weights; None where nothing was tested.
        wasted_j: Attempts that were lost: 0 where none was; None where it was never measured.
        missing_epochs: Epochs without an energy: the bill is higher by what they used.
        missing_lost: Trials of whose lost attempts there is no reading, likewise.
        total_j: Sum of what was measured, by the rule of `study.record.trial_energy`; None where nothing
            was, or epochs were trained of which none has an energy, since a bill of set-ups alone
            says nothing of the training.
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
    """Add up the energy of a study, each part for itself."""
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
