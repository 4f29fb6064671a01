"""Faults on a cluster while a study runs: no row and no joule is lost."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.read.counted import counted_epochs
from study.record.manifest import Manifest
from study.store.checkpoint_files import attempts_with_checkpoint
from tests.cluster.machines import BOARDS, Driver, Machines, Trial, driver, raylet_of
from tests.end_to_end.held import SICK
from tests.fake_nvml import UUIDS
from tests.waiting import waited_for

pytestmark = [pytest.mark.ray, pytest.mark.faults]

RATES = ("0.1", "0.01", "0.001")
TRIALS = len(RATES)
"""One for each machine, the one that joins included."""

EPOCHS = 6
HELD_AFTER = 2
"""Epochs that a training reports before it waits, within the next one, for the test's faults."""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two machines with a board each."""
    started = Machines(tmp_path_factory.mktemp("machines"))
    started.add()
    yield started
    started.cluster.shutdown()  # type: ignore[no-untyped-call]


OPTIONS = (
    *("--batch-sizes", "128", "--learning-rates", *RATES),
    *("--max-epochs", str(EPOCHS), "--patience", str(EPOCHS), "--checkpoint-every-s", "0"),
)


def table(study: Driver, name: str) -> Any:  # noqa: ANN401 - its columns are known at run time
    """A table of the study's folder."""
    return pd.read_parquet(study.folder / f"{name}.parquet")


def statuses(study: Driver) -> set[str]:
    """Statuses in the table of trials so far; empty before it is written."""
    written = (study.folder / "trials.parquet").exists()
    return set(table(study, "trials")["status"]) if written else set()


def trials_with_checkpoint(study: Driver) -> list[str]:
    """IDs of the trials that can resume from a checkpoint."""
    return list(attempts_with_checkpoint(each.name for each in study.folder.glob("checkpoints/*")))


def assert_complete(study: Driver) -> None:
    """Assert that every trial has finished, with exactly one row that counts for each epoch."""
    epochs, trials = table(study, "epochs"), table(study, "trials")
    assert set(trials["status"]) == {"finished"}
    assert len(trials) == TRIALS
    assert not epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()
    assert (
        (counted_epochs(epochs).groupby("trial_id")["epoch"].apply(list).map(sorted))
        .map(lambda numbers: numbers == list(range(1, EPOCHS + 1)))
        .all()
    )


def assert_energies_are_right(study: Driver) -> None:
    """Assert that energies match the boards' known power curve and that each trial's parts add up to it.

    An epoch here is barely longer than a counter's refresh interval, so epochs are compared by their sum.
    """
    windows, trials = table(study, "windows"), table(study, "trials").set_index("trial_id")
    windows = windows[windows["component"] == "gpu"]
    measured = windows[windows["energy_status"] == "ok"].copy()
    measured["known_j"] = [
        BOARDS.energy_j(UUIDS.index(row.device_uuid), row.start_s, row.start_s + row.duration_s)
        for row in measured.itertuples()
    ]
    whole = measured[measured["stage"] == "trial"]
    epochs = measured[measured["epoch"] > 0].groupby(["trial_id", "attempt"])
    sums = epochs[["energy_j", "known_j"]].sum()
    of_attempts = windows[windows["stage"] == "trial"].dropna(subset="energy_j")
    whole_j = of_attempts.set_index(["trial_id", "attempt"])["energy_j"]
    kept = counted_epochs(table(study, "epochs"))
    own_j = kept.groupby(["trial_id", "attempt"])["epoch_energy_j"].sum()
    compared = 0
    for trial_id, trial in trials.iterrows():
        last = (trial_id, trial["attempts"])
        # A killed tracker loses the windows that it had closed but not yet handed over.
        if pd.isna(trial["setup_energy_j"]) or trial["missing_epochs"]:
            continue
        if last in whole_j.index:
            parts_j = own_j[last] + trial["setup_energy_j"] + trial["between_energy_j"]
            assert parts_j == pytest.approx(whole_j[last], rel=0.03)
            compared += 1
        # The windows of a lost attempt may be lost with its machine.
        attempts_j = of_attempts.loc[of_attempts["trial_id"] == trial_id, "energy_j"]
        if len(attempts_j) == trial["attempts"]:
            parts = ("energy_j", "setup_energy_j", "between_energy_j", "wasted_energy_j")
            parts_j = sum(trial[part] for part in parts)
            assert parts_j == pytest.approx(attempts_j.sum(), rel=0.03)
    assert compared >= TRIALS - 1
    assert list(whole["energy_j"]) == pytest.approx(list(whole["known_j"]), rel=0.03)
    # A killed attempt may have a single epoch, whose edges weigh more: it is within its stated uncertainty.
    stated_j = table(study, "epochs").groupby(["trial_id", "attempt"])["uncertainty_j"].min()
    allowed_j = (0.03 * sums["known_j"]).where(epochs.size() > 1, stated_j)
    assert ((sums["energy_j"] - sums["known_j"]).abs() <= allowed_j).all(), sums


