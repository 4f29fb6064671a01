"""Trainings of three epochs on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from study.scenario import Data
from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.task import plain_task
from tests.study.tiny import Tiny

CPU = torch.device("cpu")


def settings(**changes: Any) -> TrainingSettings:  # noqa: ANN401 - any field
    """Three epochs of batches of 8."""
    fields: dict[str, Any] = {
        "batch_size": 8,
        "learning_rate": 0.01,
        "max_epochs": 3,
        "patience": 100,
        "optimizer": "adam",
        "seed": 1,
    }
    return TrainingSettings(**{**fields, **changes})


class Windows:
    """Notes when a window was entered and left."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.log: list[str] = []

    @contextmanager
    def __call__(self, epoch: int) -> Iterator[None]:
        """A window around an epoch."""
        self.log.append(f"enter {epoch}")
        try:
            yield
        finally:
            self.log.append(f"leave {epoch}")


def trained(
    scenario: Tiny, points: Data, asked: TrainingSettings, windows: Windows | None = None
) -> list[EpochOutcome]:
    """All outcomes of a training on the CPU."""
    return list(
        train(lambda: plain_task(scenario, points), asked, device=CPU, window=windows or Windows())
    )
