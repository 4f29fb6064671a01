"""What a trial comes to, what a resumed study does, and what lies in the folder."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.bookings import WindowRecord
from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import (
    EnergyMethod,
    EnergyScope,
    EnergyStatus,
    Paradigm,
    Stage,
    StopReason,
    TrialStatus,
)
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan
from study.store.trial_record import trial_record
from tests.study.rows import STAGE, booked, epoch, plan
from trackers.node.ledger import SETUP, SO_FAR, TRIAL, BookedPower, BookedWindow, Booking, WindowKey
from trackers.sample import Component, Device

ENERGIES = st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=8)
"""Whole joules, whose sums are exact."""


def recorder(
    results_dir: Path,
    *,
    target_accuracy: float | None = None,
    stages: tuple[Stage, ...] = (Stage.ENCODER_CLASSIFIER,),
) -> Recorder:
    """A recorder of study `s`; a second one on the same folder is a resumed study."""
    return Recorder(
        StudyFolder(str(results_dir), "s"),
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        objective=ACCURACY,
        stages=stages,
        target=target_accuracy,
    )


def booking(*windows: BookedWindow, power: tuple[BookedPower, ...] = ()) -> Booking:
    """What the tracker of node-1 has booked."""
    return Booking(hostname="node-1", windows=windows, power=power)


def windows_of(
    trial: TrialPlan, trial_j: float | None, setup_j: float | None, *epochs_j: float | None
) -> tuple[BookedWindow, ...]:
    """All windows of an attempt."""
    numbered = enumerate(epochs_j, start=1)
    return (
        booked(TRIAL, 0, trial_j, of=trial),
        booked(SETUP, 0, setup_j, of=trial),
        *(booked(STAGE, number, energy_j, of=trial) for number, energy_j in numbered),
    )


def came_to(
    *epochs: EpochRecord,
    windows: tuple[BookedWindow, ...] = (),
    error: str | None = None,
    target_accuracy: float | None = None,
) -> TrialRecord:
    """What a trial with these rows and windows came to, by way of a recorder."""
    with_folder = recorder(Path("never-written"), target_accuracy=target_accuracy)
    with_folder.expect([plan()])
    for row in epochs:
        with_folder.add(row)
    with_folder.add_booking(booking(*windows))
    if error is not None:
        with_folder.add_error(plan().trial_id, error)
    (trial,) = with_folder.trials()
    return trial


@given(epochs_j=ENERGIES, setup_j=st.integers(0, 10**6), between_j=st.integers(0, 10**6))
def test_the_energies_of_an_attempt_add_up(
    epochs_j: list[float], setup_j: int, between_j: int
) -> None:
    """The window over the whole attempt is set-up, epochs and what lies between."""
    whole_j = setup_j + sum(epochs_j) + between_j
    rows = [epoch(n, energy_j) for n, energy_j in enumerate(epochs_j, start=1)]

    trial = came_to(*rows, windows=windows_of(plan(), whole_j, setup_j, *epochs_j))

    assert sum(epochs_j) == trial.energy_j
    assert (setup_j, between_j) == (trial.setup_energy_j, trial.between_energy_j)
    assert trial.wasted_energy_j == 0
    assert trial.epochs == len(epochs_j)
    assert trial.time_s == 2.0 * len(epochs_j)


@given(lost=st.lists(ENERGIES, max_size=3), kept_j=ENERGIES)
def test_lost_attempts_are_wasted_and_the_last_one_counts(
    lost: list[list[float]], kept_j: list[float]
) -> None:
    """No joule is in two places, and none is in none."""
    rows: list[EpochRecord] = []
    windows: list[BookedWindow] = []
    for attempt, epochs_j in enumerate([*lost, kept_j], start=1):
        trial = plan(attempt=attempt)
        rows += [epoch(n, energy_j, of=trial) for n, energy_j in enumerate(epochs_j, start=1)]
        windows += windows_of(trial, sum(epochs_j) + 5.0, 2.0, *epochs_j)

    trial_of_all = came_to(*rows, windows=tuple(windows))

    assert trial_of_all.attempts == len(lost) + 1
    assert trial_of_all.energy_j == sum(kept_j)
    assert trial_of_all.wasted_energy_j == sum(sum(epochs_j) + 5.0 for epochs_j in lost)
    assert trial_of_all.epochs == len(kept_j)


@pytest.mark.parametrize(
    ("rows", "windows", "wasted_j"),
    [
        ([(1, 10.0), (2, 20.0)], (100.0, 5.0, 10.0, 20.0), 100.0),
        ([(1, 10.0), (2, 20.0)], (None, 5.0, 10.0, 20.0, 40.0), 75.0),
        ([(1, 10.0), (2, None)], (None, None, 10.0, None), 10.0),
        ([(1, 10.0), (2, 20.0)], None, 30.0),
        ([], (None, 5.0, 7.0), 12.0),
    ],
)
def test_a_lost_attempt_is_charged_with_all_that_was_booked_of_it(
    rows: list[tuple[int, float | None]],
    windows: tuple[float | None, ...] | None,
    wasted_j: float,
) -> None:
    """Its whole window, else its parts, an epoch that was never reported among them."""
    lost, kept = plan(attempt=1), plan(attempt=2)
    trial_j, setup_j, *epochs_j = windows or (None, None)
    all_booked = () if windows is None else windows_of(lost, trial_j, setup_j, *epochs_j)

    trial = came_to(
        *(epoch(n, energy_j, of=lost) for n, energy_j in rows),
        epoch(1, 3.0, of=kept),
        windows=all_booked,
    )

    assert wasted_j == trial.wasted_energy_j
    assert trial.energy_j == 3.0


def test_a_set_up_that_was_open_when_its_machine_was_lost_is_wasted() -> None:
    """What the attempt had come to counts, where it is more than what was booked of its parts."""
    lost, kept = plan(attempt=1), plan(attempt=2)

    trial = came_to(
        epoch(1, 3.0, of=kept),
        windows=(booked(SO_FAR, 0, 9.0, of=lost), booked(SO_FAR, 0, 10.0, of=lost)),
    )

    assert trial.wasted_energy_j == 10.0
    assert trial.energy_j == 3.0


def test_what_an_attempt_had_come_to_gives_way_to_its_whole(tmp_path: Path) -> None:
    """Its row is gone when the window is booked, and no joule is had twice."""
    one, first = recorder(tmp_path), plan(attempt=1)
    one.expect([plan()])
    one.add_booking(booking(booked(SO_FAR, 0, 9.0, of=first)))
    one.add_booking(booking(*windows_of(first, 12.0, 5.0)))

    one.flush()

    stages = [row["stage"] for row in StudyFolder(str(tmp_path), "s").read_rows("windows.parquet")]
    assert sorted(stages) == [SETUP, TRIAL]


@given(
    energies=st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=8), whole=st.booleans()
)
def test_a_sum_with_a_missing_epoch_is_missing(energies: list[float | None], whole: bool) -> None:  # noqa: FBT001
    """Missing is None, never 0: neither the sum nor what is left of the whole is known."""
    rows = [epoch(n, energy_j) for n, energy_j in enumerate(energies, start=1)]
    windows = windows_of(plan(), 1e9 if whole else None, 1.0, *energies)

    trial = came_to(*rows, windows=windows)

    assert trial.missing_epochs == energies.count(None)
    assert (None in energies) == (trial.energy_j is None)
    assert (None in energies or not whole) == (trial.between_energy_j is None)
    assert (set(energies) == {None}) == (trial.energy_method is None)


def test_set_up_and_pauses_have_the_energy_that_ranks(tmp_path: Path) -> None:
    """Board and processor of each window lie apart, and are one sum where components rank."""
    device = {each: Device(uuid=each.value, name="d", component=each) for each in Component}

    def of(stage: str, board_j: float, cpu_j: float) -> BookedWindow:
        board, cpu = (booked(stage, 0, each) for each in (board_j, cpu_j))
        return replace(
            board,
            others=(replace(cpu.reading, device_uuid="cpu"),),
            devices=(device[Component.GPU], device[Component.CPU]),
        )

    books = recorder(tmp_path)
    books.expect([plan()])
    books.add(epoch(1, 7.0))
    books.add_booking(booking(of(TRIAL, 10.0, 5.0), of(SETUP, 2.0, 1.0)))

    (by_board,) = books.trials()
    books.energy_of = EnergyScope.COMPONENTS
    (by_components,) = books.trials()
    books.flush()

    assert (by_board.setup_energy_j, by_board.between_energy_j) == (2.0, 10.0 - 2.0 - 7.0)
    assert (by_components.setup_energy_j, by_components.between_energy_j) == (3.0, 15.0 - 3.0 - 7.0)
    windows = pd.read_parquet(tmp_path / "s" / "windows.parquet")
    assert [*zip(windows["stage"], windows["component"], strict=True)] == [
        ("trial", "gpu"),
        ("trial", "cpu"),
        ("setup", "gpu"),
        ("setup", "cpu"),
    ]


def test_degraded_epochs_are_counted() -> None:
    """A reader learns how many energies are in doubt."""
    trial = came_to(epoch(1), epoch(2, energy_status=EnergyStatus.DEGRADED), epoch(3, None))

    assert (trial.degraded_epochs, trial.missing_epochs) == (1, 1)
    assert trial.energy_method is EnergyMethod.COUNTER


@given(
    accuracies=st.lists(st.integers(0, 5).map(lambda n: n / 5), min_size=1, max_size=8),
    target=st.integers(1, 5).map(lambda n: n / 5),
)
def test_energy_to_target_is_that_of_the_first_epoch_that_reached_it(
    accuracies: list[float], target: float
) -> None:
    """All joules up to that epoch, it included; None where no epoch reached the target."""
    rows = [epoch(n, 2.0**n, accuracy) for n, accuracy in enumerate(accuracies, start=1)]

    trial = came_to(*rows, target_accuracy=target)

    reached = [n for n, accuracy in enumerate(accuracies, start=1) if accuracy >= target]
    expected = 2.0 ** (reached[0] + 1) - 2 if reached else None
    assert expected == trial.energy_to_target_j
    assert trial.best_val_score == max(accuracies)
    assert trial.best_epoch == accuracies.index(max(accuracies)) + 1


@pytest.mark.parametrize(
    ("target", "energies", "expected"),
    [(None, [1.0, 2.0], None), (0.5, [1.0, None], 1.0), (0.8, [None, 2.0], None)],
)
def test_energy_to_target_needs_a_target_and_the_epochs_before(
    target: float | None, energies: list[float | None], expected: float | None
) -> None:
    """A missing epoch makes it missing only where it lies before."""
    rows = [epoch(n, e, 0.4 + n / 5) for n, e in enumerate(energies, start=1)]

    trial = came_to(*rows, target_accuracy=target)

    assert expected == trial.energy_to_target_j


@pytest.mark.parametrize(
    ("stop", "error", "status"),
    [
        (None, None, TrialStatus.RUNNING),
        (StopReason.PATIENCE, None, TrialStatus.FINISHED),
        (StopReason.MAX_EPOCHS, None, TrialStatus.FINISHED),
        (StopReason.DIVERGED, None, TrialStatus.FINISHED),
        (StopReason.OUT_OF_MEMORY, None, TrialStatus.FINISHED),
        (StopReason.ERROR, "KeyError: 'accuracy'", TrialStatus.FAILED),
        (None, "the process died", TrialStatus.FAILED),
    ],
)
def test_what_became_of_a_trial(
    stop: StopReason | None, error: str | None, status: TrialStatus
) -> None:
    """Divergence and lack of memory are results about a setup; an error is a failure."""
    trial = came_to(epoch(1, stop=stop), error=error)

    assert status is trial.status
    assert (stop, error) == (trial.stop_reason, trial.error)


def test_an_epoch_that_was_broken_off_is_charged_and_not_counted() -> None:
    """Its joules were used, but it is not an epoch of training; a diverged one is."""
    broken = came_to(epoch(1), epoch(2, 3.0, None, stop=StopReason.OUT_OF_MEMORY))
    diverged = came_to(epoch(1), epoch(2, 3.0, None, stop=StopReason.DIVERGED))

    assert (broken.epochs, broken.energy_j) == (1, 4.0)
    assert (diverged.epochs, diverged.energy_j) == (2, 4.0)


def test_an_error_is_its_last_line() -> None:
    """A traceback is for the log; the table has the line that says what it was."""
    trial = came_to(error="Traceback:\n  File x\nKeyError: 'accuracy'\n")

    assert trial.error == "KeyError: 'accuracy'"
    assert (trial.status, trial.epochs, trial.energy_j) == (TrialStatus.FAILED, 0, None)


def test_only_begun_trials_have_a_record(tmp_path: Path) -> None:
    """In the order of setups and seeds, whatever the order in which they ran."""
    trials = [plan(setup, seed) for setup in (1, 2, 3) for seed in (0, 1)]
    trials = trials[1::2] + trials[::2]
    kept = recorder(tmp_path)
    kept.expect(trials)
    for trial in trials:
        if trial.setup != 2:
            kept.add(epoch(1, of=trial))

    records = kept.trials()

    assert [(each.setup, each.seed) for each in records] == [(1, 0), (1, 1), (3, 0), (3, 1)]


def test_a_row_that_comes_twice_counts_once() -> None:
    """The later one takes the earlier one's place."""
    trial = came_to(epoch(1, 5.0), epoch(1, 7.0), epoch(2, 1.0))

    assert (trial.epochs, trial.energy_j) == (2, 8.0)


