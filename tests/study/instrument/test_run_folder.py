"""The study folder among the files of a Tune run: rescued rows, restarted trials, exports."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.exports.study_exports import StudyExports
from study.instrument.run_folder import RunFolder
from study.record.objective import Objective
from study.record.tune_rows import SetupNumbers
from study.record.vocabulary import StopReason
from tests.study.exports.test_study_exports import heard
from tests.trackers.exports.remembering import Remembering

CONFIG = {"lr": 0.1}


def run_at(results: Path, *trials: str, exports: StudyExports | None = None) -> RunFolder:
    """Create a run folder; `trials` are those that Tune lists at the start."""
    return RunFolder(
        str(results),
        "a",
        scenario="function",
        book=SetupNumbers(seed_key="seed"),
        objective=Objective("loss", "min", is_share=False),
        command=("python", "script.py"),
        exports=exports or StudyExports(),
        trials=dict.fromkeys(trials, CONFIG),
    )


def result(epoch: int, joules: float, *, attempt: int = 1) -> dict[str, object]:
    """Return a result as a measured trainable reports it."""
    return {
        "loss": 1 / epoch,
        "training_iteration": epoch,
        "epoch_energy_j": joules,
        "energy_method": "counter",
        "energy": {"status": "ok", "attempt": attempt, "epoch_time_s": 1.0},
    }


def test_rows_of_a_run_that_lost_its_storage_are_rescued_and_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are kept on this machine's own disk until the run is resumed; a message says so."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder, away = tmp_path / "results" / "a", tmp_path / "away"
    run = run_at(tmp_path / "results")
    run.expect("t", CONFIG)
    run.write(None)
    folder.rename(away)
    folder.write_text("in the way")
    run.add("t", CONFIG, {"loss": 0.5, "training_iteration": 1}, StopReason.MAX_EPOCHS)

    run.write(None, status="finished")
    folder.unlink()
    away.rename(folder)
    run_at(tmp_path / "results")

    assert "Tuner.restore" in caplog.text
    assert "were restored from" in caplog.text
    assert list(pd.read_parquet(folder / "epochs.parquet")["val_score"]) == [0.5]
    assert not list((tmp_path / "state").rglob("epochs.parquet"))


def test_a_result_without_the_objective_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The message lists the metrics that it has; without it, the run would end without an answer."""
    run = run_at(tmp_path)
    run.expect("t", CONFIG)

    for epoch in (1, 2):
        run.add("t", CONFIG, {"los": 0.5, "training_iteration": epoch}, None)

    assert [each.message for each in caplog.records] == [
        "the first result has no loss, which is the objective; it has los"
    ]


def test_a_failed_trial_that_is_restarted_is_one_training_with_two_attempts(tmp_path: Path) -> None:
    """`restart_errored` gives it a new identifier; the lost energy counts as wasted, not as a repeat."""
    first = run_at(tmp_path, "failed", "other")
    for trial_id in ("failed", "other"):
        first.number(trial_id, CONFIG)
        first.expect(trial_id, CONFIG)
        first.add(trial_id, CONFIG, result(1, 100.0), None)
    first.fail("failed", CONFIG, "died")
    first.end("other")
    first.write(None, status="finished")

    again = run_at(tmp_path, "other", "restarted")
    spent = again.spent()
    again.number("restarted", CONFIG)
    again.expect("restarted", CONFIG)
    for epoch in (1, 2):
        again.add("restarted", CONFIG, result(epoch, 70.0, attempt=2), None)
    again.end("restarted")
    again.write(None, status="finished")

    trials = pd.read_parquet(tmp_path / "a" / "trials.parquet").set_index("trial_id")
    columns = ["status", "seed", "attempts", "energy_j", "wasted_energy_j"]
    assert trials[columns].to_dict("index") == {
        "other": dict(zip(columns, ("finished", 1, 1, 100.0, 0.0), strict=True)),
        "restarted": dict(zip(columns, ("finished", 0, 2, 140.0, 100.0), strict=True)),
    }
    assert spent["restarted"][1].energy_j == 100.0
    # A further session knows it by its present identifier.
    assert set(run_at(tmp_path, "other", "restarted").spent()["restarted"]) == {1, 2}


def test_the_power_log_names_a_restarted_trial_by_its_new_identifier(tmp_path: Path) -> None:
    """So the power of a trial in trials.parquet includes that of its lost attempt."""
    first = run_at(tmp_path, "failed", "other")
    for trial_id in ("failed", "other"):
        first.expect(trial_id, CONFIG)
        first.add(trial_id, CONFIG, result(1, 100.0), None)
    first.fail("failed", CONFIG, "died")
    first.end("other")
    first.write(None, status="finished")
    part = tmp_path / "a" / "power.parquet" / "part-1.parquet"
    part.parent.mkdir()
    trial_ids = ["failed", None, "other", "failed"]
    pd.DataFrame({"trial_id": trial_ids, "power_w": [1.0, 2.0, 3.0, 4.0]}).to_parquet(part)
    part.with_name(".part-2.parquet.new").write_text("cut off")

    run_at(tmp_path, "other", "restarted")

    log = pq.read_table(part)
    assert log["trial_id"].to_pylist() == ["restarted", None, "other", "restarted"]
    assert log["power_w"].to_pylist() == [1.0, 2.0, 3.0, 4.0]


def test_a_restarted_trial_keeps_its_identity_for_exporters(tmp_path: Path) -> None:
    """An exporter finds the trial's run on W&B or MLflow again by it."""
    exporter = Remembering()
    first = run_at(tmp_path, "failed", "other", exports=StudyExports(heard(exporter)))
    for trial_id in ("failed", "other"):
        first.expect(trial_id, CONFIG)
        first.add(trial_id, CONFIG, result(1, 100.0), None)
    first.fail("failed", CONFIG, "died")
    first.write(None, status="interrupted")
    first.end_exports(finished=False)

    again = run_at(tmp_path, "other", "restarted", exports=StudyExports(heard(exporter)))
    again.expect("restarted", CONFIG)
    again.end_exports(finished=False)

    identities = {each.trial_id: each.identity for each in exporter.trials}
    assert identities["restarted"] == identities["failed"] != identities["other"]
