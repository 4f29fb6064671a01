"""The dry run: faults of a scenario that are found on one batch, before any trial starts."""

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
    """A scenario whose metric has another name than the objective."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """The accuracy under a short name."""
        return {"acc": super().metrics(outputs, targets)["accuracy"]}


class Detached(Tiny):
    """A scenario whose loss has no gradient."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A loss that is detached from the network."""
        return super().loss(outputs, targets).detach()


class Unreduced(Tiny):
    """A scenario whose loss has a value for each sample."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Losses without a mean."""
        return nn.functional.cross_entropy(outputs, targets, reduction="none")


class Summed(Tiny):
    """A scenario whose loss is a sum."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The sum over the samples."""
        return nn.functional.cross_entropy(outputs, targets, reduction="sum")


class Undefined(Tiny):
    """A scenario whose loss is NaN."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """NaN, as inputs with NaN would give."""
        return super().loss(outputs, targets) * torch.nan


class Percent(Tiny):
    """A scenario whose accuracy is not a share from 0 to 1."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """An accuracy of 100 per cent."""
        return {"accuracy": 100.0 + 0.0 * super().metrics(outputs, targets)["accuracy"]}


class Nothing(Tiny):
    """A scenario that forgets to return its network."""

    def network(self, data: Data) -> Any:  # noqa: ANN401 - the mistake
        """Make a network without returning it."""
        self.make(3, len(data.classes))


class Narrow(Tiny):
    """A scenario whose network expects another input shape."""

    def network(self, data: Data) -> nn.Module:
        """A network with one input too few."""
        return self.make(2, len(data.classes))


class Floating(Tiny):
    """A scenario with a regression loss on class numbers."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of outputs whose shape differs from that of the targets."""
        return nn.functional.mse_loss(outputs, targets)


class Broken(Tiny):
    """A scenario whose metrics raise an error."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Call a method that does not exist."""
        return {"accuracy": getattr(outputs, "no_such_thing")(targets)}  # noqa: B009 - the mistake


class Python(Tiny):
    """A scenario whose metrics are Python numbers."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Any]:
        """A number that is fetched from the device for each batch."""
        return {"accuracy": super().metrics(outputs, targets)["accuracy"].item()}


class Unloadable(Tiny):
    """A scenario whose loaders raise an error."""

    def loaders(self, data: Data, batch_size: int, seed: int) -> Mapping[str, Any]:
        """Raise the error of a missing file."""
        del data, batch_size, seed
        message = "images.tar"
        raise FileNotFoundError(message)


class Overwritten(Tiny):
    """A scenario whose loss overwrites a value that its gradient needs."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Change a value in place after the loss was computed from it."""
        share = outputs.sigmoid()
        whole: Tensor = super().loss(share * share, targets)
        share.add_(1.0)
        return whole


class Misstepping(Tiny):
    """A scenario whose own training step raises an error."""

    def training_step(self, network: nn.Module, batch: Any) -> Tensor:  # noqa: ANN401 - a pair
        """Take the batch for a mapping, although it is a pair."""
        del network
        wanted: Tensor = batch["image"]
        return wanted


