"""The energy budget of a study of a grid."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.record.vocabulary import TEST, EnergyMethod, StopReason
from study.repeats.spending import Spending
from tests.study.repeats.test_further import asked, lab, recorder_in
from tests.study.rows import booked, epoch, plan
from tests.study.store.recorders import booking, windows_of


def test_a_trial_ends_with_the_epoch_that_uses_the_budget_up(tmp_path: Path) -> None:
    """Those before go on; the same epoch reported once more decides nothing."""
    recorder = recorder_in(tmp_path)
    trial = plan(1)
    [trial] = recorder.expect([trial])
    spending = Spending(25.0, recorder)
    spending.begin(trial.trial_id)
    said = []
    for number in (1, 2, 3):
        row = epoch(number, 10.0, 0.5, of=trial)
        said.append(spending.epoch(row))
        recorder.add(row)

    assert said == [None, None, StopReason.STOPPED]
    assert spending.epoch(epoch(3, 10.0, 0.5, of=trial)) is None
    assert spending.spent_j == 30.0


def test_all_that_a_trial_used_is_on_the_bill(tmp_path: Path) -> None:
    """45 J of an attempt with set-up, pauses and a test, and 25 J of one before that was lost."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    again = replace(trial, attempt=2)
    spending = Spending(100.0, recorder)
    spending.begin(trial.trial_id)
    for number in (1, 2):
        recorder.add(epoch(number, 10.0, of=trial))
        recorder.add(epoch(number, 15.0, of=again))

    recorder.add_booking(booking(*windows_of(trial, 25.0, 2.0, 10.0, 10.0)))
    recorder.add_booking(
        booking(*windows_of(again, 45.0, 7.0, 15.0, 15.0), booked(TEST, 2, 3.0, of=again))
    )

    assert spending.spent_j == pytest.approx(70.0)
    assert Spending(100.0, recorder).spent_j == pytest.approx(70.0)


def test_the_epoch_that_uses_up_the_last_joule_is_the_last(tmp_path: Path) -> None:
    """Nothing is left then; an epoch without an energy uses nothing, and the trial is named."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    spending = Spending(0.5, recorder)
    spending.begin(trial.trial_id)
    is_first = spending.is_before_first_epoch(trial.trial_id)

    unknown = spending.epoch(epoch(1, None, of=trial))
    recorder.add(epoch(1, None, of=trial))
    known = spending.epoch(epoch(2, 0.5, of=trial))

    assert (is_first, spending.is_before_first_epoch(trial.trial_id)) == (True, False)
    assert (unknown, known) == (None, StopReason.STOPPED)
    assert spending.stopped == {trial.trial_id}


def test_before_the_first_epoch_nobody_knows_what_one_takes(tmp_path: Path) -> None:
    """So that a trial begins, however little may be used."""
    assert Spending(0.5, recorder_in(tmp_path)).has_room


def test_a_stage_that_has_ended_by_itself_keeps_its_result(tmp_path: Path) -> None:
    """Its last row says why it ended."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    spending = Spending(5.0, recorder)
    spending.begin(trial.trial_id)

    assert spending.epoch(epoch(1, 10.0, of=trial, stop=StopReason.PATIENCE)) is None


def test_no_trial_begins_for_which_nothing_is_left(tmp_path: Path) -> None:
    """One epoch as dear as the dearest must be left, beside those of what runs."""
    study = lab(tmp_path, asked(energy_budget_wh=250 / 3600))
    first = study.propose()
    row = epoch(1, 100.0, of=first)
    study.repeats.spending.epoch(row)
    study.end(first, 100.0)

    second = study.propose()
    third = study.repeats.propose()

    assert second.trial_id != first.trial_id
    assert third is None
    assert study.repeats.is_waiting


def test_a_study_that_its_budget_has_ended_says_so_and_is_over(tmp_path: Path) -> None:
    """Its trials are those that were begun; a larger budget goes on."""
    study = lab(tmp_path, asked(energy_budget_wh=50 / 3600))
    first = study.propose()
    study.repeats.spending.epoch(epoch(1, 100.0, of=first))
    study.end(first, 100.0)

    nothing = study.repeats.propose()

    assert nothing is None
    assert not study.repeats.is_waiting
    assert study.repeats.expected == 1
    assert study.repeats.is_cut_short
    assert (
        "The energy budget of 13.9 mWh has ended the study: 27.8 mWh were used"
        in study.repeats.spending.sentence
    )
    again = lab(tmp_path, asked(energy_budget_wh=1.0), recorder=study.recorder)
    assert len(again.repeats.remaining) == 3


def test_a_bill_of_estimates_says_so_and_is_a_bound_where_something_is_missing(
    tmp_path: Path,
) -> None:
    """As everywhere else that an energy is shown."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    recorder.add(epoch(1, 36.0, of=trial, energy_method=EnergyMethod.ESTIMATED))
    recorder.add(epoch(2, None, of=trial))

    assert "more than 10.0 mWh estimated were used" in Spending(36.0, recorder).sentence


def test_a_bill_with_a_lost_attempt_that_nobody_read_is_a_bound(tmp_path: Path) -> None:
    """What it used is not known."""
    recorder = recorder_in(tmp_path)
    recorder.expect([plan(1)])
    recorder.add(epoch(1, 36.0, of=plan(1, attempt=2)))

    assert "more than 10.0 mWh were used" in Spending(36.0, recorder).sentence


def test_a_stopped_trial_goes_on_with_a_larger_budget(tmp_path: Path) -> None:
    """As a further attempt."""
    study = lab(tmp_path, asked(energy_budget_wh=50 / 3600))
    first = study.propose()
    study.recorder.add(epoch(1, 100.0, of=first, stop=StopReason.STOPPED))

    again = lab(tmp_path, asked(energy_budget_wh=1.0), recorder=study.recorder)

    assert {p.trial_id: p.attempt for p in again.repeats.remaining}[first.trial_id] == 2


def test_a_grid_without_a_budget_ends_when_all_are_trained(tmp_path: Path) -> None:
    """Without a word about further repeats, which nobody asked for."""
    study = lab(tmp_path, asked(energy_budget_wh=1000.0))
    study.run(slots=4)
    study.first(100.0, 140.0, 110.0, 130.0)

    assert study.repeats.propose() is None
    assert not study.repeats.is_waiting
    assert study.repeats.expected == 4
    assert not study.repeats.is_cut_short
    assert study.said == []
