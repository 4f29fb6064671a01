"""Classification of arrays: change `load` to read your data, and `network` to your own.

    python -m study.regime --scenario FILE:Mine --smoke

Without --data-dir it trains on random points that are generated here.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from study import Arrays, Data

CLASSES = ("left", "middle", "right")


class Mine:
    """Classification of points by which of three clouds they belong to."""

    name = "mine"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read and split the data; called once, before the trials."""
        if data_dir is None:
            draw = np.random.default_rng(seed)
            labels = draw.integers(len(CLASSES), size=600)
            points = draw.normal(size=(600, 2)) + 2 * labels[:, None]
        else:
            table = np.loadtxt(data_dir / "points.csv", delimiter=",")
            points, labels = table[:, :-1], table[:, -1].astype(np.int64)
        inputs, targets = points.astype(np.float32), labels
        ends = (len(inputs) * 6 // 10, len(inputs) * 8 // 10)
        train, val, test = (
            Arrays(inputs=some, targets=wanted)
            for some, wanted in zip(np.split(inputs, ends), np.split(targets, ends), strict=True)
        )
        return Data(
            train=train,
            val=val,  # decides when a training stops, and which setup is best
            test=test,  # decides nothing; shows how good that setup is
            classes=CLASSES,
            synthetic=data_dir is None,
            description=f"{len(inputs)} points of {len(CLASSES)} clouds",
        )

    def network(self, data: Data) -> nn.Module:
        """Return a new network; the seed is already set."""
        features = data.train.inputs.shape[1]
        return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, len(data.classes)))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of a batch; shape ()."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Mean metrics of a batch; `accuracy` is the objective, and you may add others."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).float().mean()}
