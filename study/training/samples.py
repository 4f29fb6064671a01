"""Samples on the device that a network is trained on."""

import warnings
from dataclasses import dataclass
from typing import Any, final

import numpy.typing as npt
import torch
from torch import Tensor, nn

from study.scenario import Arrays

VALIDATION_BATCH = 1024
"""Largest batch that is validated at once; it changes the memory, not the result."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Inputs and targets of one part of the data, on the device."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.targets)

    @classmethod
    def of(cls, arrays: Arrays, device: torch.device, *, reconstructs: bool) -> "Samples":
        """Put arrays on a device; on a CPU they are shared, not copied, and never written to."""
        inputs = _tensor(arrays.inputs).to(device)
        targets = inputs if reconstructs else _tensor(arrays.targets).to(device)
        return cls(inputs=inputs, targets=targets)

    @torch.no_grad()
    def encoded(self, encoder: nn.Module) -> "Samples":
        """The same samples as latent features of an encoder."""
        latents = [encoder(inputs) for inputs in torch.split(self.inputs, VALIDATION_BATCH)]
        return Samples(inputs=torch.cat(latents), targets=self.targets)


def _tensor(array: npt.NDArray[Any]) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only; nothing here writes in place.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
