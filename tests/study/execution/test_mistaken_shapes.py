"""Shapes that torch takes, and that are not meant: found on one batch, before anything is started."""

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
        """One output."""
        del data
        return self.make(3, 1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Torch warns of this, and goes on."""
        return nn.functional.l1_loss(self.squeezed(outputs), targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Nobody warns of these."""
        rests = self.squeezed(outputs) - targets
        return {"mae": rests.abs().mean(), "bias": rests.mean(), "output": outputs.mean()}

    def squeezed(self, outputs: Tensor) -> Tensor:
        """Outputs without their column, where it was thought of."""
        return outputs.squeeze(1) if self.squeezes else outputs


def lengths(*, column: bool) -> Data:
    """A target for each point: its length."""
    points = data().train.inputs
    targets = np.linalg.norm(points, axis=1, keepdims=column).astype(np.float32)
    part = Arrays(inputs=points, targets=targets)
    return dataclasses.replace(data(), train=part, val=part, classes=())


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_outputs_that_are_compared_with_all_targets_are_found() -> None:
    """(8, 1) and (8,) are 64 differences for torch; what is right either way is not blamed."""
    with pytest.raises(ScenarioError) as refused:
        check_training(Absolute(), lengths(column=False), WHOLE, [{}])

    loss, metric = str(refused.value).split("\n\n")
    assert "its loss compares each output with each target" in loss
    assert r"outputs of shape (8, 1) and type float32 and targets of shape (8,)" in loss
    assert "its metric mae compares each output with each target" in metric


def test_shapes_that_a_scenario_brings_together_pass() -> None:
    """By the targets' column, or by outputs that lose theirs."""
    squeezing = Absolute()
    squeezing.squeezes = True

    check_training(Absolute(), lengths(column=True), WHOLE, [{}])
    check_training(squeezing, lengths(column=False), WHOLE, [{}])


class Binary(Absolute):
    """Two classes by one output, which only the loss brings to the targets' shape."""

    objective = ACCURACY

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """As it should be."""
        return nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(1), targets.float())

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Of each with each."""
        return {"accuracy": ((outputs > 0) == targets.bool()).float().mean()}


def test_classes_that_are_compared_with_all_others_are_found() -> None:
    """The accuracy of two classes would stay near a half."""
    points = data().train
    halves = Arrays(inputs=points.inputs, targets=points.targets % 2)
    found = dataclasses.replace(data(), train=halves, val=halves, classes=("a", "b"))

    with pytest.raises(ScenarioError, match=r"^[^\n]*its metric accuracy compares each output"):
        check_training(Binary(), found, WHOLE, [{}])


class Given:
    """A data set of samples as they are given."""

    def __init__(self, *samples: object) -> None:
        """Keep them."""
        self._samples = samples

    def __len__(self) -> int:
        """As many as there are."""
        return len(self._samples)

    def __getitem__(self, place: int) -> object:
        """One of them."""
        return self._samples[place]


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (torch.zeros(3), "a batch is a Tensor instead of a pair of inputs and targets"),
        ({"x": torch.zeros(3), "y": torch.tensor(1)}, "a batch is a dict instead of a pair"),
        ((torch.zeros(3),) * 3, "a batch is a list of 3 instead of a pair"),
    ],
)
def test_samples_that_are_no_pairs_are_told_as_what_they_are(sample: object, said: str) -> None:
    """And not as a call within this project."""
    given = dataclasses.replace(data(), val=Given(sample, sample), fingerprint="1")

    with pytest.raises(ScenarioError, match=said):
        check_training(Tiny(), given, WHOLE, [{}])
