"""Energy budget of a grid study."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.record.vocabulary import TEST, EnergyMethod, StopReason
from study.repeats.spending import Spending
from tests.study.repeats.test_further import lab, options_with, recorder_in
from tests.study.rows import booked, epoch, plan
from tests.study.store.recorders import booking, windows_of


def test_a_trial_ends_with_the_epoch_that_uses_up_the_budget(tmp_path: Path) -> None:
    """The same epoch reported again has no effect."""
    recorder = recorder_in(tmp_path)
    trial = plan(1)
    [trial] = recorder.expect([trial])
    spending = Spending(25.0, recorder)
    spending.begin(trial.trial_id)
    reasons = []
    for number in (1, 2, 3):
        row = epoch(number, 10.0, 0.5, of=trial)
        reasons.append(spending.epoch(row))
        recorder.add(row)

    assert reasons == [None, None, StopReason.STOPPED]
    assert spending.epoch(epoch(3, 10.0, 0.5, of=trial)) is None
    assert spending.spent_j == 30.0


def test_all_energy_of_a_trial_is_spent(tmp_path: Path) -> None:
    """45 J of an attempt, with set-up, pauses and test, are added to 25 J of a lost one."""
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


def test_an_epoch_that_exactly_uses_up_the_budget_ends_the_trial(tmp_path: Path) -> None:
    """An epoch without an energy uses nothing; the trial is listed as stopped."""
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


def test_a_study_without_any_epoch_has_room_for_a_trial(tmp_path: Path) -> None:
    """The energy of an epoch is unknown then, so a trial begins however small the budget is."""
    assert Spending(0.5, recorder_in(tmp_path)).has_room


def test_an_epoch_that_ends_its_stage_is_not_stopped_by_the_budget(tmp_path: Path) -> None:
    """Its row keeps its own stop reason."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    spending = Spending(5.0, recorder)
    spending.begin(trial.trial_id)

    assert spending.epoch(epoch(1, 10.0, of=trial, stop=StopReason.PATIENCE)) is None


def test_no_trial_begins_without_enough_energy_left(tmp_path: Path) -> None:
    """Energy for the costliest epoch so far must be left, in addition to that of running trials."""
    study = lab(tmp_path, options_with(energy_budget_wh=250 / 3600))
    first = study.propose()
    row = epoch(1, 100.0, of=first)
    study.repeats.spending.epoch(row)
    study.end(first, 100.0)

    second = study.propose()
    third = study.repeats.propose()

    assert second.trial_id != first.trial_id
    assert third is None
    assert study.repeats.is_waiting


def test_a_study_that_its_budget_ended_says_so(tmp_path: Path) -> None:
    """It expects no more trials than have begun; with a larger budget it continues."""
    study = lab(tmp_path, options_with(energy_budget_wh=50 / 3600))
    first = study.propose()
    study.repeats.spending.epoch(epoch(1, 100.0, of=first))
    study.end(first, 100.0)

    second = study.repeats.propose()

    assert second is None
    assert not study.repeats.is_waiting
    assert study.repeats.expected == 1
    assert study.repeats.is_cut_short
    assert (
        "The energy budget of 13.9 mWh has ended the study: 27.8 mWh were used"
        in study.repeats.spending.sentence
    )
    again = lab(tmp_path, options_with(energy_budget_wh=1.0), recorder=study.recorder)
    assert len(again.repeats.remaining) == 3


def test_estimates_and_missing_energies_are_marked_on_a_bill(
    tmp_path: Path,
) -> None:
    """An estimate is labelled, and a missing energy makes the sum a lower bound."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    recorder.add(epoch(1, 36.0, of=trial, energy_method=EnergyMethod.ESTIMATED))
    recorder.add(epoch(2, None, of=trial))

    assert "more than 10.0 mWh estimated were used" in Spending(36.0, recorder).sentence


def test_an_unmeasured_lost_attempt_makes_the_bill_a_lower_bound(tmp_path: Path) -> None:
    """Its energy is not known."""
    recorder = recorder_in(tmp_path)
    recorder.expect([plan(1)])
    recorder.add(epoch(1, 36.0, of=plan(1, attempt=2)))

    assert "more than 10.0 mWh were used" in Spending(36.0, recorder).sentence


def test_a_stopped_trial_resumes_with_a_larger_budget(tmp_path: Path) -> None:
    """It resumes as a further attempt."""
    study = lab(tmp_path, options_with(energy_budget_wh=50 / 3600))
    first = study.propose()
    study.recorder.add(epoch(1, 100.0, of=first, stop=StopReason.STOPPED))

    again = lab(tmp_path, options_with(energy_budget_wh=1.0), recorder=study.recorder)

    assert {p.trial_id: p.attempt for p in again.repeats.remaining}[first.trial_id] == 2


def test_a_grid_within_its_budget_ends_without_a_message(tmp_path: Path) -> None:
    """Nothing is said about further repeats, which were not requested."""
    study = lab(tmp_path, options_with(energy_budget_wh=1000.0))
    study.run(slots=4)
    study.first(100.0, 140.0, 110.0, 130.0)

    assert study.repeats.propose() is None
    assert not study.repeats.is_waiting
    assert study.repeats.expected == 4
    assert not study.repeats.is_cut_short
    assert study.messages == []
