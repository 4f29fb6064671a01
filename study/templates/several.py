"""Regression with several outputs: three body measurements predicted from three exercises.

    python -m study.regime --scenario FILE:Mine --smoke

The table is scikit-learn's Linnerud data set of 20 people (pip install 'power-of-training[sample]'). It is
far too small to learn much from, but shows how several targets are trained together and scored separately.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from study import Arrays, Data, Objective, StudyError

MEASURES = ("weight", "waist", "pulse")
TRAINED = 14


class Mine:
    """Prediction of weight, waist and pulse, each standardised to mean 0 and deviation 1."""

    name = "exercises"
    objective = Objective("mean_error", mode="min")

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Standardise the table, and split it into 14 people for training and 6 for validation."""
        if data_dir is not None:
            message = f"--data-dir {data_dir}: the table comes with scikit-learn; leave it out."
            raise StudyError(message)
        try:
            from sklearn.datasets import load_linnerud  # noqa: PLC0415 - an extra
        except ImportError as error:
            message = f"{error}. Install the data: pip install 'power-of-training[sample]'"
            raise StudyError(message) from error
        order = np.random.default_rng(seed).permutation(20)
        columns = [
            ((table - table[order[:TRAINED]].mean(axis=0)) / table[order[:TRAINED]].std(axis=0))
            for table in load_linnerud(return_X_y=True)
        ]
        exercises, measures = (each.astype(np.float32) for each in columns)
        train, val = (
            Arrays(inputs=exercises[part], targets=measures[part])
            for part in (order[:TRAINED], order[TRAINED:])
        )
        return Data(
            train=train,
            val=val,
            synthetic=False,
            description="exercises of 20 people (scikit-learn)",
        )

    def network(self, data: Data) -> nn.Module:
        """Return a network with one hidden layer."""
        inputs, outputs = data.train.inputs.shape[1], data.train.targets.shape[1]
        return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over all measurements."""
        return functional.mse_loss(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Mean absolute error over all measurements, the objective, and of each one."""
        errors = (outputs - targets).abs().mean(dim=0)
        by_measure = {f"{name}_error": each for name, each in zip(MEASURES, errors, strict=True)}
        return {"mean_error": errors.mean(), **by_measure}