def interrupted(tmp_path: Path) -> list[TrialPlan]:
    """A study of which trial 1 has ended, 2 was begun, 3 failed, 4 had set up and 5 not begun."""
    trials = [plan(setup) for setup in range(1, 6)]
    kept = recorder(tmp_path)
    kept.expect(trials)
    kept.add(epoch(1, 1.0, of=trials[0], stop=StopReason.DIVERGED))
    kept.add(epoch(1, 2.0, of=trials[1]))
    kept.add(epoch(2, 3.0, of=trials[1]))
    kept.add(epoch(1, None, of=trials[2], stop=StopReason.ERROR))
    kept.add_error(trials[2].trial_id, "Traceback\nit broke")
    kept.add_booking(booking(*windows_of(trials[1], 8.0, 1.0, 2.0, 3.0)))
    kept.add_booking(booking(booked(SETUP, 0, 4.0, of=trials[3])))
    kept.flush()
    return trials


def test_a_study_whose_folder_was_renamed_goes_on_under_its_new_name(tmp_path: Path) -> None:
    """Rows of before have the name that it has now, as those have that a checkpoint brings."""
    interrupted(tmp_path)
    (tmp_path / "s").rename(tmp_path / "t")
    again = Recorder(
        StudyFolder(str(tmp_path), "t"),
        study="t",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=None,
    )

    again.add(epoch(3, 4.0, of=plan(2)))
    again.flush()

    rows = StudyFolder(str(tmp_path), "t").read_rows("epochs.parquet")
    assert {row["study"] for row in rows} == {"t"}
    assert len(rows) == 5


