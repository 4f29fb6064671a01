"""Regression on a table: real-valued targets, and an objective that is minimised.

    python -m study.regime --scenario FILE:Mine --smoke

The table is scikit-learn's diabetes data set (pip install 'power-of-training[sample]'): ten measurements of
442 people, and the progression of the disease one year later (Efron et al., 2004).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from study import Arrays, Data, Objective, StudyError

HELD_OUT = 88  # people each for validation and test


class Mine:
    """Progression of diabetes, on a scale of its own (25 to 346)."""

    name = "diabetes"
    objective = Objective("rmse", mode="min")

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Split people at random, and standardise the inputs by mean and deviation of the training part."""
        if data_dir is not None:
            message = f"--data-dir {data_dir}: the table comes with scikit-learn; leave it out."
            raise StudyError(message)
        try:
            from sklearn.datasets import load_diabetes  # noqa: PLC0415 - an extra
        except ImportError as error:
            message = f"{error}. Install the data: pip install 'power-of-training[sample]'"
            raise StudyError(message) from error
        values, progress = load_diabetes(return_X_y=True)
        order = np.random.default_rng(seed).permutation(len(values))
        ends = (len(values) - 2 * HELD_OUT, len(values) - HELD_OUT)
        parts = np.split(order, ends)
        mean, deviation = values[parts[0]].mean(axis=0), values[parts[0]].std(axis=0)
        train, val, test = (
            Arrays(
                inputs=((values[part] - mean) / deviation).astype(np.float32),
                targets=progress[part].astype(np.float32)[:, None],
            )
            for part in parts
        )
        return Data(
            train=train,
            val=val,
            test=test,
            synthetic=False,
            description=f"diabetes of {len(values)} people (scikit-learn)",
        )

    def network(self, data: Data) -> nn.Module:
        """Return two layers whose output starts at the mean of the training targets."""
        head = nn.Linear(64, 1)
        nn.init.constant_(head.bias, float(data.train.targets.mean()))
        return nn.Sequential(nn.Linear(data.train.inputs.shape[1], 64), nn.ReLU(), head)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error."""
        return functional.mse_loss(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Root mean squared error, the objective, and mean absolute error, on the scale of the targets."""
        error = outputs - targets
        return {"rmse": error.square().mean().sqrt(), "mean_error": error.abs().mean()}
