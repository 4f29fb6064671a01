"""Accuracy on the test set, which was used neither for training nor for selection."""

import pandas as pd

from analysis.read.counted import counted_epochs

_COLUMN = "test_score"


def test_accuracy(epochs: pd.DataFrame, setup: int) -> float | None:
    """Return the mean test accuracy of a setup's trainings; None if none was tested.

    Args:
        epochs: Rows of the ranked stage, with the columns of `EpochRecord`. The last row of a stage
            holds the test score of the weights of its best epoch.
        setup: Number of the setup.
    """
    if _COLUMN not in epochs.columns:
        return None
    own = counted_epochs(epochs[epochs["setup"] == setup]).sort_values("epoch", kind="stable")
    scores = own.dropna(subset=[_COLUMN]).groupby("trial_id")[_COLUMN].last()
    return float(scores.mean()) if len(scores) else None
