"""Tune trials that end without any result, or without a callback."""

from pathlib import Path

import pandas as pd
import pytest

from tests.study.instrument.test_run_folder import CONFIG, result, run_at


def test_a_trial_that_ended_without_a_result_has_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not stay `running`, and a message says what to do. One that was stopped has not failed."""
    run = run_at(tmp_path)
    for trial_id in ("silent", "other", "stopped", "paused"):
        run.expect(trial_id, CONFIG)
    run.add("other", CONFIG, result(1, 100.0), None)
    run.add("paused", CONFIG, result(1, 100.0), None)

    for trial_id in ("silent", "other"):
        run.end(trial_id)
    run.end("stopped", by_itself=False)
    run.end("paused", by_itself=False)  # as HyperBand ends a trial that it had paused
    run.write(None, status="finished")

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    assert trials["status"].to_dict() == {
        "other": "finished",
        "paused": "finished",
        "silent": "failed",
        "stopped": "finished",
    }
    assert set(trials.loc[["stopped", "paused"], "stop_reason"]) == {"stopped"}
    assert trials["stop_reason"]["other"] == "max_epochs"
    assert "without a result" in trials["error"]["silent"]
    assert [each.message for each in caplog.records] == [
        "trial silent ended without a result: call tune.report in it"
    ]


def test_trials_that_a_budget_ended_together_were_stopped(tmp_path: Path) -> None:
    """Tune calls no callback for them. Trials that had finished or failed before keep their status."""
    run = run_at(tmp_path)
    for trial_id in ("under_way", "ended", "failed", "silent"):
        run.expect(trial_id, CONFIG)
        if trial_id != "silent":
            run.add(trial_id, CONFIG, result(1, 100.0), None)
    run.end("ended")
    run.fail("failed", CONFIG, "RuntimeError: boom")

    for trial_id in ("under_way", "ended", "failed", "silent"):
        run.stopped(trial_id)
    run.write(None, status="finished")

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    assert trials["status"].to_dict() == {
        "under_way": "finished",
        "ended": "finished",
        "failed": "failed",
        "silent": "finished",
    }
    assert trials["stop_reason"].dropna().to_dict() == {
        "under_way": "stopped",
        "ended": "max_epochs",
        "silent": "stopped",
    }
    assert trials["epochs"]["silent"] == 0
    assert trials["energy_j"].isna()["silent"]


def test_a_trial_stopped_before_its_first_result_stays_stopped(tmp_path: Path) -> None:
    """Resuming the run changes that only if Tune starts the trial again. One that never began has no row."""
    run = run_at(tmp_path)
    for trial_id in ("silent", "again"):
        run.expect(trial_id, CONFIG)
    run.number("waiting", CONFIG)
    for trial_id in ("silent", "again", "waiting"):
        run.stopped(trial_id)
    run.write(None, status="finished")

    run = run_at(tmp_path)
    run.expect("again", CONFIG)
    run.add("again", CONFIG, result(1, 100.0), None)
    run.write(None)

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    assert trials["status"].to_dict() == {"silent": "finished", "again": "running"}
