"""The recorder: resuming a study, and the tables in its folder."""

from pathlib import Path

import pandas as pd
import pytest

from study.record.bookings import WindowRecord
from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import (
    Paradigm,
    Stage,
    StopReason,
    TrialStatus,
)
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan
from tests.study.rows import STAGE, booked, epoch, plan
from tests.study.store.recorders import booking, recorder, windows_of
from trackers.node.ledger import SETUP, TRIAL, BookedPower, WindowKey


def interrupted(tmp_path: Path) -> list[TrialPlan]:
    """Write a study in which trial 1 has ended, 2 has epochs, 3 failed, 4 was set up, and 5 has not started."""
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


def test_a_study_whose_folder_was_renamed_resumes_under_the_new_name(tmp_path: Path) -> None:
    """Earlier rows get the new name, as do new rows that still carry the old one."""
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


def test_a_resumed_study_runs_the_trials_that_have_not_ended(tmp_path: Path) -> None:
    """Ended and failed trials stay; started ones get a further attempt, with their energy so far."""
    trials = interrupted(tmp_path)

    remaining = recorder(tmp_path).expect(trials)

    expected = [
        trials[1].again(attempt=2, energy_before_j=5.0),
        trials[3].again(attempt=2, energy_before_j=0.0),
        trials[4],
    ]
    assert expected == remaining


def test_failed_trials_run_again_on_request_only(tmp_path: Path) -> None:
    """A failed trial keeps its status and error when its study is resumed, until `retry_failed` runs it again."""
    failed = interrupted(tmp_path)[2]
    kept = recorder(tmp_path)
    without_request = kept.expect([failed])
    kept.flush()
    again = recorder(tmp_path)
    (before,) = kept.trials()

    remaining = again.expect([failed], retry_failed=True)
    again.add_booking(booking(booked(SETUP, 0, 4.0, of=remaining[0])))
    (during,) = again.trials()

    assert without_request == []
    assert (before.status, before.error) == (TrialStatus.FAILED, "it broke")
    assert remaining == [failed.again(attempt=2, energy_before_j=None)]
    assert (during.status, during.error) == (TrialStatus.RUNNING, None)


def test_a_trial_resumed_from_a_checkpoint_keeps_the_epochs_before_it(tmp_path: Path) -> None:
    """All else of the lost attempt is wasted: its set-up, the epochs after the checkpoint and the time between."""
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


def test_a_resumed_study_keeps_its_records(tmp_path: Path) -> None:
    """The record of an ended trial does not change; of a started one the new attempt counts, the old is wasted."""
    trials = interrupted(tmp_path)
    before = pd.read_parquet(tmp_path / "s/trials.parquet").set_index("trial_id")
    again = recorder(tmp_path)
    second = again.expect(trials)[0]

    again.add(epoch(1, 10.0, of=second, stop=StopReason.PATIENCE))
    again.flush()

    after = pd.read_parquet(tmp_path / "s/trials.parquet").set_index("trial_id")
    ended, started = trials[0].trial_id, trials[1].trial_id
    pd.testing.assert_frame_equal(before.loc[[ended]], after.loc[[ended]])
    row = after.loc[[started], ["attempts", "status", "energy_j", "wasted_energy_j"]]
    assert row.to_numpy().tolist() == [[2, "finished", 10, 8]]
    assert recorder(tmp_path).expect(trials[:2]) == []


def test_the_third_attempt_follows_the_second(tmp_path: Path) -> None:
    """Attempt numbers and the energy so far continue over any number of resumes."""
    for attempt in (1, 2, 3):
        kept = recorder(tmp_path)
        (trial,) = kept.expect([plan()])
        kept.add(epoch(1, 4.0, of=trial))
        kept.flush()
        assert (attempt, 4.0 * (attempt - 1)) == (trial.attempt, trial.energy_before_j)


def test_a_flush_writes_all_tables(tmp_path: Path) -> None:
    """The tables of epochs, trials and windows have the rows that were given; `trials.csv` agrees."""
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


