"""Samples that are nested mappings instead of arrays, and a scenario that makes its own loaders."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from study.scenario import Arrays, Data
from tests.study.tiny import Tiny


class Points(Dataset[Any]):
    """A map-style data set of points, each in a mapping."""

    def __init__(self, arrays: Arrays) -> None:
        """Read from `arrays`."""
        self._arrays = arrays

    def __len__(self) -> int:
        """Number of points."""
        return len(self._arrays)

    def __getitem__(self, place: int) -> tuple[dict[str, Any], int]:
        """Inputs in a mapping, and the class."""
        return {"points": self._arrays.inputs[place]}, int(self._arrays.targets[place])


class ByName(nn.Module):
    """A network that takes its points from a mapping."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network."""
        super().__init__()
        self.network = network

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Outputs of the points."""
        outputs: Tensor = self.network(inputs["points"])
        return outputs


class Nested(Tiny):
    """A scenario whose inputs are a mapping."""

    def make(self, features: int, classes: int) -> nn.Module:
        """The network of `Tiny`, on points in a mapping."""
        return ByName(super().make(features, classes))

    def network(self, data: Data) -> nn.Module:
        """A network for points of three coordinates."""
        return self.make(3, len(data.classes))


def streamed(points: Data, **loading: Any) -> Data:  # noqa: ANN401 - any option of a loader
    """The same points as map-style data sets."""
    return dataclasses.replace(
        points,
        train=Points(points.train),
        val=Points(points.val),
        fingerprint="points",
        loading=loading,
    )


class WithLoaders(Nested):
    """A scenario that makes its own loaders."""

    def __init__(self, *, val_batch: int = 3) -> None:
        """Validate in batches of `val_batch` samples."""
        super().__init__()
        self._val_batch = val_batch

    def loaders(self, data: Data, batch_size: int, seed: int) -> Mapping[str, Any]:
        """Loaders with an order of their own, and batches of one size for validation."""
        order = torch.Generator().manual_seed(seed)
        return {
            "train": DataLoader(data.train, batch_size=batch_size, shuffle=True, generator=order),
            "val": DataLoader(data.val, batch_size=self._val_batch),
        }
