"""Trials of Tune that have ended and reported nothing, or of whose end Tune says nothing."""

from pathlib import Path

import pandas as pd
import pytest

from tests.study.instrument.test_run_folder import CONFIG, result, run_at


def test_a_trial_that_ended_without_a_result_has_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not run for ever, and it is said what to do; one that reported, or was stopped first, has not failed."""
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


def test_a_trial_that_a_budget_ended_with_all_others_was_stopped(tmp_path: Path) -> None:
    """Tune says nothing of it, had it reported or not; one that came to its end stays as it is, and one that failed too."""
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


def test_what_was_stopped_before_its_first_result_stays_stopped(tmp_path: Path) -> None:
    """Also where its run goes on, unless Tune begins it anew; one that was never begun was not stopped."""
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
