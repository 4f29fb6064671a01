"""A study that is stopped by SIGTERM while its storage is away for a moment, and then resumed."""

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
from tests.end_to_end.conftest import ONE_SLOT, ROOT, command, read_until, run_here
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
    """Result of a study that was stopped: its exit status, its output and its folder."""

    status: int
    output: str
    folder: Path


@contextmanager
def study(results: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a study; one trial has ended, and others wait within their third epoch."""
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
        read_until(process, r"\[1/4\]")
        waited_for(lambda: gate.waiting, "a trial that waits")
        yield process
    finally:
        gate.open()
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A study that got SIGTERM while its storage was away for a moment."""
    results = tmp_path_factory.mktemp("stopped")
    folder, away = results / "a", results / "away"
    with study(results) as process:
        assert process.stdout is not None
        folder.rename(away)
        folder.write_text("in the way")
        process.send_signal(signal.SIGTERM)
        output = read_until(process, r".*trying again in")
        folder.unlink()
        away.rename(folder)
        output += process.stdout.read()
        status = process.wait(timeout=PATIENCE_S)
    return Stopped(status=status, output=output, folder=folder)


def test_sigterm_is_like_ctrl_c(stopped: Stopped) -> None:
    """SIGTERM, as a job scheduler sends it, leaves a complete study and a message on how to resume."""
    trials = pd.read_parquet(stopped.folder / "trials.parquet")
    windows = pd.read_parquet(stopped.folder / "windows.parquet")
    running = trials[trials["status"] == "running"]["trial_id"]
    manifest = Manifest.from_json((stopped.folder / "study.json").read_text())
    assert stopped.status == 130
    assert "press Ctrl-C again to quit" in stopped.output
    assert "--resume" in stopped.output
    assert "Traceback" not in stopped.output
    assert manifest.status == "interrupted"
    assert "finished" in set(trials["status"])
    assert len(running) >= 1
    assert set(running) <= set(windows[windows["stage"] == "trial"]["trial_id"])
    assert (stopped.folder / "report" / "index.html").is_file()


def test_an_interrupted_study_goes_on(stopped: Stopped, tmp_path: Path) -> None:
    """Finished trials are kept; started ones run again, and their lost attempts' energy counts as wasted."""
    shutil.copytree(stopped.folder, tmp_path / "a")

    status, _ = run_here(tmp_path, *OPTIONS, "--no-report", "--resume")

    before = pd.read_parquet(stopped.folder / "trials.parquet").set_index("trial_id")
    after = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    kept, started = (before[before["status"] == each].index for each in ("finished", "running"))
    reported = started[before.loc[started, "epochs"] > 0]
    assert status == 0
    assert set(after["status"]) == {"finished"}
    assert len(after) == 4
    assert list(after.loc[kept, "energy_j"]) == list(before.loc[kept, "energy_j"])
    assert set(after.loc[kept, "attempts"]) == {1}
    assert set(after.loc[started, "attempts"]) == {2}
    assert len(reported) >= 1
    assert (after.loc[reported, "wasted_energy_j"] > 0).all()


def test_a_storage_that_is_away_when_a_study_ends_is_waited_for(stopped: Stopped) -> None:
    """The driver keeps rows until the storage accepts them, and says so; none is lost."""
    trials = pd.read_parquet(stopped.folder / "trials.parquet")
    epochs = pd.read_parquet(stopped.folder / "epochs.parquet")

    assert "cannot be written" in stopped.output
    assert "finished" in set(trials["status"])
    assert sorted(epochs.groupby("trial_id").size()) == [2, 4]
