"""Small replay tables."""

import pandas as pd

from study.search.replay.table import ReplayTable, table_of

Curve = tuple[list[float], float]
"""Accuracy after each epoch, and the energy of an epoch in joules."""


def rows_of(curves: dict[tuple[int, float], list[Curve]]) -> pd.DataFrame:
    """Rows of trainings by batch size and learning rate, one curve per seed; an epoch takes a second."""
    return pd.DataFrame(
        [
            {
                "batch_size": batch_size,
                "learning_rate": rate,
                "seed": seed,
                "epoch": epoch,
                "val_score": accuracy,
                "epoch_energy_j": joules,
                "epoch_time_s": 1.0,
            }
            for (batch_size, rate), many in curves.items()
            for seed, (accuracies, joules) in enumerate(many)
            for epoch, accuracy in enumerate(accuracies, start=1)
        ]
    )


def four_setups() -> ReplayTable:
    """Table of four setups: a frugal one, a costly one, a slow one, and one that never reaches the target."""
    return table_of(
        rows_of(
            {
                (64, 0.1): [([0.2, 0.2, 0.2, 0.2], 2.0)],
                (64, 0.01): [([0.5, 0.9, 0.9, 0.9], 2.0)],
                (256, 0.1): [([0.3, 0.5, 0.7, 0.9], 3.0)],
                (256, 0.01): [([0.6, 0.9, 0.9, 0.9], 4.0)],
            }
        ),
        name="four",
    )
