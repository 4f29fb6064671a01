"""A study whose tracker and trials are killed or frozen while its boards have power limits.

The study finishes and reports what happened; its energies are right, and no board keeps a limit.
"""

import json
import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import psutil
import pytest

from tests.end_to_end.held import Gate
from tests.end_to_end.test_power_limits import LIMITS_W, OPTIONS, known_j, limits_w, running
from tests.fake_nvml import Boards
from tests.waiting import PATIENCE_S, waited_for

pytestmark = [pytest.mark.ray, pytest.mark.faults]

FROZEN_S = 5.0
EPOCHS = 8


def reported(ray_folder: Path, trial: str) -> int:
    """Number of epochs that a trial has reported so far, from Ray's folder: storage has them only later."""
    pattern = f"pot-*/r/session_2*/artifacts/*/a/driver_artifacts/{trial}*/result.json"
    return sum(path.read_text().count("\n") for path in ray_folder.glob(pattern))


def actor_of(study: psutil.Process, kind: str) -> psutil.Process:
    """Process of an actor, which Ray titles with its class and, during a call, its method."""
    titles = {}
    for each in study.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            titles[each] = " ".join(each.cmdline())
    found = [each for each, title in titles.items() if re.match(rf"ray::{kind}(\.|$| )", title)]
    assert found, sorted(titles.values())
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A study that has ended by itself: its exit status, its output, its folder, and the boards."""

    status: int
    output: str
    folder: Path
    boards: Boards

    def table(self, name: str) -> Any:  # noqa: ANN401 - its columns are known at run time
        """A table of the study's folder; of the windows, only those of boards."""
        rows = pd.read_parquet(self.folder / f"{name}.parquet")
        return rows[rows["component"] == "gpu"] if name == "windows" else rows


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """A study whose tracker is killed, the next frozen for 5 s, and then a trial killed within a window."""
    folder = tmp_path_factory.mktemp("troubled")
    boards = Boards(boards=2, low_w=240.0, high_w=380.0, limits=str(folder / "limits"))
    gate = Gate(folder / "gate")
    gate.hold(after=2)
    options = (*OPTIONS, "--max-epochs", str(EPOCHS), "--patience", str(EPOCHS))

    with (
        TemporaryDirectory(prefix="r") as place,  # short: sockets' paths have a length limit
        running(folder, session := Path(place) / "ray", boards, *options) as study,
    ):

        def wait_until_trained(epochs: int) -> None:
            """Wait until both trials have reported this many epochs."""
            waited_for(
                lambda: all(reported(session, trial) == epochs for trial in ("setup01", "setup02")),
                f"{epochs} epochs of both trials",
            )

        def is_restored(board: int) -> bool:
            return any(limit_w == boards.limit_w for _, limit_w in boards.limits_set(board))

        process = psutil.Process(study.pid)
        wait_until_trained(2)
        waited_for(lambda: limits_w(boards) == set(LIMITS_W), "both limits")
        actor_of(process, "Tracker").kill()
        waited_for(lambda: is_restored(0) and is_restored(1), "both limits restored by the guard")
        gate.hold(after=4)
        wait_until_trained(4)
        waited_for(lambda: limits_w(boards) == set(LIMITS_W), "both limits set by the new tracker")
        tracker = actor_of(process, "Tracker")
        tracker.send_signal(signal.SIGSTOP)
        gate.hold(after=6)
        time.sleep(FROZEN_S)
        tracker.send_signal(signal.SIGCONT)
        wait_until_trained(6)
        os.kill(actor_of(process, "ImplicitFunc").pid, signal.SIGKILL)
        waited_for(lambda: boards.limit_w in limits_w(boards), "the killed trial's limit restored")
        gate.open()
        output, _ = study.communicate(timeout=PATIENCE_S)
    return Survivor(status=study.returncode, output=output, folder=folder / "a", boards=boards)


def test_a_study_survives_its_trackers_and_trials(survivor: Survivor) -> None:
    """The killed trial runs again, and the energy of its lost attempt counts as wasted."""
    trials, epochs = survivor.table("trials").set_index("trial_id"), survivor.table("epochs")
    windows = survivor.table("windows")

    (again,) = trials.index[trials["attempts"] == 2]
    assert survivor.status == 0, survivor.output
    assert re.search(r"^lost: .*SIGKILL", survivor.output, re.MULTILINE), survivor.output
    assert set(trials["status"]) == {"finished"}
    last = epochs[epochs["attempt"] == epochs["trial_id"].map(trials["attempts"])]
    assert set(last.groupby("trial_id").size()) == {EPOCHS}
    assert trials.loc[again, "wasted_energy_j"] > 0
    assert windows["note"].str.contains("restarted during").any()
    attempts = windows[windows["stage"] == "trial"].groupby("trial_id")["attempt"].agg(list)
    assert attempts[again] == [1, 2]


def test_its_energies_are_right(survivor: Survivor) -> None:
    """Energies match the boards' known curves for each attempt and for all windows together."""
    measured = survivor.table("windows").dropna(subset="energy_j")
    known = pd.Series(known_j(survivor.boards, measured), index=measured.index)
    whole = measured["stage"] == "trial"

    assert measured["energy_j"].sum() == pytest.approx(known.sum(), rel=0.03)
    assert measured["energy_j"][whole].sum() == pytest.approx(known[whole].sum(), rel=0.02)
    for energy_j, expected_j in zip(measured["energy_j"][whole], known[whole], strict=True):
        assert energy_j == pytest.approx(expected_j, rel=0.05)


def test_limits_are_set_recorded_and_set_back(survivor: Survivor) -> None:
    """Each epoch records the limit that its setup chose; no board keeps it at the end."""
    epochs = survivor.table("epochs")

    chosen = [json.loads(each)["power_limit_w"] for each in epochs["parameters"]]

    assert set(chosen) == set(LIMITS_W)
    assert chosen == epochs["power_limit_w"].tolist()
    assert limits_w(survivor.boards) == {survivor.boards.limit_w}
