"""The smallest scenarios, with a network of one layer, whose results can be computed by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from study.scenario import Arrays, Data


def data(train: int = 24, val: int = 10, *, classes: int = 3, seed: int = 0) -> Data:
    """Points whose class is the largest of their `classes` coordinates."""
    draw = np.random.default_rng(seed)
    parts = [draw.normal(size=(count, classes)).astype(np.float32) for count in (train, val)]
    arrays = [Arrays(inputs=part, targets=part.argmax(axis=1)) for part in parts]
    return Data(
        train=arrays[0],
        val=arrays[1],
        classes=tuple("abcdefgh"[:classes]),
        synthetic=True,
        description="points",
    )


class Tiny:
    """A scenario of one linear layer, which keeps the networks it made for tests to inspect."""

    name = "tiny"

    def __init__(self) -> None:
        """No networks yet."""
        self.networks: list[nn.Module] = []

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """The points."""
        return data(seed=seed)

    def network(self, data: Data) -> nn.Module:
        """A linear classifier."""
        self.networks.append(self.make(data.train.inputs.shape[1], len(data.classes)))
        return self.networks[-1]

    def make(self, features: int, classes: int) -> nn.Module:
        """Network for this number of features and classes; variants override it."""
        return nn.Linear(features, classes)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Accuracy and another metric."""
        is_right = (outputs.argmax(dim=1) == targets).to(torch.float32)
        return {"accuracy": is_right.mean(), "margin": outputs.max(dim=1).values.mean()}


class Demanding(Tiny):
    """A scenario that cannot be created without an argument."""

    def __init__(self, size: int) -> None:
        """Require a size."""
        super().__init__()
        self.size = size


class Half:
    """An incomplete scenario, with a name and data but nothing to train."""

    name = "half"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """The points."""
        return data(seed=seed)


READY = Tiny()
"""A scenario given as an object instead of a class."""
