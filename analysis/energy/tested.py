"""Accuracies on a test set: on data that decided nothing."""

import pandas as pd

from analysis.read.counted import counted_epochs

_COLUMN = "test_score"


def test_accuracy(epochs: pd.DataFrame, setup: int) -> float | None:
    """Mean accuracy of a setup's trainings on the test set; None where there is none.

    Args:
        epochs: Of the ranked stage, the columns of `EpochRecord`. The score stands on the last row
            of a stage, of the weights of its best epoch.
        setup: Number of the setup.
    """
    if _COLUMN not in epochs.columns:
        return None
    own = counted_epochs(epochs[epochs["setup"] == setup]).sort_values("epoch", kind="stable")
    scores = own.dropna(subset=[_COLUMN]).groupby("trial_id")[_COLUMN].last()
    return float(scores.mean()) if len(scores) else None
