"""The example of a user's own scenario, on real recordings of people."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from study.data.watch.scenario import HELD_OUT_PEOPLE, STEP, WINDOW, Watch
from study.errors import DataError
from study.record.vocabulary import StopReason
from study.scenario import Data, Scenario
from study.scenario_lookup import load_scenario
from study.training.loop import train
from study.training.recipe import TrainingSettings
from study.training.task import plain_task
from tests.study.training.short_trainings import Windows

seglearn = pytest.importorskip("seglearn", reason="the data come with the extra `sample`")
LONGEST = 100


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Train in one thread: on a busy machine, threads that wait for each other are slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def watch() -> Data:
    """The smartwatch data."""
    return Watch().load(None, seed=0)


def test_the_example_is_short_and_a_scenario() -> None:
    """It has under 100 lines, and is found by the name in the documents."""
    lines = Path(Watch.load.__code__.co_filename).read_text().splitlines()

    assert len(lines) < LONGEST
    assert isinstance(load_scenario("watch"), Scenario)


def test_windows_are_cut_from_each_recording(watch: Data) -> None:
    """Each recording gives as many windows as fit into it, with channels before time."""
    recorded = seglearn.load_watch()
    lengths = np.array([len(each) for each in recorded["X"]])
    fit = (lengths - WINDOW) // STEP + 1
    held_out = np.isin(recorded["subject"], HELD_OUT_PEOPLE)

    assert len(recorded["X"]) == 140
    assert watch.train.inputs.shape == (fit[~held_out].sum(), 6, WINDOW)
    assert watch.val.inputs.shape == (fit[held_out].sum(), 6, WINDOW)


def test_a_window_is_a_piece_of_its_recording(watch: Data) -> None:
    """The second training window is samples 50 to 150 of the first recording, scaled."""
    recorded = seglearn.load_watch()
    first = np.flatnonzero(~np.isin(recorded["subject"], HELD_OUT_PEOPLE))[0]
    piece = recorded["X"][first][STEP : STEP + WINDOW].T

    window = watch.train.inputs[1]

    correlations = [np.corrcoef(piece[i], window[i])[0, 1] for i in range(6)]
    assert correlations == pytest.approx([1] * 6)
    assert recorded["y"][first] == watch.train.targets[1]


def test_only_training_people_set_the_scale(watch: Data) -> None:
    """Training channels have mean 0 and standard deviation 1; those of other people do not."""
    mean = watch.train.inputs.mean(axis=(0, 2), dtype=np.float64)
    deviation = watch.train.inputs.std(axis=(0, 2), dtype=np.float64)
    held_out = watch.val.inputs.mean(axis=(0, 2), dtype=np.float64)

    assert mean == pytest.approx(np.zeros(6), abs=1e-4)
    assert deviation == pytest.approx(np.ones(6), abs=1e-4)
    assert held_out != pytest.approx(np.zeros(6), abs=1e-4)


def test_the_data_are_described(watch: Data) -> None:
    """They are real, have seven classes, and a chance level with which to compare an accuracy."""
    facts = watch.facts()

    assert not facts.synthetic
    assert len(facts.classes) == 7
    assert facts.chance_accuracy is not None
    assert 1 / 7 <= facts.chance_accuracy < 0.25


def test_a_data_folder_is_refused(tmp_path: Path) -> None:
    """The data come with pip, so `--data-dir` would have no effect."""
    with pytest.raises(DataError, match=r"--data-dir .* leave it out"):
        Watch().load(tmp_path, seed=0)


@pytest.mark.slow
def test_exercises_of_unseen_people_are_recognised(watch: Data) -> None:
    """After three epochs, the accuracy is more than twice the chance level."""
    settings = TrainingSettings(
        batch_size=64, learning_rate=0.001, max_epochs=3, patience=3, optimizer="adam", seed=0
    )

    outcomes = list(
        train(
            lambda: plain_task(Watch(), watch),
            settings,
            device=torch.device("cpu"),
            window=Windows(),
        )
    )

    assert outcomes[-1].stop_reason is StopReason.MAX_EPOCHS
    chance = watch.facts().chance_accuracy
    assert chance is not None
    assert outcomes[-1].val_metrics["accuracy"] > 2 * chance
