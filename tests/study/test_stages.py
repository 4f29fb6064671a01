"""What each stage of a trial trains."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from models.sensor import SensorClassifier, SensorDecoder
from models.transfer import weights_of
from study.errors import ScenarioError
from study.records import Stage, StopReason
from study.scenario import Arrays, Data
from study.stages import StageTasks, check_stages
from study.training import EpochOutcome, TrainingSettings, train
from tests.study.tiny import Tiny, data

CPU = torch.device("cpu")
CLASSES = 3


def waves(count: int = 40, *, seed: int = 0) -> Data:
    """Windows of two channels, whose class is their frequency."""
    draw = np.random.default_rng(seed)
    targets = draw.integers(CLASSES, size=count)
    time = np.arange(16)
    inputs = np.sin(time * (1 + targets[:, None, None]) + draw.normal(size=(count, 2, 1)))
    arrays = Arrays(inputs=inputs.astype(np.float32), targets=targets)
    return Data(
        train=arrays, val=arrays, classes=("a", "b", "c"), synthetic=True, description="waves"
    )


class Waves:
    """The project's sensor network on waves."""

    name = "waves"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """The waves."""
        return waves(seed=seed)

    def network(self, data: Data) -> nn.Module:
        """Encoder and head."""
        return SensorClassifier(channels=2, classes=len(data.classes))

    def decoder(self, data: Data) -> nn.Module:
        """The other half of the autoencoder."""
        return SensorDecoder(channels=2, time=data.train.inputs.shape[2])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Accuracy."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).to(torch.float32).mean()}


