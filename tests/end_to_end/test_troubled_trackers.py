"""A study whose trackers and trials are killed and frozen: it ends, and says what happened."""

import os
import re
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.end_to_end.conftest import BARE, begun
from tests.end_to_end.held import Gate
from tests.fake_nvml import UUIDS, Boards, build
from tests.waiting import PATIENCE_S, waited_for

pytestmark = pytest.mark.ray

FROZEN_S = 5.0
EPOCHS = 8
OPTIONS = (
    *("--scenario", "tests.end_to_end.held:Held", "--repeats", "1"),
    *("--batch-sizes", "64", "--learning-rates", "0.001", "0.0001"),
    *("--max-epochs", str(EPOCHS), "--patience", str(EPOCHS), *BARE),
)


def reported(ray_folder: Path, trial: str) -> int:
    """Epochs that a trial has reported so far; on storage they are only later."""
    pattern = f"pot-*/r/session_2*/artifacts/*/a/driver_artifacts/{trial}*/result.json"
    return sum(path.read_text().count("\n") for path in ray_folder.glob(pattern))


def actor_of(study: psutil.Process, kind: str) -> psutil.Process:
    """The process of an actor; Ray names it after its class and, while it works, its method."""
    titles = {each: " ".join(each.cmdline()) for each in study.children(recursive=True)}
    found = [each for each, title in titles.items() if re.match(rf"ray::{kind}(\.|$| )", title)]
    assert found, sorted(titles.values())
    return found[0]


def test_a_study_survives_its_trackers_and_trials(tmp_path: Path, ray_folder: Path) -> None:
    """The tracker is killed, then frozen for 5 s, then a trial is killed inside a window.

    The killed trial runs again, and what it had used is on the bill as wasted; energies are right.
    """
    boards = Boards(boards=2, low_w=240.0)
    folder = tmp_path / "a"
    gate = Gate(tmp_path / "gate")
    env = {**boards.environment(build(tmp_path / "lib")), **gate.environment}

    def trained(epochs: int) -> None:
        """Both trials have reported so many epochs, and are in the next."""
        waited_for(
            lambda: all(reported(ray_folder, trial) == epochs for trial in ("setup01", "setup02")),
            f"{epochs} epochs of both trials",
        )

    gate.hold(after=2)
    with begun(tmp_path, *OPTIONS, env={**env, "RAY_TMPDIR": str(ray_folder)}) as study:
        process = psutil.Process(study.pid)
        trained(2)
        actor_of(process, "Tracker").kill()
        gate.hold(after=4)
        trained(4)
        tracker = actor_of(process, "Tracker")
        tracker.send_signal(signal.SIGSTOP)
        gate.hold(after=6)
        time.sleep(FROZEN_S)
        tracker.send_signal(signal.SIGCONT)
        trained(6)
        os.kill(actor_of(process, "ImplicitFunc").pid, signal.SIGKILL)
        gate.open()
        said, _ = study.communicate(timeout=PATIENCE_S)

    trials = pd.read_parquet(folder / "trials.parquet").set_index("trial_id")
    epochs = pd.read_parquet(folder / "epochs.parquet")
    windows = pd.read_parquet(folder / "windows.parquet")
    windows = windows[windows["component"] == "gpu"]
    (again,) = trials.index[trials["attempts"] == 2]
    assert study.returncode == 0, said
    assert re.search(r"^lost: .*SIGKILL", said, re.MULTILINE), said
    assert set(trials["status"]) == {"finished"}
    last = epochs[epochs["attempt"] == epochs["trial_id"].map(trials["attempts"])]
    assert set(last.groupby("trial_id").size()) == {EPOCHS}
    assert trials.loc[again, "wasted_energy_j"] > 0
    assert windows["note"].str.contains("started anew").any()
    attempts = windows[windows["stage"] == "trial"].groupby("trial_id")["attempt"].agg(list)
    assert attempts[again] == [1, 2]
    measured = windows.dropna(subset="energy_j")
    known_j = [
        boards.energy_j(UUIDS.index(uuid), start_s, start_s + duration_s)
        for uuid, start_s, duration_s in zip(
            measured["device_uuid"], measured["start_s"], measured["duration_s"], strict=True
        )
    ]
    whole = measured["stage"] == "trial"
    assert measured["energy_j"].sum() == pytest.approx(sum(known_j), rel=0.03)
    for energy_j, known in zip(
        measured["energy_j"][whole], pd.Series(known_j)[whole.to_numpy()], strict=True
    ):
        assert energy_j == pytest.approx(known, rel=0.05)
