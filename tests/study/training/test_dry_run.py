"""What is found on one batch, before anything is started."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from study.errors import ScenarioError
from study.record.vocabulary import Stage
from study.scenario import Arrays, Data
from study.training.dry_run import check_training
from tests.study.staged import Pairs, Waves, waves
from tests.study.tiny import Tiny, data

WHOLE = (Stage.ENCODER_CLASSIFIER,)


class Renamed(Tiny):
    """Its metric has another name than the objective."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """A short name."""
        return {"acc": super().metrics(outputs, targets)["accuracy"]}


class Detached(Tiny):
    """Its loss has no gradient."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cut off from the network."""
        return super().loss(outputs, targets).detach()


class Unreduced(Tiny):
    """Its loss is one number for each sample."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """No mean."""
        return nn.functional.cross_entropy(outputs, targets, reduction="none")


class Summed(Tiny):
    """Its loss is a sum."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of all samples."""
        return nn.functional.cross_entropy(outputs, targets, reduction="sum")


class Undefined(Tiny):
    """Its loss is no number."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """As of inputs that are not there."""
        return super().loss(outputs, targets) * torch.nan


class Percent(Tiny):
    """Its accuracy is no share."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """In per cent, whatever is right."""
        return {"accuracy": 100.0 + 0.0 * super().metrics(outputs, targets)["accuracy"]}


class Nothing(Tiny):
    """Its network is forgotten."""

    def network(self, data: Data) -> Any:  # noqa: ANN401 - the slip
        """Made, and not returned."""
        self.make(3, len(data.classes))


class Narrow(Tiny):
    """Its network wants another shape."""

    def network(self, data: Data) -> nn.Module:
        """One coordinate too few."""
        return self.make(2, len(data.classes))


class Floating(Tiny):
    """A loss for numbers on class numbers."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of another shape than the targets."""
        return nn.functional.mse_loss(outputs, targets)


class Broken(Tiny):
    """Its metrics raise."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """A slip of the pen."""
        return {"accuracy": getattr(outputs, "no_such_thing")(targets)}  # noqa: B009 - the slip


class Python(Tiny):
    """Its metrics are numbers of Python's."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Any]:
        """Fetched from the device at each batch."""
        return {"accuracy": super().metrics(outputs, targets)["accuracy"].item()}


class Unloadable(Tiny):
    """Its loaders raise."""

    def loaders(self, data: Data, batch_size: int, seed: int) -> Mapping[str, Any]:
        """A file is missing."""
        del data, batch_size, seed
        message = "images.tar"
        raise FileNotFoundError(message)


class Overwritten(Tiny):
    """Its loss forgets what its gradient needs."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A value that is needed is changed in place."""
        share = outputs.sigmoid()
        whole: Tensor = super().loss(share * share, targets)
        share.add_(1.0)
        return whole


