"""Trials with several emulated boards, on which several processes train together."""

from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
import torch

from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.task import plain_task
from tests.end_to_end.conftest import run_regime
from tests.end_to_end.scenarios import Together
from tests.fake_nvml import UUIDS, Boards, build

pytestmark = [pytest.mark.ray, pytest.mark.integrations]

BOARDS = Boards(boards=2, low_w=240.0)
HEALTHY, MEMORY, BUG, DIES = 64, 32, 128, 256
"""Batch sizes, named after what happens in the second process."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose trials have two boards each."""
    folder = tmp_path_factory.mktemp("workers")
    result = run_regime(
        folder,
        *("--scenario", "tests.end_to_end.scenarios:Together", "--gpus-per-trial", "2"),
        *("--batch-sizes", *map(str, (HEALTHY, MEMORY, BUG, DIES))),
        *("--learning-rates", "0.01", "--repeats", "1", "--max-epochs", "3"),
        *("--no-report", "--checkpoint-every-s", "0"),
        env={**BOARDS.environment(build(folder / "lib")), "DIED": str(folder / "died")},
    )
    assert result.status == 1, result.err  # a trial has failed
    return result.folder


def table(study: Path, name: str, batch_size: int) -> pd.DataFrame:
    """Rows of the trial with this batch size in a table."""
    trials = pd.read_parquet(study / "trials.parquet")
    (trial_id,) = trials.loc[trials["batch_size"] == batch_size, "trial_id"]
    rows = pd.read_parquet(study / f"{name}.parquet")
    chosen: pd.DataFrame = rows[rows["trial_id"] == trial_id]
    return chosen


def trained_by_one_process(batch_size: int) -> list[EpochOutcome]:
    """Outcomes of the same training in one process."""
    scenario = Together()
    settings = TrainingSettings(
        batch_size=batch_size,
        learning_rate=0.01,
        max_epochs=3,
        patience=5,
        optimizer="adam",
        seed=0,
    )
    data = scenario.load(None, seed=0)
    window = lambda _: nullcontext()  # noqa: E731 - too short for a function
    return list(
        train(
            lambda: plain_task(scenario, data), settings, device=torch.device("cpu"), window=window
        )
    )


@pytest.mark.parametrize("batch_size", [HEALTHY, DIES])
def test_results_are_those_of_one_worker(study: Path, batch_size: int) -> None:
    """Losses and batch size are those of one process, even if a process was killed and the trial run again."""
    epochs = table(study, "epochs", batch_size).sort_values("epoch")
    expected = trained_by_one_process(batch_size)

    assert epochs["epoch"].tolist() == [each.epoch for each in expected]
    for column in ("train_loss", "val_loss"):
        losses = [getattr(each, column) for each in expected]
        assert epochs[column].tolist() == pytest.approx(losses, rel=1e-4)
    assert set(epochs["effective_batch_size"]) == {batch_size}


def test_the_energy_is_that_of_both_boards(study: Path) -> None:
    """Both boards are within 2 % of their curves, and each epoch's energy is the sum of both."""
    epochs = table(study, "epochs", HEALTHY)
    windows = table(study, "windows", HEALTHY)
    boards = windows[(windows["component"] == "gpu") & (windows["stage"] == "trial")]

    known_j = [
        BOARDS.energy_j(
            UUIDS.index(row["device_uuid"]), row["start_s"], row["start_s"] + row["duration_s"]
        )
        for row in boards.to_dict("records")
    ]

    assert set(boards["device_uuid"]) == set(UUIDS[:2])
    assert boards["energy_j"].tolist() == pytest.approx(known_j, rel=0.02)
    of_epochs = windows[(windows["component"] == "gpu") & (windows["epoch"] > 0)]
    by_epoch = of_epochs.groupby("epoch")["energy_j"].sum()
    assert epochs["epoch_energy_j"].tolist() == pytest.approx(by_epoch.tolist())
    assert epochs["gpu_energy_j"].tolist() == pytest.approx(by_epoch.tolist())
    assert set(epochs["device_uuid"]) == {"+".join(sorted(UUIDS[:2]))}


def test_a_worker_that_is_killed_costs_an_attempt(study: Path) -> None:
    """The trial resumes from its checkpoint, and the energy of the lost epoch counts as wasted."""
    (trial,) = table(study, "trials", DIES).to_dict("records")
    epochs = table(study, "epochs", DIES).sort_values("epoch")

    assert (trial["status"], trial["attempts"]) == ("finished", 2)
    assert epochs[["attempt", "epoch"]].to_numpy().tolist() == [[1, 1], [2, 2], [2, 3]]
    assert trial["wasted_energy_j"] > 0


def test_what_goes_wrong_in_one_process_is_the_trial_s(study: Path) -> None:
    """Out of memory in one process ends its trial early; an exception fails it, with that process's message."""
    (memory,) = table(study, "trials", MEMORY).to_dict("records")
    (bug,) = table(study, "trials", BUG).to_dict("records")

    assert (memory["status"], memory["stop_reason"]) == ("finished", "out_of_memory")
    assert (bug["status"], bug["attempts"]) == ("failed", 1)
    assert bug["error"] == "ZeroDivisionError: a bug in one process of two"
