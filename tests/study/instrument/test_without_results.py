"""A trial of Tune that has ended and reported nothing."""

from pathlib import Path

import pandas as pd
import pytest

from tests.study.instrument.test_run_folder import CONFIG, result, run_at


def test_a_trial_that_ended_without_a_result_has_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not run for ever, and it is said what to do; one that reported has its result."""
    run = run_at(tmp_path)
    for trial_id in ("silent", "other"):
        run.expect(trial_id, CONFIG)
    run.add("other", CONFIG, result(1, 100.0), None)

    for trial_id in ("silent", "other"):
        run.end(trial_id)
    run.write(None, status="finished")

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    assert trials["status"].to_dict() == {"other": "finished", "silent": "failed"}
    assert "without a result" in trials["error"]["silent"]
    assert [each.message for each in caplog.records] == [
        "trial silent ended without a result: call tune.report in it"
    ]
