"""`python -m study.search` from the command line to the folder it leaves."""

import json
import os
import signal
import subprocess
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from study.record.records import StopReason
from tests.end_to_end.conftest import BARE, ROOT, Ran, command, run_regime
from tests.end_to_end.held import Gate
from tests.waiting import waited_for

pytestmark = pytest.mark.ray

ESTIMATE = ("--tracker", "estimate")


def search(results: Path, *options: str, scenario: str = "Tiny") -> Ran:
    """A search over a scenario of the tests."""
    place = f"tests.end_to_end.scenarios:{scenario}"
    return run_regime(
        results, "--scenario", place, *ESTIMATE, *options, name="s", program="study.search"
    )


def studied(folder: Path) -> optuna.Study:
    """The study that Optuna keeps."""
    return optuna.load_study(
        study_name=folder.name,
        storage=optuna.storages.RDBStorage(f"sqlite:///{folder}/optuna.db"),
    )


def trials_of(folder: Path) -> pd.DataFrame:
    """What the trials came to."""
    return pd.read_parquet(folder / "trials.parquet")


def through(epochs: Path) -> list[str]:
    """Trials of which the table of epochs has the last."""
    if not epochs.exists():
        return []
    rows = pd.read_parquet(epochs)
    return list(rows[rows["stop_reason"].notna()]["trial_id"])


def test_a_search_ends_with_an_answer_and_its_bill(tmp_path: Path) -> None:
    """It trains, stops what cannot win, and says what it recommends and used."""
    ran = search(
        tmp_path,
        *("--batch-sizes", "64", "512", "--learning-rates", "0.01", "0.000001"),
        *("--goal", "energy-to-target", "--target", "0.9", "--max-epochs", "6"),
        *("--energy-budget-wh", "1"),
    )

    reasons = set(trials_of(ran.folder)["stop_reason"])
    assert ran.status == 0, ran.err
    assert "recommended: setup" in ran.out
    assert "of 1 Wh" in ran.out
    assert "estimated" in ran.out
    assert StopReason.TARGET.value in reasons
    assert (ran.folder / "report" / "search_points.csv").is_file()
    states = [trial.state for trial in studied(ran.folder).trials]
    assert TrialState.RUNNING not in states
    assert states.count(TrialState.COMPLETE) == 4


def test_trials_without_a_figure_are_told_to_optuna(tmp_path: Path) -> None:
    """Memory, a bug and a loss that is not a number: nothing hangs, nothing stays running."""
    ran = search(
        tmp_path,
        *("--batch-sizes", "16", "32", "128", "256", "--learning-rates", "0.01"),
        *("--max-epochs", "2", *BARE),
        scenario="Troubled",
    )

    states = {trial.state for trial in studied(ran.folder).trials}
    assert ran.status == 1, ran.err
    assert len(trials_of(ran.folder)) == 4
    assert TrialState.RUNNING not in states
    assert TrialState.FAIL in states
    assert "counts as failed in Optuna's study" in ran.out


def test_a_budget_below_an_epoch_is_said(tmp_path: Path) -> None:
    """The search ends with one epoch, names its energy, and lists what was not run."""
    ran = search(tmp_path, "--energy-budget-wh", "0.0000001", "--gpus-per-trial", "0", *BARE)

    assert "is less than one epoch of" in ran.out
    assert "not run: " in ran.out
    assert set(pd.read_parquet(ran.folder / "epochs.parquet")["epoch"]) == {1}


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    """With the same Optuna study; what had ended is not trained again."""
    options = (
        *("--scenario", "tests.end_to_end.held:Held", *ESTIMATE, *BARE),
        *("--batch-sizes", "128", "256", "--learning-rates", "0.001", "0.0001"),
        *("--max-epochs", "4", "--patience", "4", "--results-dir", str(tmp_path), "--name", "s"),
    )
    epochs = tmp_path / "s" / "epochs.parquet"
    gate = Gate(tmp_path / "gate")
    gate.hold(after=2)
    gate.let_one_end()
    process = subprocess.Popen(
        command(*options, program="study.search"),
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

    ran = run_regime(tmp_path, *options[:-4], "--resume", name="s", program="study.search")

    after = pd.read_parquet(epochs)
    assert ran.status == 0, ran.err
    assert after.groupby("trial_id")["attempt"].max()[ended].eq(1).all()
    assert after["trial_id"].nunique() == 4
    now = studied(tmp_path / "s").trials
    assert [t.number for t in now if t.state is TrialState.COMPLETE][: len(told)] == told
    assert TrialState.RUNNING not in {t.state for t in now}


def test_what_an_earlier_study_knows_is_not_trained_again(tmp_path: Path) -> None:
    """A grid of two setups feeds a search over four, which trains the other two."""
    grid = (
        *("--scenario", "tests.end_to_end.scenarios:Tiny", *ESTIMATE, "--max-epochs", "2"),
        *("--batch-sizes", "64", *BARE),
    )
    run_regime(tmp_path, *grid, "--learning-rates", "0.01", "0.001", "--repeats", "1", name="g")

    ran = search(
        tmp_path,
        *("--batch-sizes", "64", "256", "--learning-rates", "0.01", "0.001"),
        *("--max-epochs", "2", "--from", str(tmp_path / "g"), *BARE),
    )

    assert ran.status == 0, ran.err
    assert set(trials_of(ran.folder)["batch_size"]) == {256}
    assert set(pd.read_parquet(ran.folder / "earlier.parquet")["study"]) == {"g"}
    assert "not run: 0 of " in ran.out


def test_a_range_is_searched_and_its_leader_trained_again(tmp_path: Path) -> None:
    """With the encoder frozen or not; each setup is numbered and written down, with its stages."""
    space = tmp_path / "space.yaml"
    space.write_text("learning_rate: {low: 1e-4, high: 1e-2, log: true}\nfrozen: [true, false]\n")

    ran = run_regime(
        tmp_path,
        *("--smoke", "--space", str(space), "--confirm", "1", "--goal", "accuracy"),
        *ESTIMATE,
        name="s",
        program="study.search",
    )

    manifest = json.loads((ran.folder / "study.json").read_text())
    trials = trials_of(ran.folder)
    assert ran.status == 0, ran.err
    assert [each["setup"] for each in manifest["setups"]] == [1, 2, 3]
    rates = {each["setup"]: each["learning_rate"] for each in manifest["setups"]}
    assert dict(zip(trials["setup"], trials["learning_rate"], strict=True)) == rates
    assert len(trials[trials["seed"] == 1]) == 3
    assert "mean of 2 seeds" in ran.out
    epochs = pd.read_parquet(ran.folder / "epochs.parquet")
    stages = {
        str(parameters): set(rows["stage"]) for parameters, rows in epochs.groupby("parameters")
    }
    expected = {
        '{"frozen": true}': {"encoder", "classifier-frozen"},
        '{"frozen": false}': {"encoder+classifier"},
    }
    assert stages == {each: expected[each] for each in stages}
