"""A study whose budget ends it, and that goes on with a larger one, under real Ray."""

from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from tests.end_to_end.conftest import run_here

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]


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
