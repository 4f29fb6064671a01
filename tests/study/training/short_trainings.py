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
    """Settings of three epochs with batches of 8."""
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
    """A log of the windows that were entered and left."""

    def __init__(self) -> None:
        """An empty log."""
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
    scenario: Tiny, points: Data, own_settings: TrainingSettings, windows: Windows | None = None
) -> list[EpochOutcome]:
    """Outcomes of a training on the CPU."""
    window = windows or Windows()
    return list(
        train(lambda: plain_task(scenario, points), own_settings, device=CPU, window=window)
    )