def test_a_resumed_study_runs_what_has_not_ended(tmp_path: Path) -> None:
    """What has ended stays; what was begun counts on, with its joules so far."""
    trials = interrupted(tmp_path)

    remaining = recorder(tmp_path).expect(trials)

    expected = [
        trials[1].again(attempt=2, energy_before_j=5.0),
        trials[3].again(attempt=2, energy_before_j=0.0),
        trials[4],
    ]
    assert expected == remaining


def test_what_has_failed_is_run_again_on_request(tmp_path: Path) -> None:
    """It stays failed over any number of resumes, with its error, until it is asked for."""
    failed = interrupted(tmp_path)[2]
    kept = recorder(tmp_path)
    left = kept.expect([failed])
    kept.flush()
    again = recorder(tmp_path)
    (before,) = kept.trials()

    remaining = again.expect([failed], retry_failed=True)
    again.add_booking(booking(booked(SETUP, 0, 4.0, of=remaining[0])))
    (during,) = again.trials()

    assert left == []
    assert (before.status, before.error) == (TrialStatus.FAILED, "it broke")
    assert remaining == [failed.again(attempt=2, energy_before_j=None)]
    assert (during.status, during.error) == (TrialStatus.RUNNING, None)


def test_a_trial_that_goes_on_from_a_checkpoint_has_the_epochs_before_it(tmp_path: Path) -> None:
    """They count; what was after the checkpoint is wasted, with the first set-up and the rest."""
    kept = recorder(tmp_path)
    (first,) = kept.expect([plan()])
    kept.add(epoch(1, 2.0, 0.9, of=first))
    kept.add(epoch(2, 3.0, of=first))
    kept.add_booking(booking(*windows_of(first, 10.0, 1.0, 2.0, 3.0)))
    (second,) = kept.expect([plan()])
    kept.add(epoch(2, 4.0, of=second))
    kept.add(epoch(3, 5.0, of=second, stop=StopReason.PATIENCE))
    kept.add_booking(booking(*windows_of(second, 14.0, 2.0, None, 4.0, 5.0)))

    (trial,) = kept.trials()

    assert (trial.status, trial.attempts, trial.epochs) == (TrialStatus.FINISHED, 2, 3)
    assert (trial.energy_j, trial.wasted_energy_j) == (2.0 + 4.0 + 5.0, 10.0 - 2.0)
    assert (trial.setup_energy_j, trial.between_energy_j) == (2.0, 14.0 - 2.0 - 9.0)
    assert (trial.best_val_score, trial.best_epoch) == (0.9, 1)
    assert kept.expect([plan()]) == []


