"""PAMAP2: which of twelve activities somebody is doing, from three wearable sensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import final

from torch import Tensor, nn

from models.sensor import SensorClassifier, SensorDecoder
from study.data.pamap2 import load as pamap2
from study.scenario import Data


@final
class Pamap2:
    """Activity recognition of held-out people; see `study.data.pamap2.format` for the data.

    Attributes:
        name: The word that `--scenario` takes.
    """

    name = "pamap2"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read the data set, or the built-in synthetic sample where `data_dir` is None.

        Args:
            data_dir: The folder that was unpacked from UCI.
            seed: Not used: the split is by people, and always the same.

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
        """Mean cross entropy.

        Args:
            outputs: Logits; shape (batch, classes).
            targets: Class numbers; shape (batch,).
        """
        return nn.functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Share of samples whose largest logit is the right one; shapes as for `loss`."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).float().mean()}
