"""Somebody's Tune script with the two lines, on emulated boards whose energy is known."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.fake_nvml import UUIDS, Boards, build

pytestmark = [
    pytest.mark.ray,
    pytest.mark.integrations,
]  # seven runs of Ray, two of them with torch

ROOT = Path(__file__).parents[3]
BOARDS = Boards(boards=2, low_w=240.0)


def script(kind: str, storage: Path) -> None:
    """Run the script in a process of its own."""
    environment = {
        **BOARDS.environment(build(storage / "lib")),
        "RAY_AIR_NEW_OUTPUT": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.study.instrument.tune_script", kind, str(storage)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Storage with a run of each kind."""
    storage = tmp_path_factory.mktemp("runs")
    script("all", storage)
    return storage


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose trial was killed, and that another program went on with."""
    storage = tmp_path_factory.mktemp("restored")
    script("interrupted", storage)
    script("restored", storage)
    return storage / "restored"


def table(run: Path, name: str) -> pd.DataFrame:
    """A table of a run's folder."""
    return pd.read_parquet(run / f"{name}.parquet")


def known_j(row: pd.Series) -> float:
    """What the boards of a window used, by their curves."""
    start_s, stop_s = row["start_s"], row["start_s"] + row["duration_s"]
    boards = [UUIDS.index(uuid) for uuid in row["device_uuid"].split("+")]
    return sum(BOARDS.energy_j(board, start_s, stop_s) for board in boards)


@pytest.mark.parametrize("name", ["function", "class", "killed"])
def test_energies_are_those_of_the_boards(runs: Path, name: str) -> None:
    """Each attempt within 2 % of the known curve; those of a killed process too."""
    windows = table(runs / name, "windows")
    whole = windows[windows["stage"] == "trial"]

    known = whole.apply(known_j, axis=1)

    assert len(whole) >= 2
    assert ((whole["energy_j"] / known - 1).abs() < 0.02).all()


def test_the_energy_of_workers_is_summed(runs: Path) -> None:
    """Both boards are on the trial's bill, epoch by epoch; the waiting process is not."""
    epochs = table(runs / "workers", "epochs")

    assert [set(each.split("+")) for each in epochs["device_uuid"]] == [set(UUIDS[:2])] * 3
    power_w = epochs["epoch_energy_j"] / epochs["epoch_time_s"]
    both_w = sum(BOARDS.energy_j(board, 0.0, 700.0) for board in (0, 1)) / 700.0
    assert power_w.mean() == pytest.approx(both_w, rel=0.1)


def test_trials_that_share_a_board_are_charged_parts_of_it(runs: Path) -> None:
    """Fractional GPUs: together they are charged what the board used, and the rows say so."""
    windows = table(runs / "shared", "windows")
    whole = windows[windows["stage"] == "trial"]
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


def test_a_restored_run_keeps_what_was_used_before(restored: Path) -> None:
    """In another program: rows, attempts and the joules of the killed attempt."""
    (trial,) = table(restored, "trials").to_dict("records")
    windows = table(restored, "windows")
    whole = windows[windows["stage"] == "trial"]

    assert (trial["status"], trial["attempts"]) == ("finished", 2)
    assert trial["wasted_energy_j"] > 50
    assert whole["attempt"].tolist() == [1, 2]
    assert ((whole["energy_j"] / whole.apply(known_j, axis=1) - 1).abs() < 0.02).all()


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
