"""Small scenarios with an encoder that can be pretrained, or with two or three tasks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.sensor import SensorClassifier, SensorDecoder
from study.scenario import Arrays, Data
from tests.study.tiny import Tiny, data

CLASSES = 3


def waves(count: int = 40, *, seed: int = 0) -> Data:
    """Sine waves in two channels, classified by their frequency."""
    draw = np.random.default_rng(seed)
    targets = draw.integers(CLASSES, size=count)
    time = np.arange(16)
    inputs = np.sin(time * (1 + targets[:, None, None]) + draw.normal(size=(count, 2, 1)))
    arrays = Arrays(inputs=inputs.astype(np.float32), targets=targets)
    return Data(
        train=arrays, val=arrays, classes=("a", "b", "c"), synthetic=True, description="waves"
    )


class Waves:
    """The project's sensor network, trained on `waves`."""

    name = "waves"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """The waves."""
        return waves(seed=seed)

    def network(self, data: Data) -> nn.Module:
        """A classifier with an encoder."""
        return SensorClassifier(channels=2, classes=len(data.classes))

    def decoder(self, data: Data) -> nn.Module:
        """The decoder of the autoencoder."""
        return SensorDecoder(channels=2, time=data.train.inputs.shape[2])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Accuracy."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).to(torch.float32).mean()}


class Pairs(Tiny):
    """A scenario with two tasks on the same points: their class, and whether each coordinate is positive."""

    name = "pairs"
    tasks: tuple[str, ...] = ("attributes", "identity")

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """Points with a target column for the class and one for each attribute."""
        points = data(seed=seed)
        parts = [
            Arrays(
                inputs=part.inputs,
                targets=np.column_stack([part.targets, part.inputs > 0]).astype(np.int64),
            )
            for part in (points.train, points.val)
        ]
        return Data(
            train=parts[0],
            val=parts[1],
            classes=points.classes,
            synthetic=True,
            description="points",
        )

    def task_network(self, data: Data, tasks: tuple[str, ...]) -> nn.Module:
        """A linear head for each task."""
        del data
        return Heads(tasks)

    def task_loss(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy of the class, or of each attribute."""
        if task == "identity":
            return functional.cross_entropy(outputs, targets[:, 0])
        return functional.binary_cross_entropy_with_logits(outputs, targets[:, 1:].float())

    def task_score(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Accuracy of the class, or of all attributes."""
        if task == "identity":
            return (outputs.argmax(dim=1) == targets[:, 0]).float().mean()
        return ((outputs > 0) == (targets[:, 1:] > 0)).float().mean()


class Trio(Pairs):
    """A scenario with three tasks on the same points: class, attributes, and the first attribute alone."""

    name = "trio"
    tasks = ("where", "which", "near")

    def task_loss(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of the corresponding task of `Pairs`."""
        return super().task_loss(*self._as_pair(task, outputs, targets))

    def task_score(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Score of the corresponding task of `Pairs`."""
        return super().task_score(*self._as_pair(task, outputs, targets))

    def _as_pair(self, task: str, outputs: Tensor, targets: Tensor) -> tuple[str, Tensor, Tensor]:
        if task == "near":
            return "attributes", outputs[:, :1], targets[:, :2]
        return ("identity" if task == "where" else "attributes"), outputs, targets


class Heads(nn.Module):
    """A network of one linear head per task."""

    def __init__(self, tasks: tuple[str, ...]) -> None:
        """Heads for `tasks`."""
        super().__init__()
        self.heads = nn.ModuleDict({task: nn.Linear(3, 3) for task in tasks})

    def forward(self, points: Tensor) -> dict[str, Tensor]:
        """Outputs by task."""
        return {task: head(points) for task, head in self.heads.items()}
