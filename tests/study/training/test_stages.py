"""The training task of each stage of a trial."""

import dataclasses
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from models.transfer import weights_of
from study.errors import ScenarioError
from study.record.objective import Objective
from study.record.vocabulary import Stage, StopReason
from study.scenario import Arrays
from study.store.tasks import stages_of_tasks
from study.training.dry_run import check_training
from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.stages import StageTasks, stage_warnings
from tests.study.staged import Pairs, Trio, Waves, waves
from tests.study.tiny import Tiny, data

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(
    batch_size=8, learning_rate=0.01, max_epochs=2, patience=5, optimizer="adamw", seed=3
)


def trained(tasks: StageTasks, stage: str) -> list[EpochOutcome]:
    """Outcomes of two epochs of a stage."""
    outcomes = list(
        train(lambda: tasks.start(stage), SETTINGS, device=CPU, window=lambda _: nullcontext())
    )
    tasks.finish()
    return outcomes


def pretrained(*, cache_latents: bool = True) -> StageTasks:
    """Stages of a trial whose encoder has been trained."""
    tasks = StageTasks(scenario=Waves(), data=waves(), parameters={}, cache_latents=cache_latents)
    trained(tasks, Stage.ENCODER)
    return tasks


@given(
    batch_size=st.sampled_from([4, 16, 64]),
    learning_rate=st.sampled_from([0.1, 0.001]),
    cache_latents=st.booleans(),
)
@settings(max_examples=8, deadline=None)
@pytest.mark.slow
def test_a_frozen_encoder_does_not_change(
    batch_size: int, learning_rate: float, *, cache_latents: bool
) -> None:
    """Its weights and the buffers of its batch norms stay the same to the last bit, in every setup."""
    tasks = pretrained(cache_latents=cache_latents)
    assert tasks.encoder_weights is not None
    networks: list[nn.Module] = []

    own_settings = dataclasses.replace(SETTINGS, batch_size=batch_size, learning_rate=learning_rate)

    def make() -> object:
        task = tasks.start(Stage.CLASSIFIER_FROZEN)
        networks.extend([task.network] if task.encode is None else [task.encode])
        return task

    list(train(make, own_settings, device=CPU, window=lambda _: nullcontext()))  # type: ignore[arg-type]

    states = networks[0].state_dict()
    after = {name.rpartition("encoder.")[2]: each for name, each in states.items()}
    for name, each in tasks.encoder_weights.items():
        assert torch.equal(each, after[name]), name


def test_cached_latents_give_the_same_losses_as_recomputed_ones() -> None:
    """Caching latent features saves energy and does not change the training."""
    kept, anew = (
        trained(pretrained(cache_latents=cache), Stage.CLASSIFIER_FROZEN) for cache in (True, False)
    )

    for one, other in zip(kept, anew, strict=True):
        assert one.val_loss == pytest.approx(other.val_loss, rel=1e-4)
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)


def test_an_unfrozen_encoder_starts_from_the_pretrained_weights() -> None:
    """It is trained further, which leaves the kept weights of the autoencoder unchanged."""
    tasks = pretrained()
    assert tasks.encoder_weights is not None
    before = {name: each.clone() for name, each in tasks.encoder_weights.items()}

    task = tasks.start(Stage.CLASSIFIER_UNFROZEN)
    at_start = weights_of(task.network.encoder)  # type: ignore[arg-type]
    list(train(lambda: task, SETTINGS, device=CPU, window=lambda _: nullcontext()))
    at_end = weights_of(task.network.encoder)  # type: ignore[arg-type]

    assert all(torch.equal(before[name], each) for name, each in at_start.items())
    assert not any(
        torch.equal(before[name], at_end[name])
        for name, _ in task.network.encoder.named_parameters()  # type: ignore[union-attr]
    )
    assert all(torch.equal(before[name], each) for name, each in tasks.encoder_weights.items())


def test_encoder_and_classifier_together_start_from_scratch() -> None:
    """They train the same whether or not an encoder has been pretrained."""
    alone = trained(
        StageTasks(scenario=Waves(), data=waves(), parameters={}), Stage.ENCODER_CLASSIFIER
    )

    assert trained(pretrained(), Stage.ENCODER_CLASSIFIER) == alone


