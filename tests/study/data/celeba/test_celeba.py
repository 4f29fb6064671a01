"""CelebA as a scenario: two tasks, options of its own, weights that are never left to chance."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.vision import RandomFlip, VisionClassifier, backbone
from study.data.celeba import format as form
from study.data.celeba.options import CelebaOptions
from study.data.celeba.scenario import Celeba
from study.errors import DataError, OptionError
from study.scenario import Configurable, Scenario, Searchable
from study.scenario_lookup import load_scenario
from tests.study.data.celeba.small_celeba import SMALL, TASKS, small

pytestmark = pytest.mark.usefixtures("cache_folder")

OTHER = "test_byobnet"


def test_it_is_a_scenario_with_options() -> None:
    """It has all that a study asks of a scenario."""
    scenario = load_scenario("celeba")

    assert isinstance(scenario, Scenario)
    assert isinstance(scenario, Configurable)


def test_what_networks_must_know_travels_with_the_data(folder: Path) -> None:
    """A trial loads the scenario by name alone, and makes the same network."""
    data = small(flip=True).load(folder, seed=0)

    network = load_scenario("celeba").network(data)

    assert isinstance(network, VisionClassifier)
    assert isinstance(network.encoder.flip, RandomFlip)
    assert network.encoder.features == backbone(SMALL, image_size=32).num_features
    assert data.train.inputs.shape[1:] == (3, 32, 32)
    assert data.encoder_weights is None
    assert "test_resnet with random weights" in data.description


def test_each_task_has_a_loss_and_an_accuracy() -> None:
    """Column 0 is the identity, the others are the attributes; both can be worked by hand."""
    scenario = Celeba()
    targets = torch.zeros((2, 41), dtype=torch.int64)
    targets[:, 0] = torch.tensor([3, 1])
    targets[0, 1:11] = 1
    identity = torch.zeros((2, 40))
    identity[0, 3] = 5
    attributes = torch.full((2, 40), -1.0)
    outputs = {"identity": identity, "attributes": attributes}

    losses = {task: float(scenario.task_loss(task, outputs[task], targets)) for task in TASKS}
    shares = {task: float(scenario.task_score(task, outputs[task], targets)) for task in TASKS}

    expected = (np.log(np.exp(5) + 39) - 5 + np.log(40)) / 2
    assert losses["identity"] == pytest.approx(expected, rel=1e-5)
    right, wrong = np.log1p(np.exp(-1)), np.log1p(np.exp(1))
    assert losses["attributes"] == pytest.approx((70 * right + 10 * wrong) / 80, rel=1e-5)
    assert shares == pytest.approx({"identity": 0.5, "attributes": 70 / 80})
    assert scenario.metrics(identity, targets) == {"accuracy": 0.5}
    assert scenario.loss(identity, targets) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("tasks", [("identity",), ("attributes",), TASKS])
def test_networks_for_tasks_have_their_heads(folder: Path, tasks: tuple[str, ...]) -> None:
    """Forty outputs for each task that is asked for, and none besides."""
    scenario = Celeba(CelebaOptions(encoder=SMALL, weights="none", image_size=32))
    data = scenario.load(folder, seed=0)

    outputs = scenario.task_network(data, tasks).eval()(torch.from_numpy(data.val.inputs[:2]))

    assert {task: scores.shape for task, scores in outputs.items()} == dict.fromkeys(tasks, (2, 40))


def test_weights_of_a_file_reach_every_network(folder: Path, tmp_path: Path) -> None:
    """Each training starts from them; the data say where they come from and count them in."""
    torch.manual_seed(5)
    tensors = backbone(SMALL, image_size=32).state_dict()
    torch.save(tensors, tmp_path / "mine.pth")

    data = small(weights=str(tmp_path / "mine.pth")).load(folder, seed=0)
    network = load_scenario("celeba").network(data)

    assert isinstance(network, VisionClassifier)
    taken = network.encoder.backbone.state_dict()
    assert all(torch.equal(taken[name], tensor) for name, tensor in tensors.items())
    assert data.encoder_weights == "test_resnet from mine.pth"
    assert data.description.endswith("encoder test_resnet from mine.pth")
    bare = dataclasses.replace(data, weights=None)
    assert data.facts().fingerprint != bare.facts().fingerprint


def test_weights_that_cannot_be_had_stop_the_study(folder: Path, tmp_path: Path) -> None:
    """A path that leads nowhere is not answered with random weights."""
    path = tmp_path / "nowhere.pth"

    with pytest.raises(DataError, match=f"--weights {path}: {path}: no weights could be read"):
        small(weights=str(path)).load(folder, seed=0)


def test_real_images_want_published_weights(folder: Path) -> None:
    """Left out, --weights is imagenet; an encoder that has none published says so."""
    scenario = load_scenario("celeba", CelebaOptions(encoder="darknet17", image_size=32))

    with pytest.raises(DataError, match=r"--weights imagenet: .* publishes no weights"):
        scenario.load(folder, seed=0)


def test_drawn_faces_need_no_weights(folder: Path) -> None:
    """Left out, --weights is none for them, and the description says so."""
    (folder / form.SYNTHETIC_MARKER).write_text("")

    data = load_scenario("celeba", CelebaOptions(encoder=SMALL)).load(folder, seed=0)

    assert data.weights is None
    assert data.description.endswith("test_resnet with random weights")


def test_an_unknown_encoder_is_refused() -> None:
    """Before any data are read."""
    with pytest.raises(OptionError, match=r"--encoder is 'resnet81': timm .* similar are"):
        load_scenario("celeba", CelebaOptions(encoder="resnet81"))


def test_an_encoder_that_does_not_take_the_images_is_refused(folder: Path) -> None:
    """Before the first trial, with the size that was asked for."""
    scenario = load_scenario(
        "celeba", CelebaOptions(encoder="test_vit", weights="none", image_size=33)
    )

    with pytest.raises(OptionError, match="--image-size 33: the encoder test_vit does not take"):
        scenario.load(folder, seed=0)


def test_a_search_can_choose_among_encoders(folder: Path) -> None:
    """Each trial has the one of its setup; the description names both."""
    searched = small()
    assert isinstance(searched, Searchable)
    data = searched.offering({"encoder": (SMALL, OTHER)}).load(folder, seed=0)
    scenario = load_scenario("celeba")
    assert isinstance(scenario, Searchable)

    networks = [
        scenario.network(scenario.chosen(data, {"encoder": each})) for each in (SMALL, OTHER)
    ]

    sizes = [sum(each.numel() for each in network.parameters()) for network in networks]
    assert sizes[0] != sizes[1]
    assert f"{SMALL} with random weights or {OTHER} with random weights" in data.description
    assert scenario.chosen(data, {"optimizer": "sgd"}) is data


def test_each_encoder_of_a_search_has_its_own_weights(folder: Path) -> None:
    """They lie beside each other in the data, and a network takes those of its encoder."""
    data = small().load(folder, seed=0)
    torch.manual_seed(5)
    states = {each: backbone(each, image_size=32).state_dict() for each in (SMALL, OTHER)}
    weights = {f"{of}/{n}": t.numpy() for of, state in states.items() for n, t in state.items()}
    scenario = Celeba()

    for encoder, state in states.items():
        both = dataclasses.replace(data, weights=weights)
        network = scenario.network(scenario.chosen(both, {"encoder": encoder}))

        assert isinstance(network, VisionClassifier)
        taken = network.encoder.backbone.state_dict()
        assert all(torch.equal(taken[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    ("encoders", "weights", "named"),
    [
        ((SMALL, "resnet81"), "none", r"--space: encoder is 'resnet81': timm"),
        ((SMALL, OTHER), "mine.pth", r"--weights mine.pth: a file has the weights of one encoder"),
    ],
)
def test_encoders_that_cannot_be_searched_are_refused(
    encoders: tuple[str, ...], weights: str, named: str
) -> None:
    """Before any data are read."""
    scenario = small(weights=weights)
    assert isinstance(scenario, Searchable)

    with pytest.raises(OptionError, match=named):
        scenario.offering({"encoder": encoders})


def test_other_scenarios_have_no_such_options() -> None:
    """An option that would do nothing is refused."""
    with pytest.raises(OptionError, match="scenario pamap2 has none"):
        load_scenario("pamap2", CelebaOptions(image_size=64))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"image_size": 31}, "--image-size is 31; allowed: whole pixels from 32 to 1024."),
        ({"image_size": 1025}, "--image-size is 1025; allowed: whole pixels from 32 to 1024."),
        ({"encoder": ""}, "--encoder is empty; allowed: a name that timm knows."),
        ({"weights": ""}, "--weights is empty; allowed: imagenet, none, or the path of a file."),
    ],
)
def test_its_options_are_checked_when_they_are_given(chosen: dict[str, Any], said: str) -> None:
    """Before a scenario is made of them."""
    with pytest.raises(OptionError, match=said):
        CelebaOptions(**chosen)
