"""A study that is told to stop: by its machine, by somebody in a hurry, by a full disk."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.end_to_end.conftest import ONE_SLOT, ROOT, command, run_here, until
from tests.end_to_end.held import Gate
from tests.waiting import PATIENCE_S, waited_for

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

OPTIONS = (
    *("--scenario", "tests.end_to_end.held:Held", "--repeats", "1", "--batch-sizes", "128"),
    *("--learning-rates", "0.1", "0.01", "0.001", "0.0001"),
    *("--max-epochs", "4", "--patience", "4", "--checkpoint-every-s", "inf"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What a study left that was told to stop: its exit status, its words and its folder."""

    status: int
    said: str
    folder: Path


@contextmanager
def study(results: Path) -> Iterator[subprocess.Popen[str]]:
    """A study that runs: one trial has ended, and others wait within their third epoch."""
    gate = Gate(results / "gate")
    gate.hold(after=2)
    gate.let_one_end()
    process = subprocess.Popen(
        command(*OPTIONS, "--results-dir", str(results), "--name", "a"),
        cwd=ROOT,
        env={**os.environ, **ONE_SLOT, **gate.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(process, r"\[1/4\]")
        waited_for(lambda: gate.waiting, "a trial that waits")
        yield process
    finally:
        gate.open()
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A study that has got SIGTERM while its storage was away for a moment."""
    results = tmp_path_factory.mktemp("stopped")
    folder, away = results / "a", results / "away"
    with study(results) as process:
        assert process.stdout is not None
        folder.rename(away)
        folder.write_text("in the way")
        process.send_signal(signal.SIGTERM)
        said = until(process, r".*trying again in")
        folder.unlink()
        away.rename(folder)
        said += process.stdout.read()
        status = process.wait(timeout=PATIENCE_S)
    return Stopped(status=status, said=said, folder=folder)


def test_sigterm_is_like_ctrl_c(stopped: Stopped) -> None:
    """A scheduler that ends the job gets a study that is whole, and says how to go on."""
    trials = pd.read_parquet(stopped.folder / "trials.parquet")
    windows = pd.read_parquet(stopped.folder / "windows.parquet")
    running = trials[trials["status"] == "running"]["trial_id"]
    manifest = Manifest.from_json((stopped.folder / "study.json").read_text())
    assert stopped.status == 130
    assert "press Ctrl-C again to quit" in stopped.said
    assert "--resume" in stopped.said
    assert "Traceback" not in stopped.said
    assert manifest.status == "interrupted"
    assert "finished" in set(trials["status"])
    assert len(running) >= 1
    assert set(running) <= set(windows[windows["stage"] == "trial"]["trial_id"])
    assert (stopped.folder / "report" / "index.html").is_file()


def test_an_interrupted_study_goes_on(stopped: Stopped, tmp_path: Path) -> None:
    """What was done is kept, what had begun is run again, and the lost attempts' energy is kept."""
    shutil.copytree(stopped.folder, tmp_path / "a")

    status, _ = run_here(tmp_path, *OPTIONS, "--no-report", "--resume")

    before = pd.read_parquet(stopped.folder / "trials.parquet").set_index("trial_id")
    after = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    kept, begun = (before[before["status"] == each].index for each in ("finished", "running"))
    reported = begun[before.loc[begun, "epochs"] > 0]
    assert status == 0
    assert set(after["status"]) == {"finished"}
    assert len(after) == 4
    assert list(after.loc[kept, "energy_j"]) == list(before.loc[kept, "energy_j"])
    assert set(after.loc[kept, "attempts"]) == {1}
    assert set(after.loc[begun, "attempts"]) == {2}
    assert len(reported) >= 1
    assert (after.loc[reported, "wasted_energy_j"] > 0).all()


def test_a_storage_that_is_away_when_a_study_ends_is_waited_for(stopped: Stopped) -> None:
    """The rows are in the driver until the storage takes them; nothing is lost, and it is said."""
    trials = pd.read_parquet(stopped.folder / "trials.parquet")
    epochs = pd.read_parquet(stopped.folder / "epochs.parquet")

    assert "cannot be written" in stopped.said
    assert "finished" in set(trials["status"])
    assert sorted(epochs.groupby("trial_id").size()) == [2, 4]
