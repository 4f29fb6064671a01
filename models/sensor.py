"""Networks for windows of sensor data: a one-dimensional convolutional encoder and a classifier.

The paper (section "Training regime") uses "a convolutional classifier architecture" for PAMAP2 and
gives neither layers nor widths; the ones here are ours. Each convolution has a stride of 2, so that
most of the work is done on short sequences.
"""

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