def test_an_autoencoder_learns_to_reconstruct_and_has_no_accuracy() -> None:
    """Its loss falls, and it has no metrics."""
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


def test_any_number_of_tasks_is_trained_together() -> None:
    """The joint loss of three tasks is the sum weighted by the setup."""
    scenario = Trio()
    points = scenario.load(None, seed=0)
    weights = {"weight_where": 0.5, "weight_which": 0.25, "weight_near": 0.25}
    tasks = StageTasks(scenario=scenario, data=points, parameters=weights)
    stages = stages_of_tasks(scenario)
    task = tasks.start(stages[-1])
    targets = torch.from_numpy(points.train.targets)

    outputs = task.network(torch.from_numpy(points.train.inputs))

    losses = {name: scenario.task_loss(name, outputs[name], targets) for name in scenario.tasks}
    expected = torch.stack(
        [weights[f"weight_{name}"] * loss for name, loss in losses.items()]
    ).sum()
    assert stages == ("where", "which", "near", "all")
    assert task.loss(outputs, targets).item() == pytest.approx(expected.detach().item())


def test_each_task_alone_has_its_own_accuracy_and_both_have_the_mean() -> None:
    """`accuracy` is the task's own, or the mean of both; each head's own metric is reported too."""
    scenario = Pairs()
    tasks = StageTasks(scenario=scenario, data=scenario.load(None, seed=0), parameters={})

    found = {
        stage: trained(tasks, stage)[-1].val_metrics
        for stage in ("attributes", "identity", Stage.BOTH)
    }

    assert set(found["attributes"]) == {"accuracy", "attributes/accuracy"}
    assert found["identity"]["accuracy"] == found["identity"]["identity/accuracy"]
    both = found[Stage.BOTH]
    mean = (both["attributes/accuracy"] + both["identity/accuracy"]) / 2
    assert both["accuracy"] == pytest.approx(mean, abs=1e-6)


class Errors(Pairs):
    """Two tasks whose error rates are to be minimised."""

    objective = Objective("error", mode="min")

    def task_score(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of mistakes."""
        return 1 - super().task_score(task, outputs, targets)


def test_metrics_of_tasks_are_named_after_the_objective() -> None:
    """Each task has one, and their mean has the objective's own name; none is called an accuracy."""
    scenario = Errors()
    points = scenario.load(None, seed=0)
    check_training(scenario, points, (*scenario.tasks, Stage.BOTH), [{}])
    tasks = StageTasks(scenario=scenario, data=points, parameters={})

    found = trained(tasks, Stage.BOTH)[-1].val_metrics

    assert set(found) == {"error", "attributes/error", "identity/error"}
    mean = (found["attributes/error"] + found["identity/error"]) / 2
    assert found["error"] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage.ENCODER, "no decoder"),
        (Stage.CLASSIFIER_FROZEN, "no module 'encoder'"),
        (Stage.BOTH, "scenario tiny has no tasks"),
    ],
)
def test_a_scenario_that_lacks_what_a_stage_needs_is_refused(stage: Stage, message: str) -> None:
    """The message says what is missing."""
    with pytest.raises(ScenarioError, match=message):
        check_training(Tiny(), data(), (stage,), [{}])


def test_inputs_that_are_not_finite_give_a_warning() -> None:
    """They are not refused, because a network may handle them."""
    points = data(train=10)
    inputs = points.train.inputs.copy()
    inputs[2, 0], inputs[3] = np.nan, np.inf
    not_finite = dataclasses.replace(
        points, train=Arrays(inputs=inputs, targets=points.train.targets)
    )

    assert stage_warnings(Tiny(), points, (Stage.ENCODER_CLASSIFIER,)) == ()
    (warning,) = stage_warnings(Tiny(), not_finite, (Stage.ENCODER_CLASSIFIER,))
    assert warning.startswith("2 of 10 samples of train have inputs that are no finite numbers")
