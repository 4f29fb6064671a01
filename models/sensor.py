"""Networks for windows of sensor data: one-dimensional convolutional encoder, decoder, classifier.

The paper (section "Training regime") uses "a convolutional classifier architecture" for PAMAP2 but
gives neither layers nor widths, so those here are ours. Each convolution has a stride of 2, so that
most of the computation is on short sequences.
"""

import itertools
from typing import final

from torch import Tensor, nn

WIDTHS = (32, 64, 64)
KERNEL = 5


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    convolution = nn.Conv1d(
        channels_in, channels_out, KERNEL, stride=2, padding=KERNEL // 2, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm1d(channels_out), nn.ReLU(inplace=True))


@final
class SensorEncoder(nn.Module):
    """Convolutional encoder from windows to latent features.

    Attributes:
        features: Number of latent features.
    """

    def __init__(self, channels: int) -> None:
        """Encode windows of `channels` sensor channels."""
        super().__init__()
        widths = (channels, *WIDTHS)
        self.blocks = nn.Sequential(*map(_block, widths[:-1], widths[1:]))
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.features = WIDTHS[-1]

    def forward(self, windows: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            windows: Shape (batch, channels, time); time is at least 9.

        Returns:
            Latent features; shape (batch, features).
        """
        pooled: Tensor = self.pool(self.blocks(windows))
        return pooled.flatten(1)


@final
class SensorClassifier(nn.Module):
    """Encoder plus classifier; training both together uses the paper's E_enc+class."""

    def __init__(self, *, channels: int, classes: int) -> None:
        """Make a classifier of `classes` activities for windows of `channels` channels."""
        super().__init__()
        self.encoder = SensorEncoder(channels)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(self.encoder.features, classes))

    def forward(self, windows: Tensor) -> Tensor:
        """Return the class logits of a batch.

        Args:
            windows: Shape (batch, channels, time).

        Returns:
            Logits; shape (batch, classes).
        """
        scores: Tensor = self.head(self.encoder(windows))
        return scores


@final
class SensorDecoder(nn.Module):
    """Decoder from latent features back to windows, for an autoencoder; it mirrors the encoder."""

    def __init__(self, *, channels: int, time: int) -> None:
        """Make a decoder for windows of `time` samples of `channels` channels."""
        super().__init__()
        self._time = time
        self._short = -(-time // 2 ** len(WIDTHS))
        self._width = WIDTHS[-1]
        self.spread = nn.Linear(WIDTHS[-1], self._width * self._short)
        widths = (*reversed(WIDTHS), channels)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.ReLU(),
                    nn.ConvTranspose1d(
                        wide, narrow, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1
                    ),
                )
                for wide, narrow in itertools.pairwise(widths)
            )
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Reconstruct a batch.

        Args:
            latents: Shape (batch, features).

        Returns:
            Windows; shape (batch, channels, time).
        """
        short = self.spread(latents).reshape(len(latents), self._width, self._short)
        windows: Tensor = self.blocks(short)
        return windows[:, :, : self._time]
