"""Transfer of an encoder between trainings: autoencoder, frozen encoder, weights.

The paper's pretraining paradigm (section "Learning paradigms", Figure 1): an autoencoder is
trained, its decoder is thrown away, and its encoder becomes part of a classifier, frozen or not.
"""

from collections.abc import Mapping
from typing import Self, final

from torch import Tensor, nn


@final
class Autoencoder(nn.Module):
    """Autoencoder: an encoder, and a decoder that reconstructs its inputs."""

    def __init__(self, *, encoder: nn.Module, decoder: nn.Module) -> None:
        """Combine `encoder` and `decoder` into one network."""
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, inputs: Tensor) -> Tensor:
        """Encode and reconstruct.

        Args:
            inputs: Shape (batch, ...).

        Returns:
            Reconstructed inputs, of the same shape.
        """
        outputs: Tensor = self.decoder(self.encoder(inputs))
        return outputs


@final
class FrozenEncoder(nn.Module):
    """Encoder that training does not change: no gradients, fixed batch-norm statistics, no dropout.

    It stays in evaluation mode whatever the mode of the network around it, so it does no augmentation either
    and always returns the same latent features for the same inputs.
    """

    def __init__(self, encoder: nn.Module) -> None:
        """Freeze `encoder` itself, not a copy."""
        super().__init__()
        self.encoder = encoder.requires_grad_(requires_grad=False)
        self.train(mode=False)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - as torch has it
        """Stay in evaluation mode, ignoring `mode`."""
        del mode
        return super().train(mode=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the latent features of a batch; shapes are those of the encoder."""
        latents: Tensor = self.encoder(inputs)
        return latents


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a module's weights and buffers in main memory, detached from the module."""
    return {name: each.detach().cpu().clone() for name, each in module.state_dict().items()}


def with_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """Copy weights and buffers into a module, and return the module.

    Raises:
        RuntimeError: The names or shapes are not those of the module.
    """
    module.load_state_dict(weights)
    return module
