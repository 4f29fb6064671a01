"""A study that is told to stop: by its machine, by somebody in a hurry, by a full disk."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest

from study.manifest import Manifest
from tests.end_to_end.conftest import ROOT, command, run_regime
from tests.end_to_end.held import Gate

pytestmark = pytest.mark.ray

OPTIONS = (
    *("--scenario", "tests.end_to_end.held:Held", "--repeats", "1", "--batch-sizes", "128"),
    *("--learning-rates", "0.1", "0.01", "0.001", "0.0001"),
    *("--max-epochs", "4", "--patience", "4"),
)
PATIENCE_S = 240.0


@contextmanager
def study(results: Path, ray_folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A study that runs, of which one trial has ended, and the others wait in their third epoch."""
    gate = Gate(results / "gate")
    gate.hold(after=2)
    gate.let_one_end()
    process = subprocess.Popen(
        command(*OPTIONS, "--results-dir", str(results), "--name", "a"),
        cwd=ROOT,
        env={**os.environ, **gate.environment, "RAY_TMPDIR": str(ray_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(process, r"\[1/4\]")
        yield process
    finally:
        gate.open()
        process.kill()
        process.wait()


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


def test_sigterm_is_like_ctrl_c(tmp_path: Path, ray_folder: Path) -> None:
    """A scheduler that ends the job gets a study that is whole, and says how to go on."""
    with study(tmp_path, ray_folder) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        status = process.wait(timeout=PATIENCE_S)

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet")
    windows = pd.read_parquet(tmp_path / "a" / "windows.parquet")
    stopped = trials[trials["status"] == "running"]["trial_id"]
    assert status == 130
    assert "once more leaves at once" in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert Manifest.from_json((tmp_path / "a" / "study.json").read_text()).status == "interrupted"
    assert "finished" in set(trials["status"])
    assert set(stopped) <= set(windows[windows["stage"] == "trial"]["trial_id"])
    assert (tmp_path / "a" / "report" / "index.html").is_file()


def test_twice_leaves_at_once_and_can_be_resumed(tmp_path: Path, ray_folder: Path) -> None:
    """What was started is gone, what was written is whole, and the study goes on from there."""
    with study(tmp_path, ray_folder) as process:
        running = processes_of(ray_folder)
        process.send_signal(signal.SIGINT)
        until(process, "stopping:")
        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=PATIENCE_S)
    deadline_s = time.monotonic() + PATIENCE_S
    while processes_of(ray_folder) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    again = run_regime(tmp_path, *OPTIONS, "--resume")

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet")
    epochs = pd.read_parquet(tmp_path / "a" / "epochs.parquet")
    assert running
    assert processes_of(ray_folder) == []
    assert status == 130
    assert again.status == 0, again.err
    assert set(trials["status"]) == {"finished"}
    assert not epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()


def test_a_storage_that_is_away_when_a_study_ends_is_waited_for(
    tmp_path: Path, ray_folder: Path
) -> None:
    """The rows are in the driver until the storage takes them; nothing is lost, and it is said."""
    folder, away = tmp_path / "a", tmp_path / "away"
    with study(tmp_path, ray_folder) as process:
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
