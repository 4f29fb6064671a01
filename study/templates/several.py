"""Several outputs at once: three measures of a body from three exercises.

    python -m study.regime --scenario FILE:Mine --smoke

The table is scikit-learn's of 20 people (pip install 'power-of-training[sample]'; Linnerud's exercises).
It is far too small to learn much from: it shows how more than one target is trained and told apart.
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
    """Weight, waist and pulse, each with mean 0 and deviation 1."""

    name = "exercises"
    objective = Objective("mean_error", mode="min")

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """14 people to train on and 6 to validate."""
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
        """One layer between."""
        inputs, outputs = data.train.inputs.shape[1], data.train.targets.shape[1]
        return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over all measures."""
        return functional.mse_loss(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Mean error over the measures, which decides, and of each."""
        errors = (outputs - targets).abs().mean(dim=0)
        by_measure = {f"{name}_error": each for name, each in zip(MEASURES, errors, strict=True)}
        return {"mean_error": errors.mean(), **by_measure}
