"""Scenarios that train within moments, for tests of everything around the training."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from study.scenario import Arrays, Data

BLOBS = 3


class Tiny:
    """Three clouds of points, which a small network separates at once."""

    name = "tiny"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs no folder
        """2,000 points of 64 numbers."""
        random = np.random.default_rng(seed)
        targets = random.integers(BLOBS, size=2_000)
        inputs = random.normal(size=(2_000, 64)) + targets[:, None]
        arrays = Arrays(inputs=inputs.astype(np.float32), targets=targets)
        return Data(
            train=arrays,
            val=Arrays(inputs=arrays.inputs[:300], targets=targets[:300]),
            classes=("a", "b", "c"),
            synthetic=True,
            description="clouds of points",
        )

    def network(self, data: Data) -> nn.Module:
        """Two layers, wide enough that an epoch is long enough to be measured."""
        width = 1024
        return nn.Sequential(
            nn.Linear(data.train.inputs.shape[1], width), nn.ReLU(), nn.Linear(width, BLOBS)
        )

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Share of points that are classified correctly."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).to(torch.float32).mean()}


class Troubled(Tiny):
    """A scenario that runs out of memory at batch size 32, raises a bug at 128 and diverges at 256."""

    name = "troubled"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Fail as the class says; neither the warm-up (64 samples) nor validation (300) does."""
        if len(targets) == 32:
            message = "CUDA out of memory. Tried to allocate 2.00 GiB"
            raise torch.OutOfMemoryError(message)
        if len(targets) == 128:
            message = "a bug in the user's own loss"
            raise ZeroDivisionError(message)
        factor = float("inf") if len(targets) == 256 else 1.0
        return super().loss(outputs, targets) * factor


class Together(Tiny):
    """A scenario that fails in the second of two processes which train together.

    Which failure it is depends on the process's share of the batch: 16 samples run out of memory, 64 raise a
    bug, and with 128 the process is killed in its second epoch. The file that the environment variable DIED
    names then records that, so that the process is killed once only.
    """

    name = "together"
    batches = 0

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Fail as the class says; a whole batch of 64, a share of 32, is trained as usual."""
        is_second = distributed.is_initialized() and distributed.get_rank() == 1
        if is_second and len(targets) == 16:
            message = "CUDA out of memory. Tried to allocate 2.00 GiB"
            raise torch.OutOfMemoryError(message)
        if is_second and len(targets) == 64:
            message = "a bug in one process of two"
            raise ZeroDivisionError(message)
        died = Path(os.environ.get("DIED", "/"))
        if is_second and len(targets) == 128 and not died.exists():
            self.batches += 1
            if self.batches > 12:  # an epoch has 7 such batches
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(outputs, targets)


class Sleepy(Tiny):
    """A scenario that takes time but hardly any CPU, so that many trials fit on a machine."""

    name = "sleepy"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sleep once for each batch."""
        time.sleep(0.02)
        return super().loss(outputs, targets)

    def network(self, data: Data) -> nn.Module:
        """A single linear layer."""
        return nn.Linear(data.train.inputs.shape[1], BLOBS)