class Misstepping(Tiny):
    """Its own step raises."""

    def training_step(self, network: nn.Module, batch: Any) -> Tensor:  # noqa: ANN401 - a pair
        """A batch is a pair, not a mapping."""
        del network
        wanted: Tensor = batch["image"]
        return wanted


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        (Unloadable(), r"loaders\(data, batch_size, seed\) raises FileNotFoundError: images.tar"),
        (Misstepping(), r"training_step\(network, batch\) raises TypeError: tuple indices"),
        (Renamed(), "metrics give acc, and the objective accuracy is not among them, .*Objective"),
        (Detached(), "its loss has no gradient, so nothing would be learnt"),
        (Overwritten(), "its gradient cannot be computed: .*Change no value in place"),
        (Unreduced(), r"its loss gives shape \(8,\) .*mean over the batch, of shape \(\)"),
        (Summed(), "its loss of the same samples twice is twice as large, so it is their sum"),
        (Undefined(), "its loss on a first batch, before any step, is nan: look for NaN in inputs"),
        (Percent(), "its accuracy is 100, and a share from 0 to 1 is expected: divide per cent by"),
        (Nothing(), r"its network for the stage .* is nothing; it must be a torch.nn.Module"),
        (Broken(), r"no attribute 'no_such_thing' \(test_dry_run.py, line \d+\)"),
        (Narrow(), r"does not take a batch of inputs, shape \(8, 3\) and type float32: Runtime"),
        (Floating(), r"Targets are whole numbers: cross_entropy takes them .* float32 targets"),
        (Broken(), "metrics cannot be computed on a batch of the validation data: AttributeErr"),
        (Python(), "its metric accuracy is a float; it must be a tensor of shape"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_a_fault_is_told_with_what_to_do(scenario: Tiny, said: str) -> None:
    """Each before any trial, on one batch."""
    with pytest.raises(ScenarioError, match=said):
        check_training(scenario, data(), WHOLE, [{}])


def test_numbers_as_classes_are_told_by_their_type() -> None:
    """The remedy fits the loss: it does not advise to round a regression."""
    points = data().train
    numbers = Arrays(inputs=points.inputs, targets=points.targets.astype(np.float32))
    found = dataclasses.replace(data(), train=numbers, val=numbers)

    with pytest.raises(ScenarioError, match="Targets are numbers: a loss for numbers takes them"):
        check_training(Tiny(), found, WHOLE, [{}])


class Fixed(Tiny):
    """Its network does not depend on the data."""

    def network(self, data: Data) -> nn.Module:
        """Three coordinates, three classes."""
        del data
        return self.make(3, 3)


class Lost:
    """A data set whose files are gone."""

    def __len__(self) -> int:
        """As many as there were."""
        return 10

    def __getitem__(self, place: int) -> object:
        """Not there any more."""
        message = f"images/{place}.jpg"
        raise FileNotFoundError(message)


def test_a_loader_that_raises_is_found() -> None:
    """With the part, and what was raised."""
    lost = dataclasses.replace(data(), train=Lost(), fingerprint="1")

    with pytest.raises(ScenarioError, match=r"first samples of train .* FileNotFoundError: images"):
        check_training(Fixed(), lost, WHOLE, [{}])


def test_all_faults_are_told_at_once() -> None:
    """A paragraph for each stage that cannot be trained, and no more for setups of one shape."""
    stages = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    with pytest.raises(ScenarioError) as refused:
        check_training(Renamed(), data(), stages, [{}, {}])

    paragraphs = str(refused.value).split("\n\n")
    assert len(paragraphs) == 3
    assert "no decoder" in paragraphs[0]
    assert "no module 'encoder'" in paragraphs[1]
    assert "objective accuracy" in paragraphs[2]


def test_what_can_be_trained_is_left_as_it_was() -> None:
    """All paradigms pass, and the random numbers of the process are not touched."""
    check_training(Tiny(), data(), WHOLE, [])
    check_training(Waves(), waves(), tuple(Stage)[:4], [{}])
    pairs = Pairs()
    check_training(pairs, pairs.load(None, seed=0), (*pairs.tasks, "both"), [{"alpha": 0.5}])


class Both(Detached, Renamed):
    """Neither its loss nor its metrics are right."""


def test_loss_and_metrics_are_looked_at_apart() -> None:
    """A loss that teaches nothing does not hide a metric of another name."""
    with pytest.raises(ScenarioError) as refused:
        check_training(Both(), data(), WHOLE, [{}])

    loss, metrics = str(refused.value).split("\n\n")
    assert "its loss has no gradient" in loss
    assert "the objective accuracy is not among them" in metrics


class Exact(nn.Module):
    """Takes nothing but fp32."""

    def __init__(self) -> None:
        """One layer."""
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, points: Tensor) -> Tensor:
        """Refuse what autocast makes of the layer's outputs."""
        outputs: Tensor = self.layer(points)
        if outputs.dtype != torch.float32:
            message = "expected scalar type Float but found BFloat16"
            raise RuntimeError(message)
        return outputs


class Precise(Tiny):
    """Its network cannot be trained in less than fp32."""

    def network(self, data: Data) -> nn.Module:
        """Three coordinates, three classes."""
        del data
        return Exact()


def test_a_precision_that_the_network_does_not_allow_is_found() -> None:
    """With what was raised, and the ways out; in fp32 it passes."""
    check_training(Precise(), data(), WHOLE, [{}])

    said = r"in fp32, and not with --precision bf16 on a CPU: RuntimeError: expected scalar.*out"
    with pytest.raises(ScenarioError, match=said):
        check_training(Precise(), data(), WHOLE, [{}], precision="bf16")


class Normed(Tiny):
    """Its network has a batch norm."""

    def make(self, features: int, classes: int) -> nn.Module:
        """One value for each channel."""
        return nn.Sequential(nn.Linear(features, 4), nn.BatchNorm1d(4), nn.Linear(4, classes))


def test_a_batch_norm_on_batches_of_one_is_found() -> None:
    """All trainings would fail at their first step; larger batches, and a layer norm, pass."""
    check_training(Normed(), data(), WHOLE, [{}], least_batch=2)
    check_training(Tiny(), data(), WHOLE, [{}], least_batch=1)

    with pytest.raises(ScenarioError, match="batch of 1 sample: ValueError: Expected more than 1"):
        check_training(Normed(), data(), WHOLE, [{}], least_batch=1)
