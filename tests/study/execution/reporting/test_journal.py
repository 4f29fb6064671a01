"""Rows that a trial keeps in the study's folder, for who may not have heard of them."""

from pathlib import Path

from study.execution.reporting.journal import Journal, Journals
from study.store.folder import StudyFolder
from tests.study.rows import epoch, plan


def test_rows_are_found_that_no_driver_has_heard_of(tmp_path: Path) -> None:
    """A driver that is killed had them in no table."""
    folder = StudyFolder(str(tmp_path), "a")
    journal = Journal(folder, plan().trial_id, attempt=1)
    rows = [epoch(1, 2.0), epoch(2, 3.0)]

    for row in rows:
        journal.keep({**row.to_row(), "accuracy": 0.5})

    assert list(Journals(folder).rows()) == rows
    assert list(Journals(folder).rows(plan().trial_id)) == rows
    assert list(Journals(folder).rows(plan(2).trial_id)) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    """The trial was killed while it wrote."""
    folder = StudyFolder(str(tmp_path), "a")
    journal = Journal(folder, plan().trial_id, attempt=1)
    journal.keep(epoch(1, 2.0).to_row())
    journal.keep(epoch(2, 2.0).to_row())
    (file,) = (tmp_path / "a").glob("*/*.jsonl")

    file.write_bytes(file.read_bytes()[:-40])

    assert [each.epoch for each in Journals(folder).rows()] == [1]


def test_journals_go_when_the_tables_have_their_rows(tmp_path: Path) -> None:
    """Those of trials that have ended, and no others."""
    folder = StudyFolder(str(tmp_path), "a")
    for trial in (plan(1), plan(2)):
        Journal(folder, trial.trial_id, attempt=1).keep(epoch(1, 2.0, of=trial).to_row())
    journals = Journals(folder)

    journals.ended(plan(1).trial_id)
    journals.written()

    assert {each.trial_id for each in journals.rows()} == {plan(2).trial_id}


def test_a_folder_that_is_away_costs_the_journal_only(tmp_path: Path) -> None:
    """A training goes on without, and a driver too."""
    (tmp_path / "a").write_text("in the way")
    folder = StudyFolder(str(tmp_path), "a")

    Journal(folder, plan().trial_id, attempt=1).keep(epoch(1, 2.0).to_row())
    Journals(folder).ended(plan().trial_id)
    Journals(folder).written()

    assert list(Journals(folder).rows()) == []
