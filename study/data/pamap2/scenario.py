"""Scenario `pamap2`: recognise which of twelve activities a person does, from three wearable sensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import final

from torch import Tensor, nn

from models.sensor import SensorClassifier, SensorDecoder
from study.data.pamap2 import load as pamap2
from study.scenario import Data


@final
class Pamap2:
    """Activity recognition, validated on people held out of training; see `study.data.pamap2.format`.

    Attributes:
        name: Name of the scenario for `--scenario`.
    """

    name = "pamap2"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read the data set, or the built-in synthetic sample.

        Args:
            data_dir: Folder that was unpacked from UCI's archive; None takes the synthetic sample.
            seed: Not used: the split is by subject, and always the same.

        Raises:
            DataError: The folder or a file in it is not as it should be.
        """
        del seed
        return pamap2.load_sample() if data_dir is None else pamap2.load(data_dir)

    def network(self, data: Data) -> nn.Module:
        """See `study.scenario.Scenario`."""
        return SensorClassifier(channels=data.train.inputs.shape[1], classes=len(data.classes))

    def decoder(self, data: Data) -> nn.Module:
        """See `study.scenario.Pretrainable`."""
        _, channels, time = data.train.inputs.shape
        return SensorDecoder(channels=channels, time=time)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy.

        Args:
            outputs: Logits; shape (batch, classes).
            targets: Class numbers; shape (batch,).
        """
        return nn.functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Return the share of windows whose largest logit is that of their class; shapes as for `loss`."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).float().mean()}
