"""`python -m study.search`, from the command line to the study's folder."""

import json
import os
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.search.options import SearchOptions
from study.search.pausing_search import PausingSearch, Rows
from study.search.space.setup_registry import SetupRegistry, listed_setups
from study.store.trial_record import counted_rows
from tests.end_to_end.conftest import BARE, ROOT, command, run_here
from tests.end_to_end.held import Gate
from tests.waiting import waited_for

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

ESTIMATE = ("--tracker", "estimate")


def search(results: Path, *options: str) -> tuple[int, Path]:
    """Run a search in this process; return its exit status and folder."""
    return run_here(results, *ESTIMATE, *options, name="s", program="study.search")


def optuna_study(folder: Path) -> optuna.Study:
    """The Optuna study in the folder's database."""
    return optuna.load_study(
        study_name=folder.name,
        storage=optuna.storages.RDBStorage(f"sqlite:///{folder}/optuna.db"),
    )


def trials_of(folder: Path) -> pd.DataFrame:
    """Table of trials in a folder."""
    return pd.read_parquet(folder / "trials.parquet")


def test_a_search_ends_with_an_answer_and_its_bill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search stops trainings at the target, and reports its recommendation and the energy it used.

    One trial runs out of memory, one raises an error and one diverges: the search still ends, and no trial
    stays running in Optuna's study.
    """
    status, folder = search(
        tmp_path,
        *("--scenario", "tests.end_to_end.scenarios:Troubled"),
        *("--batch-sizes", "32", "64", "128", "256", "512", "--learning-rates", "0.01"),
        *("--goal", "energy-to-target", "--target", "0.9", "--max-epochs", "6"),
        *("--energy-budget-wh", "1", "--sampler", "tpe"),
    )

    output = capsys.readouterr().out
    trials = trials_of(folder).set_index("batch_size")
    states = [trial.state for trial in optuna_study(folder).trials]
    assert status == 1, output
    assert "recommended: setup" in output
    assert re.search(r"of (1 Wh|1,?000 mWh)", output), output
    assert "estimated" in output
    assert "counts as failed in Optuna's study" in output
    assert StopReason.TARGET in set(trials.loc[[64, 512], "stop_reason"])
    assert dict(trials.loc[[32, 128, 256], "stop_reason"]) == {
        32: StopReason.OUT_OF_MEMORY,
        128: StopReason.ERROR,
        256: StopReason.DIVERGED,
    }
    assert set(trials.index[trials["status"] == "failed"]) == {128}
    assert trials.loc[128, "error"] == "ZeroDivisionError: a bug in the user's own loss"
    assert "a bug in the user's own loss" in output
    assert trials["energy_j"].loc[256] > 0
    assert TrialState.RUNNING not in states
    assert TrialState.FAIL in states
    assert (folder / "report" / "search_points.csv").is_file()


def trained_epochs(folder: Path) -> list[tuple[str, int]]:
    """Epochs that count and have a booked window, in the order in which they were trained."""
    windows = pd.read_parquet(folder / "windows.parquet")
    counted = pd.DataFrame(
        [
            (row.trial_id, row.attempt, row.stage, row.epoch)
            for rows in rows_of(folder).values()
            for row in rows
        ],
        columns=["trial_id", "attempt", "stage", "epoch"],
    )
    in_order = counted.merge(windows).sort_values("start_s", kind="stable")
    return list(zip(in_order["trial_id"], in_order["epoch"], strict=True))


def rows_of(folder: Path) -> dict[str, list[EpochRecord]]:
    """Rows of the epochs that count, by trial."""
    by_trial: dict[str, list[EpochRecord]] = {}
    for row in pd.read_parquet(folder / "epochs.parquet").to_dict("records"):
        record = EpochRecord.from_row({str(key): value for key, value in row.items()})
        by_trial.setdefault(record.trial_id, []).append(record)
    return {name: counted_rows(rows) for name, rows in by_trial.items()}


def uninterrupted_epochs(folder: Path, options: SearchOptions) -> list[tuple[str, int]]:
    """Epochs, in order, of an uninterrupted search whose trainings report exactly these rows."""
    space, rows = options.searched(), rows_of(folder)
    registry = SetupRegistry(
        space,
        listed_setups(space),
        fixed_values=options.fixed_values,
        expect=lambda plans, **_: list(plans),
    )
    no_rows = Rows(trials=list, epochs_of=lambda _: (), amend=lambda _: None)
    search = PausingSearch(options, space=space, registry=registry, rows=no_rows)
    search.earlier()
    found: list[tuple[str, int]] = []
    while (plan := search.propose()) is not None:
        remaining = rows[plan.trial_id]
        while remaining:
            row = remaining.pop(0)
            found.append((row.trial_id, row.epoch))
            if search.epoch(replace(row, stop_reason=None)) is not None:
                break
        search.end(plan.trial_id, failed=False)
    return found


@pytest.mark.faults
def test_a_killed_search_goes_on_as_it_would_have(tmp_path: Path) -> None:
    """A resumed search trains the epochs that it would have trained without the kill, in the same order.

    No epoch that was kept is trained again.
    """
    sizes, rates = (64, 256), (0.001, 0.0001)
    options = (
        *("--scenario", "tests.end_to_end.held:Held", "--no-report", "--checkpoint-every-s", "0"),
        *("--batch-sizes", *map(str, sizes), "--learning-rates", *map(str, rates)),
        *("--goal", "energy-to-target", "--target", "0.56", "--max-epochs", "6", "--patience", "6"),
    )
    gate = Gate(tmp_path / "gate")
    gate.hold(after=2)
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
        waited_for(lambda: gate.waiting, "a training in its third epoch")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        gate.open()

    status, folder = search(tmp_path, *options, "--resume")

    search_options = SearchOptions(
        goal="energy-to-target",
        target=0.56,
        batch_sizes=sizes,
        learning_rates=rates,
    )
    rows = pd.read_parquet(folder / "epochs.parquet")
    expected, trained = uninterrupted_epochs(folder, search_options), trained_epochs(folder)
    assert status == 0
    assert trained == [each for each in expected if each in trained]
    # The tracker was killed with the command, and may have booked none, one or both of the first two.
    assert set(expected) - set(trained) <= set(expected[:2])
    assert len(expected) == len(rows)
    assert not rows.duplicated(["trial_id", "epoch"]).any()


def test_a_range_is_searched_and_its_leader_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each sampled setup is in the manifest and trains the stages of its `frozen`; one gets a second seed."""
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
