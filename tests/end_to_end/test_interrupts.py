"""A study that is told to stop: by its machine, by somebody in a hurry, by a full disk."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest

from study.record.manifest import Manifest
from tests.end_to_end.conftest import ROOT, command, run_here
from tests.end_to_end.held import Gate
from tests.waiting import PATIENCE_S, waited_for

pytestmark = pytest.mark.ray

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
def study(results: Path, *options: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A study that runs: one trial has ended, and others wait within their third epoch."""
    gate = Gate(results / "gate")
    gate.hold(after=2)
    gate.let_one_end()
    process = subprocess.Popen(
        command(*OPTIONS, *options, "--results-dir", str(results), "--name", "a"),
        cwd=ROOT,
        env={**os.environ, **gate.environment, **env},
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
    """A study that has got SIGTERM."""
    results = tmp_path_factory.mktemp("stopped")
    with study(results) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        status = process.wait(timeout=PATIENCE_S)
    return Stopped(status=status, said=said, folder=results / "a")


def until(process: subprocess.Popen[str], pattern: str) -> None:
    """Read on until a line begins so."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if re.match(pattern, line):
            return
    message = f"no line {pattern!r} in:\n{''.join(seen)}"
    raise AssertionError(message)


def processes_of(ray_folder: Path) -> list[str]:
    """Processes of a Ray whose session lies in that folder."""
    found = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    return [line for line in found if str(ray_folder) in line]


def test_sigterm_is_like_ctrl_c(stopped: Stopped) -> None:
    """A scheduler that ends the job gets a study that is whole, and says how to go on."""
    trials = pd.read_parquet(stopped.folder / "trials.parquet")
    windows = pd.read_parquet(stopped.folder / "windows.parquet")
    running = trials[trials["status"] == "running"]["trial_id"]
    manifest = Manifest.from_json((stopped.folder / "study.json").read_text())
    assert stopped.status == 130
    assert "once more leaves at once" in stopped.said
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


def test_twice_leaves_at_once_and_can_be_resumed(tmp_path: Path, ray_folder: Path) -> None:
    """What was started is gone, what was written is whole, and the study goes on from there."""
    with study(tmp_path, "--no-report", RAY_TMPDIR=str(ray_folder)) as process:
        running = processes_of(ray_folder)
        process.send_signal(signal.SIGINT)
        until(process, "stopping:")
        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=PATIENCE_S)
    waited_for(lambda: not processes_of(ray_folder), "the end of what was started")
    waited_for(lambda: not list(ray_folder.iterdir()), "the end of Ray's folder")
    resumed, _ = run_here(tmp_path, *OPTIONS, "--no-report", "--resume")

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet")
    epochs = pd.read_parquet(tmp_path / "a" / "epochs.parquet")
    assert running
    assert status == 130
    assert resumed == 0
    assert set(trials["status"]) == {"finished"}
    assert not epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()


def test_a_storage_that_is_away_when_a_study_ends_is_waited_for(tmp_path: Path) -> None:
    """The rows are in the driver until the storage takes them; nothing is lost, and it is said."""
    folder, away = tmp_path / "a", tmp_path / "away"
    with study(tmp_path, "--no-report") as process:
        assert process.stdout is not None
        folder.rename(away)
        folder.write_text("in the way")
        process.send_signal(signal.SIGINT)
        until(process, r".*trying again in")
        folder.unlink()
        away.rename(folder)
        said = process.stdout.read()
        status = process.wait(timeout=PATIENCE_S)

    trials = pd.read_parquet(folder / "trials.parquet")
    assert status == 130, said
    assert "finished" in set(trials["status"])
    assert Manifest.from_json((folder / "study.json").read_text()).status == "interrupted"