def test_a_resumed_study_keeps_its_books(tmp_path: Path) -> None:
    """The ended trial's record is as it was, the new attempt counts, the old one is wasted."""
    trials = interrupted(tmp_path)
    before = pd.read_parquet(tmp_path / "s/trials.parquet").set_index("trial_id")
    again = recorder(tmp_path)
    second = again.expect(trials)[0]

    again.add(epoch(1, 10.0, of=second, stop=StopReason.PATIENCE))
    again.flush()

    after = pd.read_parquet(tmp_path / "s/trials.parquet").set_index("trial_id")
    ended, begun = trials[0].trial_id, trials[1].trial_id
    pd.testing.assert_frame_equal(before.loc[[ended]], after.loc[[ended]])
    row = after.loc[[begun], ["attempts", "status", "energy_j", "wasted_energy_j"]]
    assert row.to_numpy().tolist() == [[2, "finished", 10, 8]]
    assert recorder(tmp_path).expect(trials[:2]) == []


def test_the_third_attempt_follows_the_second(tmp_path: Path) -> None:
    """Attempts count on over any number of resumes, and so do the joules."""
    for attempt in (1, 2, 3):
        kept = recorder(tmp_path)
        (trial,) = kept.expect([plan()])
        kept.add(epoch(1, 4.0, of=trial))
        kept.flush()
        assert (attempt, 4.0 * (attempt - 1)) == (trial.attempt, trial.energy_before_j)