class Pairs(Tiny):
    """Two tasks on the same points: their class, and whether each coordinate is positive."""

    name = "pairs"

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """Points with a column for the class, and one for each attribute."""
        points = data(seed=seed)
        parts = [
            Arrays(
                inputs=part.inputs,
                targets=np.column_stack([part.targets, part.inputs > 0]).astype(np.int64),
            )
            for part in (points.train, points.val)
        ]
        return Data(
            train=parts[0],
            val=parts[1],
            classes=points.classes,
            synthetic=True,
            description="points",
        )

    def task_network(self, data: Data, tasks: tuple[str, ...]) -> nn.Module:
        """A linear head for each task."""
        del data
        return Heads(tasks)

    def task_loss(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """As is usual."""
        if task == "identity":
            return functional.cross_entropy(outputs, targets[:, 0])
        return functional.binary_cross_entropy_with_logits(outputs, targets[:, 1:].float())

    def task_accuracy(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """As is usual."""
        if task == "identity":
            return (outputs.argmax(dim=1) == targets[:, 0]).float().mean()
        return ((outputs > 0) == (targets[:, 1:] > 0)).float().mean()


class Heads(nn.Module):
    """Linear heads by task."""

    def __init__(self, tasks: tuple[str, ...]) -> None:
        """One for each of `tasks`."""
        super().__init__()
        self.heads = nn.ModuleDict({task: nn.Linear(3, 3) for task in tasks})

    def forward(self, points: Tensor) -> dict[str, Tensor]:
        """Outputs by task."""
        return {task: head(points) for task, head in self.heads.items()}


def trained(
    tasks: StageTasks, stage: Stage, *, batch_size: int = 8, learning_rate: float = 0.01
) -> list[EpochOutcome]:
    """Two epochs of a stage."""
    asked = TrainingSettings(
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_epochs=2,
        patience=5,
        optimizer="adamw",
        seed=3,
    )
    outcomes = train(lambda: tasks.start(stage), asked, device=CPU, window=lambda _: nullcontext())
    found = list(outcomes)
    tasks.finish()
    return found


def pretrained(*, cache_latents: bool = True) -> StageTasks:
    """A trial whose encoder has been trained."""
    tasks = StageTasks(scenario=Waves(), data=waves(), parameters={}, cache_latents=cache_latents)
    trained(tasks, Stage.ENCODER)
    return tasks


@given(
    batch_size=st.sampled_from([4, 16, 64]),
    learning_rate=st.sampled_from([0.1, 0.001]),
    cache_latents=st.booleans(),
)
@settings(max_examples=8, deadline=None)
def test_a_frozen_encoder_is_the_same_to_the_last_bit_afterwards(
    batch_size: int, learning_rate: float, *, cache_latents: bool
) -> None:
    """Weights and the buffers of batch norms, in every setup."""
    tasks = pretrained(cache_latents=cache_latents)
    assert tasks.encoder_weights is not None
    seen: list[nn.Module] = []

    asked = TrainingSettings(
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_epochs=2,
        patience=5,
        optimizer="adamw",
        seed=3,
    )

    def make() -> object:
        task = tasks.start(Stage.CLASSIFIER_FROZEN)
        seen.extend([task.network] if task.encode is None else [task.encode])
        return task

    list(train(make, asked, device=CPU, window=lambda _: nullcontext()))  # type: ignore[arg-type]

    after = {name.rpartition("encoder.")[2]: each for name, each in seen[0].state_dict().items()}
    for name, each in tasks.encoder_weights.items():
        assert torch.equal(each, after[name]), name


def test_latents_that_are_kept_give_what_latents_that_are_computed_anew_give() -> None:
    """They save energy, not accuracy."""
    kept, anew = (
        trained(pretrained(cache_latents=cache), Stage.CLASSIFIER_FROZEN) for cache in (True, False)
    )

    for one, other in zip(kept, anew, strict=True):
        assert one.val_loss == pytest.approx(other.val_loss, rel=1e-4)
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)


def test_an_unfrozen_encoder_starts_from_what_was_learnt_and_goes_on() -> None:
    """It is changed, and what was kept of the autoencoder is not."""
    tasks = pretrained()
    assert tasks.encoder_weights is not None
    before = {name: each.clone() for name, each in tasks.encoder_weights.items()}

    task = tasks.start(Stage.CLASSIFIER_UNFROZEN)
    at_start = weights_of(task.network.encoder)  # type: ignore[arg-type]
    trained(tasks, Stage.CLASSIFIER_UNFROZEN)

    assert all(torch.equal(before[name], each) for name, each in at_start.items())
    assert all(torch.equal(before[name], each) for name, each in tasks.encoder_weights.items())


def test_encoder_and_classifier_together_start_from_scratch() -> None:
    """What the autoencoder has learnt plays no part."""
    alone = trained(
        StageTasks(scenario=Waves(), data=waves(), parameters={}), Stage.ENCODER_CLASSIFIER
    )

    assert trained(pretrained(), Stage.ENCODER_CLASSIFIER) == alone


def test_an_autoencoder_learns_to_reconstruct_and_has_no_accuracy() -> None:
    """Early stopping then watches the loss."""
    outcomes = trained(StageTasks(scenario=Waves(), data=waves(), parameters={}), Stage.ENCODER)

    assert outcomes[-1].stop_reason is StopReason.MAX_EPOCHS
    assert all(outcome.val_metrics == {} for outcome in outcomes)
    assert outcomes[-1].val_loss is not None
    assert outcomes[0].train_loss is not None
    assert outcomes[-1].val_loss < outcomes[0].train_loss


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_the_joint_loss_is_the_weighted_sum(alpha: float) -> None:
    """Alpha x attributes + (1 - alpha) x identity (paper, Figure 2)."""
    scenario = Pairs()
    points = scenario.load(None, seed=0)
    tasks = StageTasks(scenario=scenario, data=points, parameters={"alpha": alpha})
    task = tasks.start(Stage.BOTH)
    targets = torch.from_numpy(points.train.targets)

    outputs = task.network(torch.from_numpy(points.train.inputs))

    attributes, identity = (
        scenario.task_loss(name, outputs[name], targets) for name in ("attributes", "identity")
    )
    expected = alpha * attributes + (1 - alpha) * identity
    assert task.loss(outputs, targets).item() == pytest.approx(expected.item())


def test_each_task_alone_has_its_own_accuracy_and_both_have_the_mean() -> None:
    """Early stopping watches `accuracy`; the heads' own stand beside it."""
    scenario = Pairs()
    tasks = StageTasks(scenario=scenario, data=scenario.load(None, seed=0), parameters={})

    found = {
        stage: trained(tasks, stage)[-1].val_metrics
        for stage in (Stage.ATTRIBUTES, Stage.IDENTITY, Stage.BOTH)
    }

    assert set(found[Stage.ATTRIBUTES]) == {"accuracy", "attributes"}
    assert found[Stage.IDENTITY]["accuracy"] == found[Stage.IDENTITY]["identity"]
    both = found[Stage.BOTH]
    mean = (both["attributes"] + both["identity"]) / 2
    assert both["accuracy"] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (Stage.ENCODER, "no decoder"),
        (Stage.CLASSIFIER_FROZEN, "no module 'encoder'"),
        (Stage.BOTH, "no two tasks"),
    ],
)
def test_a_scenario_that_lacks_what_a_stage_needs_is_refused(stage: Stage, said: str) -> None:
    """Before the first trial, with what to do."""
    with pytest.raises(ScenarioError, match=said):
        check_stages(Tiny(), data(), (stage,))
