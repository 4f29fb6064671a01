"""Multitask classifier: one shared encoder with a head for each task (paper, Figure 2)."""

from collections.abc import Mapping
from typing import final

from torch import Tensor, nn

from models.vision import VisionEncoder


@final
class MultitaskClassifier(nn.Module):
    """Encoder whose latent features are shared by a linear head for each task."""

    def __init__(self, encoder: VisionEncoder, *, outputs: Mapping[str, int]) -> None:
        """Add a head for each task to an encoder.

        Args:
            encoder: Encoder that all tasks share.
            outputs: Number of outputs by task name; a single task is allowed.
        """
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(
            {task: nn.Linear(encoder.features, count) for task, count in outputs.items()}
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the logits of a batch for each task.

        Args:
            images: uint8, shape (batch, 3, height, width).

        Returns:
            Logits by task name, each of shape (batch, outputs of the task).
        """
        latents = self.encoder(images)
        return {task: head(latents) for task, head in self.heads.items()}
