"""One encoder, several heads: what the paper calls multitask learning (Figure 2)."""

from collections.abc import Mapping
from typing import final

from torch import Tensor, nn

from models.vision import VisionEncoder


@final
class MultitaskClassifier(nn.Module):
    """An encoder whose features are shared by a linear head for each task."""

    def __init__(self, encoder: VisionEncoder, *, outputs: Mapping[str, int]) -> None:
        """Put heads on an encoder.

        Args:
            encoder: Shared by all tasks.
            outputs: Number of outputs by name of the task; one task is allowed.
        """
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(
            {task: nn.Linear(encoder.features, count) for task, count in outputs.items()}
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits of a batch by task.

        Args:
            images: uint8, shape (batch, 3, height, width).

        Returns:
            By name of the task, each of shape (batch, outputs of the task).
        """
        latents = self.encoder(images)
        return {task: head(latents) for task, head in self.heads.items()}
