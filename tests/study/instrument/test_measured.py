"""Somebody's Tune script with the two lines, on emulated boards whose energy is known."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.fake_nvml import UUIDS
from tests.study.instrument.tune_runs import (
    BOARDS,
    ROOT,
    assert_wandb_has_the_energies,
    known_j,
    of_boards,
    script,
    table,
)

pytestmark = [pytest.mark.ray, pytest.mark.integrations]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Storage with a run of each kind."""
    storage = tmp_path_factory.mktemp("runs")
    script("all", storage)
    return storage


@pytest.mark.parametrize("name", ["function", "class", "killed", "workers"])
def test_energies_are_those_of_the_boards(runs: Path, name: str) -> None:
    """Each attempt within 2 % of the known curve; those of a killed process too."""
    whole = of_boards(runs / name)

    known = whole.apply(known_j, axis=1)

    assert len(whole) >= 2
    assert ((whole["energy_j"] / known - 1).abs() < 0.02).all()


def test_the_energy_of_workers_is_summed(runs: Path) -> None:
    """Both boards are on the trial's bill, epoch by epoch; the waiting process is not."""
    epochs = table(runs / "workers", "epochs")

    assert [set(each.split("+")) for each in epochs["device_uuid"]] == [set(UUIDS[:2])] * 3
    windows = of_boards(runs / "workers", "training")
    # What a worker does after its last report has a window too, and is no epoch.
    by_epoch = windows[windows["epoch"] <= len(epochs)].groupby("epoch")
    assert by_epoch["worker"].apply(sorted).tolist() == [[0, 1]] * 3
    assert epochs["epoch_energy_j"].tolist() == pytest.approx(by_epoch["energy_j"].sum().tolist())


@pytest.mark.parametrize("name", ["function", "workers"])
def test_components_stand_beside_what_ranks(runs: Path, name: str) -> None:
    """Those of epochs, of windows and of trials; what is not measured is missing."""
    epochs, trials = table(runs / name, "epochs"), table(runs / name, "trials")

    assert epochs["gpu_energy_j"].tolist() == epochs["epoch_energy_j"].tolist()
    assert (epochs["cpu_energy_j"] >= 0).all()
    assert epochs["node_energy_j"].isna().all()
    assert trials["gpu_energy_j"].tolist() == pytest.approx(trials["energy_j"].tolist())
    assert {"gpu", "cpu"} <= set(table(runs / name, "windows")["component"])


def test_trials_that_share_a_board_are_charged_parts_of_it(runs: Path) -> None:
    """Fractional GPUs: together they are charged what the board used, and the rows say so."""
    whole = of_boards(runs / "shared")
    start_s = whole["start_s"].min()
    stop_s = (whole["start_s"] + whole["duration_s"]).max()
    (uuid,) = set(whole["device_uuid"])

    used_j = BOARDS.energy_j(UUIDS.index(uuid), start_s, stop_s)

    assert whole["energy_j"].sum() == pytest.approx(used_j, rel=0.02)
    assert 2 in set(table(runs / "shared", "epochs")["shared_by"])


def test_every_epoch_has_its_row(runs: Path) -> None:
    """With the metric that decides, and all that was reported."""
    epochs = table(runs / "class", "epochs")

    assert epochs.groupby("trial_id").size().tolist() == [3] * 4
    assert (epochs["energy_status"] != "missing").all()
    assert epochs["val_score"].tolist() == epochs["val_loss"].tolist()


def test_repeats_are_told_apart_by_their_seed(runs: Path) -> None:
    """Configurations that differ in it alone are one setup."""
    trials = table(runs / "class", "trials")
    manifest = Manifest.from_json((runs / "class" / "study.json").read_text())

    assert sorted(zip(trials["setup"], trials["seed"], strict=True)) == [
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]
    # Setups are numbered as trials report, and two report at once.
    assert {each.learning_rate for each in manifest.setups} == {0.1, 0.01}
    assert manifest.status == "finished"
    assert manifest.objective.name == "val_loss"
    assert manifest.objective.mode == "min"


def test_schedulers_see_watt_hours(runs: Path) -> None:
    """ASHA ends a trial by them, and its row says that it was stopped."""
    trials = table(runs / "function", "trials")

    assert set(trials["status"]) == {"finished"}
    assert set(trials["stop_reason"]) <= {"max_epochs", "stopped"}
    assert len(trials) == 2


def test_a_budget_ends_the_run(runs: Path) -> None:
    """With at most one report of each running trial too much; what waits is not begun."""
    epochs = table(runs / "budget", "epochs")
    dearest_wh = epochs["epoch_energy_j"].max() / 3600

    used_wh = epochs["epoch_energy_j"].sum() / 3600

    assert 0.05 <= used_wh <= 0.05 + 2 * dearest_wh
    assert epochs["trial_id"].nunique() < 4


def test_a_killed_trial_has_its_lost_attempt_on_the_bill(runs: Path) -> None:
    """It goes on from its checkpoint; what the lost epoch used is wasted."""
    (trial,) = table(runs / "killed", "trials").to_dict("records")
    epochs = table(runs / "killed", "epochs").sort_values(["attempt", "epoch"])

    assert (trial["status"], trial["attempts"], trial["epochs"]) == ("finished", 2, 3)
    assert epochs[["attempt", "epoch"]].to_numpy().tolist() == [[1, 1], [2, 2], [2, 3]]
    assert trial["wasted_energy_j"] > 50


def test_watt_hours_never_fall(runs: Path) -> None:
    """Over attempts too: a scheduler sees what a trial has used in all."""
    results = next((runs / "killed").glob("function_*")) / "result.json"
    rows = pd.read_json(results, lines=True).drop_duplicates("training_iteration", keep="last")
    trial = table(runs / "killed", "trials").iloc[0]

    assert rows["energy_wh"].is_monotonic_increasing
    used_j = rows["energy_wh"].iloc[-1] * 3600
    assert used_j == pytest.approx(trial["energy_j"] + trial["wasted_energy_j"], rel=0.01)


def test_its_analysis_is_that_of_a_study(runs: Path) -> None:
    """The report is written beside the run."""
    done = subprocess.run(
        [sys.executable, "-m", "analysis", str(runs / "class")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stderr
    assert "2 setups x 2 repeats" in done.stdout
    assert (runs / "class" / "report" / "index.html").is_file()


def test_experiment_trackers_have_the_energies_of_all_attempts(runs: Path) -> None:
    """A retry is in the same run of W&B."""
    assert_wandb_has_the_energies(runs / "killed")