@pytest.mark.parametrize(
    ("scenario", "message"),
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
def test_a_fault_is_reported_with_its_remedy(scenario: Tiny, message: str) -> None:
    """Each fault is found on one batch, before any trial."""
    with pytest.raises(ScenarioError, match=message):
        check_training(scenario, data(), WHOLE, [{}])


def test_float_targets_for_a_classification_loss_are_reported() -> None:
    """The message says that the targets are numbers, and suggests a loss for numbers."""
    points = data().train
    numbers = Arrays(inputs=points.inputs, targets=points.targets.astype(np.float32))
    found = dataclasses.replace(data(), train=numbers, val=numbers)

    with pytest.raises(ScenarioError, match="Targets are numbers: a loss for numbers takes them"):
        check_training(Tiny(), found, WHOLE, [{}])


class Fixed(Tiny):
    """A scenario whose network does not depend on the data."""

    def network(self, data: Data) -> nn.Module:
        """Three coordinates, three classes."""
        del data
        return self.make(3, 3)


class MissingFiles:
    """A data set whose files are gone."""

    def __len__(self) -> int:
        """Number of samples."""
        return 10

    def __getitem__(self, place: int) -> object:
        """Raise the error of a missing file."""
        message = f"images/{place}.jpg"
        raise FileNotFoundError(message)


def test_a_data_set_that_raises_is_reported() -> None:
    """The message names the part and the error."""
    unreadable = dataclasses.replace(data(), train=MissingFiles(), fingerprint="1")

    with pytest.raises(ScenarioError, match=r"first samples of train .* FileNotFoundError: images"):
        check_training(Fixed(), unreadable, WHOLE, [{}])


def test_all_faults_are_reported_at_once() -> None:
    """There is one paragraph for each stage that cannot be trained, however many setups share the fault."""
    stages = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    with pytest.raises(ScenarioError) as refused:
        check_training(Renamed(), data(), stages, [{}, {}])

    paragraphs = str(refused.value).split("\n\n")
    assert len(paragraphs) == 3
    assert "no decoder" in paragraphs[0]
    assert "no module 'encoder'" in paragraphs[1]
    assert "objective accuracy" in paragraphs[2]


def test_scenarios_of_all_paradigms_pass() -> None:
    """The check raises nothing for a plain scenario, for pretraining and for multitask."""
    check_training(Tiny(), data(), WHOLE, [])
    check_training(Waves(), waves(), tuple(Stage)[:4], [{}])
    pairs = Pairs()
    check_training(pairs, pairs.load(None, seed=0), (*pairs.tasks, "both"), [{"alpha": 0.5}])


def test_the_random_numbers_of_the_program_stay_the_same() -> None:
    """A program that has set its seed draws the same numbers with and without the check."""
    torch.manual_seed(7)
    before = torch.random.get_rng_state()

    check_training(Tiny(), data(), WHOLE, [{}])

    assert torch.equal(torch.random.get_rng_state(), before)


class Both(Detached, Renamed):
    """A scenario with faults in both loss and metrics."""


def test_loss_and_metrics_are_checked_separately() -> None:
    """A loss without a gradient does not hide a metric with the wrong name."""
    with pytest.raises(ScenarioError) as refused:
        check_training(Both(), data(), WHOLE, [{}])

    loss, metrics = str(refused.value).split("\n\n")
    assert "its loss has no gradient" in loss
    assert "the objective accuracy is not among them" in metrics


class Fp32Only(nn.Module):
    """A network that accepts nothing but fp32."""

    def __init__(self) -> None:
        """One layer."""
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, points: Tensor) -> Tensor:
        """Raise an error if autocast has changed the type of the layer's outputs."""
        outputs: Tensor = self.layer(points)
        if outputs.dtype != torch.float32:
            message = "expected scalar type Float but found BFloat16"
            raise RuntimeError(message)
        return outputs


class Precise(Tiny):
    """A scenario whose network can be trained in fp32 only."""

    def network(self, data: Data) -> nn.Module:
        """Three coordinates, three classes."""
        del data
        return Fp32Only()


def test_a_precision_that_the_network_does_not_support_is_reported() -> None:
    """The message has the error and the remedies; in fp32 the same network passes."""
    check_training(Precise(), data(), WHOLE, [{}])

    message = r"in fp32, and not with --precision bf16 on a CPU: RuntimeError: expected scalar.*out"
    with pytest.raises(ScenarioError, match=message):
        check_training(Precise(), data(), WHOLE, [{}], precision="bf16")


class Normed(Tiny):
    """A scenario whose network has a batch norm."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A batch norm with one value per channel and sample."""
        return nn.Sequential(nn.Linear(features, 4), nn.BatchNorm1d(4), nn.Linear(4, classes))


def test_a_batch_norm_on_batches_of_one_is_reported() -> None:
    """Its trainings would fail at the first step; larger batches, or no batch norm, pass."""
    check_training(Normed(), data(), WHOLE, [{}], least_batch=2)
    check_training(Tiny(), data(), WHOLE, [{}], least_batch=1)

    with pytest.raises(ScenarioError, match="batch of 1 sample: ValueError: Expected more than 1"):
        check_training(Normed(), data(), WHOLE, [{}], least_batch=1)
