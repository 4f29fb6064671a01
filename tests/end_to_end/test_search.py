"""`python -m study.search` from the command line to the folder it leaves."""

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
    assert set(trials.index[trials["status"] == "failed"]) == {128}
    assert trials.loc[128, "error"] == "ZeroDivisionError: a bug in the user's own loss"
    assert "a bug in the user's own loss" in said
    assert trials["energy_j"].loc[256] > 0
    assert TrialState.RUNNING not in states
    assert TrialState.FAIL in states
    assert (folder / "report" / "search_points.csv").is_file()


def trained(folder: Path) -> list[tuple[str, int]]:
    """The epochs that count and were booked, in the order in which they were trained."""
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
    """The epochs that count, by their trials."""
    by_trial: dict[str, list[EpochRecord]] = {}
    for row in pd.read_parquet(folder / "epochs.parquet").to_dict("records"):
        record = EpochRecord.from_row({str(key): value for key, value in row.items()})
        by_trial.setdefault(record.trial_id, []).append(record)
    return {name: counted_rows(rows) for name, rows in by_trial.items()}


def decided(folder: Path, options: SearchOptions) -> list[tuple[str, int]]:
    """The epochs of a search that nobody kills, whose trainings come to just these rows."""
    space, rows = options.searched(), rows_of(folder)
    registry = SetupRegistry(
        space,
        listed_setups(space),
        fixed_values=options.fixed_values,
        expect=lambda plans, **_: list(plans),
    )
    nothing = Rows(trials=list, epochs_of=lambda _: (), amend=lambda _: None)
    search = PausingSearch(options, space=space, registry=registry, rows=nothing)
    search.earlier()
    found: list[tuple[str, int]] = []
    while (plan := search.propose()) is not None:
        left = rows[plan.trial_id]
        while left:
            row = left.pop(0)
            found.append((row.trial_id, row.epoch))
            if search.epoch(replace(row, stop_reason=None)) is not None:
                break
        search.end(plan.trial_id, failed=False)
    return found


@pytest.mark.faults
def test_a_killed_search_goes_on_as_it_would_have(tmp_path: Path) -> None:
    """What its trainings came to decides, and nothing else that the killed command knew.

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

    asked = SearchOptions(
        goal="energy-to-target",
        target=0.56,
        batch_sizes=sizes,
        learning_rates=rates,
    )
    rows, expected, known = (
        pd.read_parquet(folder / "epochs.parquet"),
        decided(folder, asked),
        trained(folder),
    )
    assert status == 0
    assert known == [each for each in expected if each in known]
    # The tracker was killed with the command, and may have booked none, one or both of the first two.
    assert set(expected) - set(known) <= set(expected[:2])
    assert len(expected) == len(rows)
    assert not rows.duplicated(["trial_id", "epoch"]).any()


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
