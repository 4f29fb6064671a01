"""A study that goes on where repeats tell most, under real Ray, also after its driver was killed."""

import os
import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.end_to_end.conftest import BARE, ROOT, command, run_here

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

OPTIONS = (
    *("--scenario", "tests.end_to_end.scenarios:Tiny", "--batch-sizes", "128", "512"),
    *("--learning-rates", "0.01", "--max-epochs", "1", "--more-repeats", "2", *BARE),
)


@pytest.mark.integrations
def test_a_killed_study_goes_on_with_the_repeats_it_had_begun(tmp_path: Path) -> None:
    """Two setups twice, then two repeats more; the driver dies when the first of these is begun."""
    process = subprocess.Popen(
        command(*OPTIONS, "--results-dir", str(tmp_path), "--name", "a"),
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("repeat 3 of setup"):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    begun = Manifest.from_json((tmp_path / "a" / "study.json").read_text()).further

    status, folder = run_here(tmp_path, *OPTIONS, "--resume")

    manifest = Manifest.from_json((folder / "study.json").read_text())
    trials = pd.read_parquet(folder / "trials.parquet")
    further = {f"setup{each.setup:02d}-seed{each.seed}" for each in manifest.further}
    assert "then 2 more repeats of the most informative setups" in "".join(said)
    assert begun
    assert status == 0
    assert manifest.further[: len(begun)] == begun
    assert len(further) == 2
    assert manifest.status == "finished"
    assert manifest.trials == len(trials) == 6
    assert further < set(trials["trial_id"])
    assert set(trials["status"]) == {"finished"}


def test_a_budget_ends_a_study_and_a_larger_one_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A grid whose first epoch uses all of it: one trial, stopped, and a result that says why."""
    grid = (
        *("--scenario", "tests.end_to_end.scenarios:Tiny", "--batch-sizes", "128", "512"),
        *("--learning-rates", "0.01", "--repeats", "1", "--max-epochs", "2", "--no-report"),
    )
    status, folder = run_here(tmp_path, *grid, "--energy-budget-wh", "1e-7")
    said = capsys.readouterr().out
    short = pd.read_parquet(folder / "trials.parquet")
    manifest = Manifest.from_json((folder / "study.json").read_text())

    again, _ = run_here(tmp_path, *grid, "--energy-budget-wh", "100", "--resume")

    whole = pd.read_parquet(folder / "trials.parquet")
    assert (status, again) == (0, 0)
    assert list(short["stop_reason"]) == ["stopped"]
    assert manifest.status == "finished"
    assert any("energy budget" in each for each in manifest.warnings)
    assert "has ended the study" in said
    assert list(whole["stop_reason"]) == ["max_epochs", "max_epochs"]
    assert list(whole["epochs"]) == [2, 2]
    assert not (folder / "report").exists()  # as --no-report asks for
