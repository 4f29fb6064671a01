"""Handing an encoder on between trainings: autoencoder, frozen encoder, weights.

The paper's pretraining paradigm (section "Learning paradigms", Figure 1): an autoencoder is
trained, its decoder is thrown away, and its encoder goes into a classifier, frozen or not.
"""

from collections.abc import Mapping
from typing import Self, final

from torch import Tensor, nn


@final
class Autoencoder(nn.Module):
    """An encoder and the decoder that must reconstruct what was encoded."""

    def __init__(self, *, encoder: nn.Module, decoder: nn.Module) -> None:
        """Train `encoder` by way of `decoder`."""
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, inputs: Tensor) -> Tensor:
        """Encode and reconstruct.

        Args:
            inputs: Shape (batch, ...).

        Returns:
            The same shape.
        """
        outputs: Tensor = self.decoder(self.encoder(inputs))
        return outputs


@final
class FrozenEncoder(nn.Module):
    """An encoder that nothing changes: no gradients, fixed statistics of batch norms, no dropout.

    It stays in evaluation mode whatever the network around it is in, so it augments nothing either,
    and gives the same latent features for the same inputs each time.
    """

    def __init__(self, encoder: nn.Module) -> None:
        """Freeze `encoder` itself, not a copy."""
        super().__init__()
        self.encoder = encoder.requires_grad_(requires_grad=False)
        self.train(mode=False)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - as torch has it
        """Nothing follows `mode`."""
        del mode
        return super().train(mode=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Latent features; shapes as the encoder has them."""
        latents: Tensor = self.encoder(inputs)
        return latents


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """A copy of a module's weights and buffers, in main memory, that no training changes."""
    return {name: each.detach().cpu().clone() for name, each in module.state_dict().items()}


def with_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """A module, with copies of these weights and buffers in the place of its own.

    Raises:
        RuntimeError: Names or shapes are not those of the module.
    """
    module.load_state_dict(weights)
    return module