def test_all_tables_lie_in_the_folder(tmp_path: Path) -> None:
    """Epochs, trials, windows: rows as they were given, CSV and parquet alike."""
    rows = [epoch(1, 2.0), epoch(2, 3.0, stop=StopReason.MAX_EPOCHS)]
    kept = recorder(tmp_path)
    kept.expect([plan()])
    for row in rows:
        kept.add(row)
    kept.add_booking(booking(*windows_of(plan(), 9.0, 1.0, 2.0, None)))

    kept.flush()

    folder = StudyFolder(str(tmp_path), "s")
    assert rows == [EpochRecord.from_row(row) for row in folder.read_rows("epochs.parquet")]
    assert kept.trials() == [
        TrialRecord.from_row(row) for row in folder.read_rows("trials.parquet")
    ]
    windows = [WindowRecord.from_row(row) for row in folder.read_rows("windows.parquet")]
    assert [each.energy_j for each in windows] == [9.0, 1.0, 2.0, None]
    assert [each.note for each in windows] == ["", "", "", "not seen"]
    assert pd.read_csv(tmp_path / "s/trials.csv")["energy_j"].tolist() == [5.0]


def test_a_study_without_a_trial_has_its_tables(tmp_path: Path) -> None:
    """A reader of a study that has just begun finds columns and no rows."""
    recorder(tmp_path).flush()

    assert pd.read_parquet(tmp_path / "s/epochs.parquet").empty
    assert pd.read_csv(tmp_path / "s/trials.csv").empty
    assert not (tmp_path / "s/power.parquet").exists()


def power_at(unix_time_s: float, stage: str | None, number: int = 0) -> BookedPower:
    """A sample of 50 W within a window, or between trials."""
    trial = plan()
    key = None
    if stage is not None:
        key = WindowKey(trial_id=trial.trial_id, attempt=1, stage=stage, epoch=number)
    return BookedPower(device_uuid="GPU-1", unix_time_s=unix_time_s, power_w=50.0, key=key)


