"""What breaks on a cluster while a study runs, and that neither a row nor a joule is lost for it."""

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
"""As many as there are machines when one has joined."""

EPOCHS = 6
HELD_AFTER = 2
"""A training reports so many epochs, and waits in the next until the test has done its deed."""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two machines with a board each."""
    two = Machines(tmp_path_factory.mktemp("machines"))
    two.add()
    yield two
    two.cluster.shutdown()  # type: ignore[no-untyped-call]


OPTIONS = (
    *("--batch-sizes", "128", "--learning-rates", *RATES),
    *("--max-epochs", str(EPOCHS), "--patience", str(EPOCHS), "--checkpoint-every-s", "0"),
)


def table(study: Driver, name: str) -> Any:  # noqa: ANN401 - its columns are known at run time
    """A table of the study's folder."""
    return pd.read_parquet(study.folder / f"{name}.parquet")


def statuses(study: Driver) -> set[str]:
    """What the table of trials says of them so far."""
    written = (study.folder / "trials.parquet").exists()
    return set(table(study, "trials")["status"]) if written else set()


def checkpointed(study: Driver) -> list[str]:
    """The trials that can go on from a checkpoint."""
    return list(attempts_with_checkpoint(each.name for each in study.folder.glob("checkpoints/*")))


def assert_whole(study: Driver) -> None:
    """Every trial has its result, and each epoch of each attempt has one row."""
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
    """What was measured is the known curve, and each trial's parts are its whole.

    An epoch here is hardly longer than a counter's refresh, so epochs are compared by their sum.
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
        # A tracker that is killed takes along what it had closed and not yet handed over.
        if pd.isna(trial["setup_energy_j"]) or trial["missing_epochs"]:
            continue
        if last in whole_j.index:
            parts_j = own_j[last] + trial["setup_energy_j"] + trial["between_energy_j"]
            assert parts_j == pytest.approx(whole_j[last], rel=0.03)
            compared += 1
        # The windows of a lost attempt may be lost with its machine.
        of_all_j = of_attempts.loc[of_attempts["trial_id"] == trial_id, "energy_j"]
        if len(of_all_j) == trial["attempts"]:
            parts = ("energy_j", "setup_energy_j", "between_energy_j", "wasted_energy_j")
            parts_j = sum(trial[part] for part in parts)
            assert parts_j == pytest.approx(of_all_j.sum(), rel=0.03)
    assert compared >= TRIALS - 1
    assert list(whole["energy_j"]) == pytest.approx(list(whole["known_j"]), rel=0.03)
    assert list(sums["energy_j"]) == pytest.approx(list(sums["known_j"]), rel=0.03)


def taken_up_j(study: Driver, trial_id: str) -> float:
    """What a trial's lost first attempt used for the epochs that its second one went on from."""
    epochs = table(study, "epochs")
    epochs = epochs[epochs["trial_id"] == trial_id]
    kept = counted_epochs(epochs)
    taken_up = kept[kept["attempt"] == 1]
    assert set(kept["attempt"]) == {1, 2}
    assert list(kept.sort_values("epoch")["attempt"].diff().dropna()).count(1) == 1
    return float(taken_up["epoch_energy_j"].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """A study during which a trial and a tracker were killed, a machine joined and another was lost.

    Attributes:
        study: Its driver, which has ended by itself.
        status: Its exit status.
        killed: The trial whose process was killed, on the machine that had joined.
        bereft: The one whose tracker was.
        moved: The one whose machine was lost.
    """

    study: Driver
    status: int
    killed: Trial
    bereft: Trial
    moved: Trial


@pytest.fixture(scope="module")
def troubled(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    """All deeds are done while each trial waits within its third epoch."""
    results = tmp_path_factory.mktemp("troubled")
    first, second = machines.head, min(machines.cluster.worker_nodes, key=raylet_of)
    machines.gate.hold(after=HELD_AFTER)
    with driver(machines, results, "troubled", *OPTIONS) as study:
        moved = machines.a_trial_on(second, "troubled")
        bereft = machines.a_trial_on(first, "troubled")
        killed = machines.a_trial_on(machines.add(), "troubled")
        waited_for(
            lambda: {killed.trial_id, moved.trial_id} <= set(checkpointed(study)),
            "their checkpoints",
        )
        machines.tracker_on(first).kill()
        os.kill(killed.pid, signal.SIGKILL)
        machines.remove(second)
        machines.gate.open()
        status = study.ends()
    return Troubled(study=study, status=status, killed=killed, bereft=bereft, moved=moved)


def test_troubles_cost_neither_a_row_nor_a_joule(troubled: Troubled) -> None:
    """Every trial has its result and its energy; all machines that it had are known."""
    study = troubled.study
    manifest = Manifest.from_json((study.folder / "study.json").read_text())

    assert troubled.status == 0, study.lines
    assert_whole(study)
    assert_energies_are_right(study)
    assert len(manifest.nodes) == 3
    assert UUIDS[2] in set(table(study, "trials")["device_uuid"])


def test_a_killed_trial_is_charged_for_what_it_had_used(troubled: Troubled) -> None:
    """What its second attempt does not go on from is wasted, and it is said that it was lost."""
    study, victim = troubled.study, troubled.killed.trial_id
    trials, windows = table(study, "trials").set_index("trial_id"), table(study, "windows")
    windows = windows[windows["component"] == "gpu"]
    of_attempt = (windows["trial_id"] == victim) & (windows["attempt"] == 1)
    attempt = windows[of_attempt & (windows["stage"] == "trial")].iloc[0]
    board = UUIDS.index(attempt["device_uuid"])
    known_j = BOARDS.energy_j(board, attempt["start_s"], attempt["start_s"] + attempt["duration_s"])

    spent_j = trials.loc[victim, "wasted_energy_j"] + taken_up_j(study, victim)

    assert spent_j == pytest.approx(known_j, rel=0.03)
    assert any(line.startswith(f"lost: {victim}") for line in study.lines)


def test_a_killed_tracker_costs_its_trial_no_attempt(troubled: Troubled) -> None:
    """The training goes on, whoever measures it."""
    trials = table(troubled.study, "trials").set_index("trial_id")

    assert trials.loc[troubled.bereft.trial_id, "attempts"] == 1


def test_a_trial_whose_machine_is_lost_goes_on_elsewhere(troubled: Troubled) -> None:
    """From its checkpoint."""
    trial = table(troubled.study, "trials").set_index("trial_id").loc[troubled.moved.trial_id]

    assert trial["attempts"] == 2
    assert taken_up_j(troubled.study, troubled.moved.trial_id) > 0


def test_a_driver_is_killed_and_the_study_resumed(machines: Machines, tmp_path: Path) -> None:
    """What had ended stays as it was, what had begun goes on, and its joules are not lost."""
    machines.gate.hold(after=HELD_AFTER)
    machines.gate.let_one_end()
    with driver(machines, tmp_path, "driver", *OPTIONS) as study:
        study.until(rf"\[1/{TRIALS}\]")
        waited_for(lambda: "finished" in statuses(study), "a trial's end on storage")
        waited_for(lambda: checkpointed(study), "a checkpoint")
        study.process.send_signal(signal.SIGKILL)
        status = study.ends()
    left = checkpointed(study)
    machines.gate.open()
    before = table(study, "trials").set_index("trial_id")
    with driver(machines, tmp_path, "driver", *OPTIONS, "--resume") as again:
        resumed = again.ends()

    after = table(again, "trials").set_index("trial_id")
    ended = before[before["status"] == "finished"].index
    assert (status, resumed) == (-signal.SIGKILL, 0), again.lines
    assert_whole(again)
    assert_energies_are_right(again)
    assert list(after.loc[ended, "energy_j"]) == list(before.loc[ended, "energy_j"])
    assert set(after.loc[ended, "attempts"]) == {1}
    assert left
    assert all(taken_up_j(again, trial_id) > 0 for trial_id in left)
    assert not checkpointed(again)


def test_a_sick_machine_takes_no_more_trials(machines: Machines, tmp_path: Path) -> None:
    """Its trials go to the other, all have their result, and it is said once.

    The other is still at its first epoch when it has failed three; the one that it gets then
    waits there, and is run elsewhere too.
    """
    more = ("--batch-sizes", "128", "--learning-rates", *RATES, "0.0001")
    for one in list(machines.cluster.worker_nodes):
        machines.cluster.remove_node(one)
    machines.add(**{SICK: "1"})
    machines.gate.hold(after=0)
    with driver(machines, tmp_path, "sick", *more, "--max-epochs", "2", "--patience", "2") as study:
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
