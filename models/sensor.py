"""Networks for windows of sensor data: one-dimensional convolutional encoder, decoder, classifier.

The paper (section "Training regime") uses "a convolutional classifier architecture" for PAMAP2 and
gives neither layers nor widths; the ones here are ours. Each convolution has a stride of 2, so that
most of the work is done on short sequences.
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
    """Windows to latent features.

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
            Shape (batch, features).
        """
        pooled: Tensor = self.pool(self.blocks(windows))
        return pooled.flatten(1)


@final
class SensorClassifier(nn.Module):
    """Encoder plus classifier, trained together (the paper's E_enc+class)."""

    def __init__(self, *, channels: int, classes: int) -> None:
        """Tell `classes` activities apart in windows of `channels` channels."""
        super().__init__()
        self.encoder = SensorEncoder(channels)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(self.encoder.features, classes))

    def forward(self, windows: Tensor) -> Tensor:
        """Class scores of a batch.

        Args:
            windows: Shape (batch, channels, time).

        Returns:
            Shape (batch, classes).
        """
        scores: Tensor = self.head(self.encoder(windows))
        return scores


@final
class SensorDecoder(nn.Module):
    """Latent features back to windows: the other half of an autoencoder, the encoder mirrored."""

    def __init__(self, *, channels: int, time: int) -> None:
        """Reconstruct windows of `time` samples of `channels` channels."""
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
            Shape (batch, channels, time).
        """
        short = self.spread(latents).reshape(len(latents), self._width, self._short)
        windows: Tensor = self.blocks(short)
        return windows[:, :, : self._time]
