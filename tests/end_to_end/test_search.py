"""`python -m study.search` from the command line to the folder it leaves."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from study.record.vocabulary import StopReason
from tests.end_to_end.conftest import BARE, ROOT, command, run_here
from tests.end_to_end.held import Gate
from tests.waiting import waited_for

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

ESTIMATE = ("--tracker", "estimate")


def search(results: Path, *options: str) -> tuple[int, Path]:
    """Run a search in this process; its exit status and folder."""
    return run_here(results, *ESTIMATE, *options, name="s", program="study.search")


def studied(folder: Path) -> optuna.Study:
    """The study that Optuna keeps."""
    return optuna.load_study(
        study_name=folder.name,
        storage=optuna.storages.RDBStorage(f"sqlite:///{folder}/optuna.db"),
    )


def trials_of(folder: Path) -> pd.DataFrame:
    """The table of trials."""
    return pd.read_parquet(folder / "trials.parquet")


def through(epochs: Path) -> list[str]:
    """Trials of which the table of epochs has the last."""
    if not epochs.exists():
        return []
    rows = pd.read_parquet(epochs)
    return list(rows[rows["stop_reason"].notna()]["trial_id"])


def test_a_search_ends_with_an_answer_and_its_bill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It trains, stops what cannot win, and says what it recommends and used.

    A trial without memory, one with a bug and one whose loss is no number are among its trials:
    nothing hangs, and none stays running in Optuna's study.
    """
    status, folder = search(
        tmp_path,
        *("--scenario", "tests.end_to_end.scenarios:Troubled"),
        *("--batch-sizes", "32", "64", "128", "256", "512", "--learning-rates", "0.01"),
        *("--goal", "energy-to-target", "--target", "0.9", "--max-epochs", "6"),
        *("--energy-budget-wh", "1", "--sampler", "tpe"),
    )

    said = capsys.readouterr().out
    trials = trials_of(folder).set_index("batch_size")
    states = [trial.state for trial in studied(folder).trials]
    assert status == 1, said
    assert "recommended: setup" in said
    assert re.search(r"of (1 Wh|1,?000 mWh)", said), said
    assert "estimated" in said
    assert "counts as failed in Optuna's study" in said
    assert StopReason.TARGET in set(trials.loc[[64, 512], "stop_reason"])
    assert dict(trials.loc[[32, 128, 256], "stop_reason"]) == {
        32: StopReason.OUT_OF_MEMORY,
        128: StopReason.ERROR,
        256: StopReason.DIVERGED,
    }
    assert TrialState.RUNNING not in states
    assert TrialState.FAIL in states
    assert (folder / "report" / "search_points.csv").is_file()


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    """With the same Optuna study; what had ended is not trained again."""
    options = (
        *("--scenario", "tests.end_to_end.held:Held", *BARE),
        *("--batch-sizes", "128", "256", "--learning-rates", "0.001", "0.0001"),
        *("--max-epochs", "4", "--patience", "4"),
    )
    epochs = tmp_path / "s" / "epochs.parquet"
    gate = Gate(tmp_path / "gate")
    gate.hold(after=2)
    gate.let_one_end()
    process = subprocess.Popen(
        command(
            *(*options, *ESTIMATE, "--results-dir", str(tmp_path), "--name", "s"),
            program="study.search",
        ),
        cwd=ROOT,
        env={**os.environ, **gate.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        waited_for(lambda: through(epochs), "a trial's end on storage")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        gate.open()
    ended = through(epochs)
    told = [t.number for t in studied(tmp_path / "s").trials if t.state is TrialState.COMPLETE]

    status, _ = search(tmp_path, *options, "--resume")

    after = pd.read_parquet(epochs)
    assert status == 0
    assert after.groupby("trial_id")["attempt"].max()[ended].eq(1).all()
    assert after["trial_id"].nunique() == 4
    now = studied(tmp_path / "s").trials
    assert [t.number for t in now if t.state is TrialState.COMPLETE][: len(told)] == told
    assert TrialState.RUNNING not in {t.state for t in now}


def test_a_range_is_searched_and_its_leader_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the encoder frozen or not; each setup is numbered and written down, with its stages."""
    space = tmp_path / "space.yaml"
    space.write_text("learning_rate: {low: 1e-4, high: 1e-2, log: true}\nfrozen: [true, false]\n")

    status, folder = search(
        tmp_path,
        *("--smoke", "--space", str(space), "--confirm", "1", "--goal", "accuracy"),
        *("--trials", "2", *BARE),
    )

    manifest = json.loads((folder / "study.json").read_text())
    trials = trials_of(folder)
    assert status == 0
    assert [each["setup"] for each in manifest["setups"]] == [1, 2]
    rates = {each["setup"]: each["learning_rate"] for each in manifest["setups"]}
    assert dict(zip(trials["setup"], trials["learning_rate"], strict=True)) == rates
    assert len(trials[trials["seed"] == 1]) == 2
    assert "mean of 2 seeds" in capsys.readouterr().out
    epochs = pd.read_parquet(folder / "epochs.parquet")
    stages = {
        str(parameters): set(rows["stage"]) for parameters, rows in epochs.groupby("parameters")
    }
    expected = {
        '{"frozen": true}': {"encoder", "classifier-frozen"},
        '{"frozen": false}': {"encoder+classifier"},
    }
    assert stages == {each: expected[each] for each in stages}
