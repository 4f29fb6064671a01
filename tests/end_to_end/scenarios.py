"""Scenarios that train in moments, for tests of everything around the training."""

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
    """Three clouds of points, which a small network tells apart at once."""

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
        """Two layers; wide, so that an epoch takes long enough to be measured."""
        width = 1024
        return nn.Sequential(
            nn.Linear(data.train.inputs.shape[1], width), nn.ReLU(), nn.Linear(width, BLOBS)
        )

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Share of points that were recognised."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).to(torch.float32).mean()}


class Troubled(Tiny):
    """A batch of 32 takes more memory than there is, one of 128 has a bug, one of 256 diverges."""

    name = "troubled"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See the class; the warm-up has 64 samples, and validation 300."""
        if len(targets) == 32:
            message = "CUDA out of memory. Tried to allocate 2.00 GiB"
            raise torch.OutOfMemoryError(message)
        if len(targets) == 128:
            message = "a bug in the user's own loss"
            raise ZeroDivisionError(message)
        factor = float("inf") if len(targets) == 256 else 1.0
        return super().loss(outputs, targets) * factor


class Together(Tiny):
    """In the second of two processes that train together: memory, a bug, or the end of it, once.

    By what is its part of a batch; it ends in the second epoch, unless the file DIED is there.
    """

    name = "together"
    batches = 0

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See the class; a batch of 64 is trained as any."""
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
    """Trains for some time without using a processor, so that many fit on a machine."""

    name = "sleepy"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A rest for each batch."""
        time.sleep(0.02)
        return super().loss(outputs, targets)

    def network(self, data: Data) -> nn.Module:
        """One layer."""
        return nn.Linear(data.train.inputs.shape[1], BLOBS)
