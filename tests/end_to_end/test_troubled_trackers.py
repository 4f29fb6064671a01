"""A study whose trackers and trials are killed and frozen while its boards have power limits.

It ends, and says what happened; energies are right throughout, and no board keeps a limit.
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
    """Epochs that a trial has reported so far; on storage they are only later."""
    pattern = f"pot-*/r/session_2*/artifacts/*/a/driver_artifacts/{trial}*/result.json"
    return sum(path.read_text().count("\n") for path in ray_folder.glob(pattern))


def actor_of(study: psutil.Process, kind: str) -> psutil.Process:
    """The process of an actor; Ray names it after its class and, while it works, its method."""
    titles = {}
    for each in study.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            titles[each] = " ".join(each.cmdline())
    found = [each for each, title in titles.items() if re.match(rf"ray::{kind}(\.|$| )", title)]
    assert found, sorted(titles.values())
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """The study, ended by itself: its exit status, its words, its folder, and the boards."""

    status: int
    said: str
    folder: Path
    boards: Boards

    def table(self, name: str) -> Any:  # noqa: ANN401 - its columns are known at run time
        """A table of its folder; of windows those of the boards."""
        rows = pd.read_parquet(self.folder / f"{name}.parquet")
        return rows[rows["component"] == "gpu"] if name == "windows" else rows


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """The tracker is killed, then frozen for 5 s, then a trial is killed inside a window."""
    folder = tmp_path_factory.mktemp("troubled")
    boards = Boards(boards=2, low_w=240.0, high_w=380.0, limits=str(folder / "limits"))
    gate = Gate(folder / "gate")
    gate.hold(after=2)
    options = (*OPTIONS, "--max-epochs", str(EPOCHS), "--patience", str(EPOCHS))

    with (
        TemporaryDirectory(prefix="r") as place,  # short: sockets' names must not be long
        running(folder, session := Path(place) / "ray", boards, *options) as study,
    ):

        def trained(epochs: int) -> None:
            """Both trials have reported so many epochs, and are in the next."""
            waited_for(
                lambda: all(reported(session, trial) == epochs for trial in ("setup01", "setup02")),
                f"{epochs} epochs of both trials",
            )

        def is_set_back(board: int) -> bool:
            return any(limit_w == boards.limit_w for _, limit_w in boards.limits_set(board))

        process = psutil.Process(study.pid)
        trained(2)
        waited_for(lambda: limits_w(boards) == set(LIMITS_W), "both limits")
        actor_of(process, "Tracker").kill()
        waited_for(lambda: is_set_back(0) and is_set_back(1), "both set back by the guard")
        gate.hold(after=4)
        trained(4)
        waited_for(lambda: limits_w(boards) == set(LIMITS_W), "both set by the new tracker")
        tracker = actor_of(process, "Tracker")
        tracker.send_signal(signal.SIGSTOP)
        gate.hold(after=6)
        time.sleep(FROZEN_S)
        tracker.send_signal(signal.SIGCONT)
        trained(6)
        os.kill(actor_of(process, "ImplicitFunc").pid, signal.SIGKILL)
        waited_for(lambda: boards.limit_w in limits_w(boards), "the killed trial's set back")
        gate.open()
        said, _ = study.communicate(timeout=PATIENCE_S)
    return Survivor(status=study.returncode, said=said, folder=folder / "a", boards=boards)


def test_a_study_survives_its_trackers_and_trials(survivor: Survivor) -> None:
    """The killed trial runs again, and what it had used is on the bill as wasted."""
    trials, epochs = survivor.table("trials").set_index("trial_id"), survivor.table("epochs")
    windows = survivor.table("windows")

    (again,) = trials.index[trials["attempts"] == 2]
    assert survivor.status == 0, survivor.said
    assert re.search(r"^lost: .*SIGKILL", survivor.said, re.MULTILINE), survivor.said
    assert set(trials["status"]) == {"finished"}
    last = epochs[epochs["attempt"] == epochs["trial_id"].map(trials["attempts"])]
    assert set(last.groupby("trial_id").size()) == {EPOCHS}
    assert trials.loc[again, "wasted_energy_j"] > 0
    assert windows["note"].str.contains("restarted during").any()
    attempts = windows[windows["stage"] == "trial"].groupby("trial_id")["attempt"].agg(list)
    assert attempts[again] == [1, 2]


def test_its_energies_are_right(survivor: Survivor) -> None:
    """Of each attempt, and of all windows together."""
    measured = survivor.table("windows").dropna(subset="energy_j")
    known = pd.Series(known_j(survivor.boards, measured), index=measured.index)
    whole = measured["stage"] == "trial"

    assert measured["energy_j"].sum() == pytest.approx(known.sum(), rel=0.03)
    assert measured["energy_j"][whole].sum() == pytest.approx(known[whole].sum(), rel=0.02)
    for energy_j, expected_j in zip(measured["energy_j"][whole], known[whole], strict=True):
        assert energy_j == pytest.approx(expected_j, rel=0.05)


def test_limits_are_set_recorded_and_set_back(survivor: Survivor) -> None:
    """Each row has the limit under which it was trained; no board has one at the end."""
    epochs = survivor.table("epochs")

    chosen = [json.loads(each)["power_limit_w"] for each in epochs["parameters"]]

    assert set(chosen) == set(LIMITS_W)
    assert chosen == epochs["power_limit_w"].tolist()
    assert limits_w(survivor.boards) == {survivor.boards.limit_w}
