"""Example of a scenario, on real data that pip installs: recognising exercises from a smartwatch.

    python -m study.regime --scenario watch

The data come with the package `seglearn` (pip install 'power-of-training[sample]'): 10 people did 7
shoulder exercises with a watch on either wrist, 140 recordings of acceleration and rotation at
50 Hz (Burns et al., arXiv 1802.01489). The people of the validation data are not in the training data.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.sensor import SensorClassifier, SensorDecoder
from study.errors import DataError
from study.scenario import Arrays, Data

WINDOW, STEP = 100, 50  # samples: 2 s, half overlapping
HELD_OUT_PEOPLE = (8, 9, 10)


class Watch:
    """7 shoulder exercises of 10 people."""

    name = "watch"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - a fixed split
        """Cut the recordings into windows, split by person, z-scored by the training windows."""
        if data_dir is not None:
            message = f"--data-dir {data_dir}: this scenario's data come with pip; leave it out."
            raise DataError(message)
        try:
            from seglearn.datasets import load_watch  # noqa: PLC0415 - an extra
        except ImportError as error:
            message = f"{error}. Install the data: pip install 'power-of-training[sample]'"
            raise DataError(message) from error
        recorded = load_watch()
        held_out = np.isin(recorded["subject"], HELD_OUT_PEOPLE)
        train, val = (
            _windows(recorded["X"], recorded["y"], np.flatnonzero(chosen))
            for chosen in (~held_out, held_out)
        )
        mean = train.inputs.mean(axis=(0, 2), keepdims=True)
        deviation = train.inputs.std(axis=(0, 2), keepdims=True)
        return Data(
            train=Arrays(inputs=(train.inputs - mean) / deviation, targets=train.targets),
            val=Arrays(inputs=(val.inputs - mean) / deviation, targets=val.targets),
            classes=tuple(recorded["y_labels"]),
            synthetic=False,
            description="smartwatch exercises (seglearn), people "
            f"{', '.join(map(str, HELD_OUT_PEOPLE))} held out for validation",
        )

    def network(self, data: Data) -> nn.Module:
        """Return the project's own sensor network."""
        return SensorClassifier(channels=data.train.inputs.shape[1], classes=len(data.classes))

    def decoder(self, data: Data) -> nn.Module:
        """Return a decoder from latent features to windows, for `python -m study.pretraining`."""
        return SensorDecoder(channels=data.train.inputs.shape[1], time=WINDOW)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy of a batch."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Return the share of windows whose exercise was recognised."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).to(torch.float32).mean()}


def _windows(
    recordings: list[npt.NDArray[np.float64]],
    exercises: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
) -> Arrays:
    """Return all windows of the chosen recordings; inputs have shape (windows, channels, time)."""
    cut = [
        np.lib.stride_tricks.sliding_window_view(recordings[i], WINDOW, axis=0)[::STEP]
        for i in chosen
    ]
    return Arrays(
        inputs=np.concatenate(cut).astype(np.float32),
        targets=np.repeat(exercises[chosen], [len(windows) for windows in cut]).astype(np.int64),
    )
