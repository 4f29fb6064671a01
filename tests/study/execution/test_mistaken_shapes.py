"""Unintended broadcasting and other wrong shapes, found on one batch before a study starts."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from study.errors import ScenarioError
from study.record.objective import ACCURACY, Objective
from study.record.vocabulary import Stage
from study.scenario import Arrays, Data
from study.training.dry_run import check_training
from tests.study.tiny import Tiny, data

WHOLE = (Stage.ENCODER_CLASSIFIER,)


class Absolute(Tiny):
    """A regression whose author forgot that outputs have a column."""

    objective = Objective("mae", mode="min")
    squeezes = False

    def network(self, data: Data) -> nn.Module:
        """Return a network of one output."""
        del data
        return self.make(3, 1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the L1 loss; torch only warns of unequal shapes."""
        return nn.functional.l1_loss(self.squeezed(outputs), targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Return metrics; nothing warns of unequal shapes."""
        residuals = self.squeezed(outputs) - targets
        return {"mae": residuals.abs().mean(), "bias": residuals.mean(), "output": outputs.mean()}

    def squeezed(self, outputs: Tensor) -> Tensor:
        """Return the outputs, without their column if `squeezes`."""
        return outputs.squeeze(1) if self.squeezes else outputs


def points_with_lengths(*, column: bool) -> Data:
    """Points with their lengths as targets, which have a column or not."""
    points = data().train.inputs
    targets = np.linalg.norm(points, axis=1, keepdims=column).astype(np.float32)
    part = Arrays(inputs=points, targets=targets)
    return dataclasses.replace(data(), train=part, val=part, classes=())


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_outputs_that_are_broadcast_against_targets_are_found() -> None:
    """(8, 1) minus (8,) has 64 values; metrics that are right either way are not reported."""
    with pytest.raises(ScenarioError) as caught:
        check_training(Absolute(), points_with_lengths(column=False), WHOLE, [{}])

    loss, metric = str(caught.value).split("\n\n")
    assert "its loss compares each output with each target" in loss
    assert r"outputs of shape (8, 1) and type float32 and targets of shape (8,)" in loss
    assert "its metric mae compares each output with each target" in metric


def test_matching_shapes_pass() -> None:
    """Either the targets have a column too, or the outputs lose theirs."""
    squeezing = Absolute()
    squeezing.squeezes = True

    check_training(Absolute(), points_with_lengths(column=True), WHOLE, [{}])
    check_training(squeezing, points_with_lengths(column=False), WHOLE, [{}])


class Binary(Absolute):
    """Two classes by one output, which only the loss squeezes to the targets' shape."""

    objective = ACCURACY

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of squeezed outputs, as it should be."""
        return nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(1), targets.float())

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Return the accuracy of each output against each target, by mistake."""
        return {"accuracy": ((outputs > 0) == targets.bool()).float().mean()}


def test_an_accuracy_of_broadcast_classes_is_found() -> None:
    """It would stay near a half for two classes."""
    points = data().train
    halves = Arrays(inputs=points.inputs, targets=points.targets % 2)
    found = dataclasses.replace(data(), train=halves, val=halves, classes=("a", "b"))

    with pytest.raises(ScenarioError, match=r"^[^\n]*its metric accuracy compares each output"):
        check_training(Binary(), found, WHOLE, [{}])


class GivenSamples:
    """A data set of given samples."""

    def __init__(self, *samples: object) -> None:
        """Keep the samples."""
        self._samples = samples

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._samples)

    def __getitem__(self, place: int) -> object:
        """Return one sample."""
        return self._samples[place]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (torch.zeros(3), "a batch is a Tensor instead of a pair of inputs and targets"),
        ({"x": torch.zeros(3), "y": torch.tensor(1)}, "a batch is a dict instead of a pair"),
        ((torch.zeros(3),) * 3, "a batch is a list of 3 instead of a pair"),
    ],
)
def test_samples_that_are_no_pairs_are_described(sample: object, message: str) -> None:
    """The error says what a batch is, instead of naming a call within this project."""
    given = dataclasses.replace(data(), val=GivenSamples(sample, sample), fingerprint="1")

    with pytest.raises(ScenarioError, match=message):
        check_training(Tiny(), given, WHOLE, [{}])