def test_a_study_without_trials_has_empty_tables(tmp_path: Path) -> None:
    """A study that has only just started has tables with columns and no rows."""
    recorder(tmp_path).flush()

    assert pd.read_parquet(tmp_path / "s/epochs.parquet").empty
    assert pd.read_csv(tmp_path / "s/trials.csv").empty
    assert not (tmp_path / "s/power.parquet").exists()


def power_at(unix_time_s: float, stage: str | None, number: int = 0) -> BookedPower:
    """A power sample of 50 W within a window, or outside all trials."""
    trial = plan()
    key = None
    if stage is not None:
        key = WindowKey(trial_id=trial.trial_id, attempt=1, stage=stage, epoch=number)
    return BookedPower(device_uuid="GPU-1", unix_time_s=unix_time_s, power_w=50.0, key=key)


def test_the_power_log_is_one_table_of_parts(tmp_path: Path) -> None:
    """Each flush adds the samples since the last one, also after a resume; readers see one table."""
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


def test_an_unavailable_storage_is_not_tried_all_the_time(tmp_path: Path) -> None:
    """After a failed flush, as after a successful one, the next is not due at once."""
    kept = recorder(tmp_path)
    kept.flush()
    due_after_success = kept.flush_due()
    (tmp_path / "s" / "epochs.parquet").unlink()
    (tmp_path / "s" / "epochs.parquet" / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match=r"epochs\.parquet"):
        kept.flush()

    assert (due_after_success, kept.flush_due()) == (False, False)


def test_the_end_of_a_stage_is_written_at_once(tmp_path: Path) -> None:
    """Other epochs wait for the next regular flush."""
    kept = recorder(tmp_path)
    kept.add(epoch(1, 1.0))
    due_after_an_epoch = kept.flush_due()
    kept.add(epoch(2, 1.0, stop_reason=StopReason.PATIENCE))

    assert (due_after_an_epoch, kept.flush_due()) == (False, True)


def test_rows_that_could_not_be_written_are_written_later(tmp_path: Path) -> None:
    """The power log loses nothing when storage fails for a while."""
    kept = recorder(tmp_path)
    kept.add_booking(booking(power=(power_at(1.0, None),)))
    in_the_way = tmp_path / "s"
    in_the_way.write_text("")

    with pytest.raises(OSError, match="s"):
        kept.flush()
    in_the_way.unlink()
    kept.flush()

    assert len(pd.read_parquet(tmp_path / "s/power.parquet")) == 1


STAGES = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)
LAST = StopReason.PATIENCE


def test_a_trial_of_several_stages_ends_with_the_last_of_them(tmp_path: Path) -> None:
    """Until then its status is running, and a resumed study would run it again."""
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


def test_stages_that_need_a_diverged_encoder_are_not_waited_for(tmp_path: Path) -> None:
    """The trial is finished without the stages that would have used the encoder."""
    kept = recorder(tmp_path, stages=STAGES)
    kept.expect([plan()])
    kept.add(epoch(1, 1.0, None, stage=Stage.ENCODER, stop=StopReason.DIVERGED))
    kept.add(epoch(1, 1.0, stage=Stage.ENCODER_CLASSIFIER, stop=LAST))

    assert kept.trials()[0].status is TrialStatus.FINISHED


def test_latent_features_are_not_counted_twice(tmp_path: Path) -> None:
    """Their window lies within that of an epoch, so a lost attempt is charged for the epoch only."""
    kept = recorder(tmp_path, stages=STAGES)
    kept.expect([plan()])
    kept.add_booking(booking(booked("latents", 0, 3.0), booked(Stage.CLASSIFIER_FROZEN, 1, 4.0)))
    kept.add(epoch(1, 1.0, of=plan(attempt=2), stage=Stage.ENCODER))

    assert kept.trials()[0].wasted_energy_j == 4.0
