"""Somebody's Tune script with the two lines, killed and gone on with in another program."""

from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.study.instrument.tune_runs import (
    assert_wandb_has_the_energies,
    known_j,
    of_boards,
    script,
    table,
)

pytestmark = [pytest.mark.ray, pytest.mark.faults]


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose trial was killed, and that another program went on with; beside it one that it began anew."""
    storage = tmp_path_factory.mktemp("restored")
    script("interrupted", storage)
    script("restored", storage)
    return storage / "restored"


def test_a_restored_run_keeps_what_was_used_before(restored: Path) -> None:
    """In another program: rows, attempts and the joules of the killed attempt."""
    (trial,) = table(restored, "trials").to_dict("records")
    whole = of_boards(restored)

    assert (trial["status"], trial["attempts"]) == ("finished", 2)
    assert trial["wasted_energy_j"] > 50
    assert whole["attempt"].tolist() == [1, 2]
    # Attempts of seconds, the first cut off: their edges weigh more than an epoch's, which are within 2 %.
    assert ((whole["energy_j"] / whole.apply(known_j, axis=1) - 1).abs() < 0.04).all()


def test_a_trial_that_was_begun_anew_is_one_training(restored: Path) -> None:
    """Tune gives it another identifier: it has two attempts all the same, and Tune's watt-hours have both."""
    run = restored.parent / "restarted"
    (trial,) = table(run, "trials").to_dict("records")
    results = next(run.glob(f"function_{trial['trial_id']}_*")) / "result.json"

    assert (trial["status"], trial["attempts"], trial["epochs"]) == ("finished", 2, 3)
    assert trial["wasted_energy_j"] > 50
    used_j = pd.read_json(results, lines=True)["energy_wh"].iloc[-1] * 3600
    assert used_j == pytest.approx(trial["energy_j"] + trial["wasted_energy_j"], rel=0.01)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose driver was killed, and that another program went on with."""
    storage = tmp_path_factory.mktemp("driver")
    script("driver", storage, status=-9)
    script("after", storage)
    return storage / "driver"


def test_a_run_whose_driver_was_killed_keeps_what_was_used(after: Path) -> None:
    """As far as it was written before: a lower bound, and the status says so."""
    (trial,) = table(after, "trials").to_dict("records")
    result = next(after.glob("without_a_driver_*")) / "result.json"
    last = pd.read_json(result, lines=True).iloc[-1]

    assert (trial["status"], trial["attempts"]) == ("finished", 2)
    assert trial["wasted_energy_j"] > 50
    used_j = last["energy_wh"] * 3600
    assert used_j == pytest.approx(trial["energy_j"] + trial["wasted_energy_j"], rel=0.01)
    assert last["energy_status"] == "degraded"
    assert Manifest.from_json((after / "study.json").read_text()).status == "finished"


def test_experiment_trackers_have_the_energies_of_all_attempts(restored: Path) -> None:
    """Another program that goes on with a run is in the same runs of W&B."""
    assert_wandb_has_the_energies(restored)
