"""A study that its energy budget ends, and that resumes with a larger one, under real Ray."""

from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.end_to_end.conftest import run_here

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]


def test_a_budget_ends_a_study_and_a_larger_one_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A budget that the first epoch uses up ends the study with a warning; resumed with more, it completes."""
    grid = (
        *("--scenario", "tests.end_to_end.scenarios:Tiny", "--batch-sizes", "128", "512"),
        *("--learning-rates", "0.01", "--repeats", "1", "--max-epochs", "2", "--no-report"),
    )
    status, folder = run_here(tmp_path, *grid, "--energy-budget-wh", "1e-7")
    output = capsys.readouterr().out
    before = pd.read_parquet(folder / "trials.parquet")
    manifest = Manifest.from_json((folder / "study.json").read_text())

    resumed_status, _ = run_here(tmp_path, *grid, "--energy-budget-wh", "100", "--resume")

    after = pd.read_parquet(folder / "trials.parquet")
    assert (status, resumed_status) == (0, 0)
    assert list(before["stop_reason"]) == ["stopped"]
    assert manifest.status == "finished"
    assert any("energy budget" in each for each in manifest.warnings)
    assert "has ended the study" in output
    assert list(after["stop_reason"]) == ["max_epochs", "max_epochs"]
    assert list(after["epochs"]) == [2, 2]
    assert not (folder / "report").exists()  # because of --no-report