def reused_j(study: Driver, trial_id: str) -> float:
    """Energy of the epochs that a trial's second attempt kept from its lost first attempt."""
    epochs = table(study, "epochs")
    epochs = epochs[epochs["trial_id"] == trial_id]
    kept = counted_epochs(epochs)
    reused = kept[kept["attempt"] == 1]
    assert set(kept["attempt"]) == {1, 2}
    assert list(kept.sort_values("epoch")["attempt"].diff().dropna()).count(1) == 1
    return float(reused["epoch_energy_j"].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """A study during which a trial and a tracker were killed, a machine joined and another was lost.

    Attributes:
        study: Its driver, which has ended by itself.
        status: Its exit status.
        killed: The trial whose process was killed, on the machine that had joined.
        tracker_killed: The trial whose machine's tracker was killed.
        machine_lost: The trial whose machine was lost.
    """

    study: Driver
    status: int
    killed: Trial
    tracker_killed: Trial
    machine_lost: Trial


@pytest.fixture(scope="module")
def troubled(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    """A study that suffers all the faults while each trial waits within its third epoch."""
    results = tmp_path_factory.mktemp("troubled")
    first, second = machines.head, min(machines.cluster.worker_nodes, key=raylet_of)
    machines.gate.hold(after=HELD_AFTER)
    with driver(machines, results, "troubled", *OPTIONS) as study:
        machine_lost = machines.a_trial_on(second, "troubled")
        tracker_killed = machines.a_trial_on(first, "troubled")
        killed = machines.a_trial_on(machines.add(), "troubled")
        waited_for(
            lambda: {killed.trial_id, machine_lost.trial_id} <= set(trials_with_checkpoint(study)),
            "their checkpoints",
        )
        machines.tracker_on(first).kill()
        os.kill(killed.pid, signal.SIGKILL)
        machines.remove(second)
        machines.gate.open()
        status = study.ends()
    return Troubled(
        study=study,
        status=status,
        killed=killed,
        tracker_killed=tracker_killed,
        machine_lost=machine_lost,
    )


def test_troubles_cost_neither_a_row_nor_a_joule(troubled: Troubled) -> None:
    """Every trial has its result and its energy; the manifest lists every machine that took part."""
    study = troubled.study
    manifest = Manifest.from_json((study.folder / "study.json").read_text())

    assert troubled.status == 0, study.lines
    assert_complete(study)
    assert_energies_are_right(study)
    assert len(manifest.nodes) == 3
    assert UUIDS[2] in set(table(study, "trials")["device_uuid"])


def test_a_killed_trial_is_charged_for_what_it_had_used(troubled: Troubled) -> None:
    """Energy of a killed attempt is either kept through its checkpoint or wasted; the loss is reported."""
    study, victim = troubled.study, troubled.killed.trial_id
    trials, windows = table(study, "trials").set_index("trial_id"), table(study, "windows")
    windows = windows[windows["component"] == "gpu"]
    of_attempt = (windows["trial_id"] == victim) & (windows["attempt"] == 1)
    attempt = windows[of_attempt & (windows["stage"] == "trial")].iloc[0]
    board = UUIDS.index(attempt["device_uuid"])
    known_j = BOARDS.energy_j(board, attempt["start_s"], attempt["start_s"] + attempt["duration_s"])

    spent_j = trials.loc[victim, "wasted_energy_j"] + reused_j(study, victim)

    assert spent_j == pytest.approx(known_j, rel=0.03)
    assert any(line.startswith(f"lost: {victim}") for line in study.lines)


def test_a_killed_tracker_costs_its_trial_no_attempt(troubled: Troubled) -> None:
    """A training continues in its first attempt when its machine's tracker is killed."""
    trials = table(troubled.study, "trials").set_index("trial_id")

    assert trials.loc[troubled.tracker_killed.trial_id, "attempts"] == 1


def test_a_trial_whose_machine_is_lost_goes_on_elsewhere(troubled: Troubled) -> None:
    """The second attempt resumes from the checkpoint and keeps its epochs' energy."""
    trial_id = troubled.machine_lost.trial_id
    trial = table(troubled.study, "trials").set_index("trial_id").loc[trial_id]

    assert trial["attempts"] == 2
    assert reused_j(troubled.study, trial_id) > 0


def test_a_driver_is_killed_and_the_study_resumed(machines: Machines, tmp_path: Path) -> None:
    """Finished trials stay as they were; started ones resume from their checkpoints with their energy."""
    machines.gate.hold(after=HELD_AFTER)
    machines.gate.let_one_end()
    with driver(machines, tmp_path, "driver", *OPTIONS) as study:
        study.until(rf"\[1/{TRIALS}\]")
        waited_for(lambda: "finished" in statuses(study), "a trial's end on storage")
        waited_for(lambda: trials_with_checkpoint(study), "a checkpoint")
        study.process.send_signal(signal.SIGKILL)
        status = study.ends()
    resumable = trials_with_checkpoint(study)
    machines.gate.open()
    before = table(study, "trials").set_index("trial_id")
    with driver(machines, tmp_path, "driver", *OPTIONS, "--resume") as again:
        resumed = again.ends()

    after = table(again, "trials").set_index("trial_id")
    ended = before[before["status"] == "finished"].index
    assert (status, resumed) == (-signal.SIGKILL, 0), again.lines
    assert_complete(again)
    assert_energies_are_right(again)
    assert list(after.loc[ended, "energy_j"]) == list(before.loc[ended, "energy_j"])
    assert set(after.loc[ended, "attempts"]) == {1}
    assert resumable
    assert all(reused_j(again, trial_id) > 0 for trial_id in resumable)
    assert not trials_with_checkpoint(again)


def test_a_sick_machine_takes_no_more_trials(machines: Machines, tmp_path: Path) -> None:
    """Its trials run on the healthy machine instead, all finish, and the quarantine is reported once.

    The gate keeps the healthy machine in its first epoch until the sick one has failed three trials. A
    trial that the sick machine gets after that waits, and runs on the healthy machine too.
    """
    options = ("--batch-sizes", "128", "--learning-rates", *RATES, "0.0001")
    for node in list(machines.cluster.worker_nodes):
        machines.cluster.remove_node(node)
    machines.add(**{SICK: "1"})
    machines.gate.hold(after=0)
    size = ("--max-epochs", "2", "--patience", "2")
    with driver(machines, tmp_path, "sick", *options, *size) as study:
        study.until("quarantine:")
        machines.gate.open()
        status = study.ends()

    trials, epochs = table(study, "trials"), table(study, "epochs")
    assert status == 0, study.lines
    assert set(trials["status"]) == {"finished"}
    assert len(trials) == TRIALS + 1
    assert sum(line.startswith("quarantine:") for line in study.lines) == 1
    assert (epochs["stop_reason"] == "error").sum() == 3
    assert not epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()