def test_the_power_log_is_one_table_of_parts(tmp_path: Path) -> None:
    """Each flush adds what has come since, resumes included; readers see one table."""
    kept = recorder(tmp_path)
    kept.add_booking(booking(power=(power_at(1.0, None),)))
    kept.flush()
    kept.flush()
    kept.add_booking(booking(power=(power_at(2.0, SETUP), power_at(3.0, STAGE, 1))))
    kept.flush()
    again = recorder(tmp_path)
    again.add_booking(booking(power=(power_at(4.0, TRIAL),)))
    again.flush()

    power = pd.read_parquet(tmp_path / "s/power.parquet").sort_values("unix_time_s")

    assert power["unix_time_s"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert [None if s != s else s for s in power["stage"]] == [None, SETUP, STAGE, "between"]  # noqa: PLR0124 - NaN
    assert power["epoch"].tolist()[1:] == [0, 1, 0]
    assert len(list((tmp_path / "s/power.parquet").iterdir())) == 3


def test_a_storage_that_is_away_is_not_asked_all_the_time(tmp_path: Path) -> None:
    """After a flush that failed as after one that did not, the next is due some time later."""
    kept = recorder(tmp_path)
    kept.flush()
    due_after_success = kept.flush_due()
    (tmp_path / "s" / "epochs.parquet").unlink()
    (tmp_path / "s" / "epochs.parquet" / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match=r"epochs\.parquet"):
        kept.flush()

    assert (due_after_success, kept.flush_due()) == (False, False)


def test_a_stage_that_ends_is_soon_written(tmp_path: Path) -> None:
    """An epoch waits for the next writing; the last one of a stage does not."""
    kept = recorder(tmp_path)
    kept.add(epoch(1, 1.0))
    due_after_an_epoch = kept.flush_due()
    kept.add(epoch(2, 1.0, stop_reason=StopReason.PATIENCE))

    assert (due_after_an_epoch, kept.flush_due()) == (False, True)


def test_rows_that_could_not_be_written_are_written_later(tmp_path: Path) -> None:
    """A storage that fails for a while takes nothing from the power log."""
    kept = recorder(tmp_path)
    kept.add_booking(booking(power=(power_at(1.0, None),)))
    in_the_way = tmp_path / "s"
    in_the_way.write_text("")

    with pytest.raises(OSError, match="s"):
        kept.flush()
    in_the_way.unlink()
    kept.flush()

    assert len(pd.read_parquet(tmp_path / "s/power.parquet")) == 1


def test_a_trial_record_can_be_had_without_a_recorder() -> None:
    """The reckoning is a function of rows and windows alone."""
    trial = trial_record(
        plan(),
        epochs=[epoch(2, 2.0), epoch(1, 1.0)],
        windows=[],
        error=None,
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=0.5,
    )

    assert (trial.energy_j, trial.energy_to_target_j) == (3.0, 1.0)
    assert (trial.setup_energy_j, trial.between_energy_j) == (None, None)


STAGES = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)
LAST = StopReason.PATIENCE


def test_a_trial_of_several_stages_ends_with_the_last_of_them(tmp_path: Path) -> None:
    """Until then it runs, and would be run again."""
    kept = recorder(tmp_path, stages=STAGES)
    kept.expect([plan()])
    statuses = []
    for stage in STAGES:
        kept.add(epoch(1, 1.0, stage=stage))
        kept.add(epoch(2, 2.0, stage=stage, stop=LAST))
        statuses.append(kept.trials()[0].status)

    trial = kept.trials()[0]
    again = recorder(tmp_path, stages=STAGES)
    kept.flush()
    remaining = recorder(tmp_path, stages=STAGES).expect([plan()])

    assert statuses == [TrialStatus.RUNNING, TrialStatus.RUNNING, TrialStatus.FINISHED]
    assert (trial.energy_j, trial.epochs) == (9.0, 6)
    assert (again.expect([plan()]), remaining) == ([plan()], [])


def test_stages_that_need_a_lost_encoder_are_not_waited_for(tmp_path: Path) -> None:
    """An encoder that diverged is of no use; the trial has its result all the same."""
    kept = recorder(tmp_path, stages=STAGES)
    kept.expect([plan()])
    kept.add(epoch(1, 1.0, None, stage=Stage.ENCODER, stop=StopReason.DIVERGED))
    kept.add(epoch(1, 1.0, stage=Stage.ENCODER_CLASSIFIER, stop=LAST))

    assert kept.trials()[0].status is TrialStatus.FINISHED


def test_latent_features_are_not_counted_twice(tmp_path: Path) -> None:
    """Their window lies within an epoch, also in what is known of a lost attempt."""
    kept = recorder(tmp_path, stages=STAGES)
    kept.expect([plan()])
    kept.add_booking(booking(booked("latents", 0, 3.0), booked(Stage.CLASSIFIER_FROZEN, 1, 4.0)))
    kept.add(epoch(1, 1.0, of=plan(attempt=2), stage=Stage.ENCODER))

    assert kept.trials()[0].wasted_energy_j == 4.0
