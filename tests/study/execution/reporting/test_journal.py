"""Journals of a trial's rows in the study's folder, in case no driver receives them."""

from pathlib import Path

from study.execution.reporting.journal import Journal, Journals
from study.store.folder import StudyFolder
from tests.study.rows import epoch, plan


def test_rows_that_no_driver_received_are_found(tmp_path: Path) -> None:
    """A driver that was killed had not written them to a table."""
    folder = StudyFolder(str(tmp_path), "a")
    journal = Journal(folder, plan().trial_id, attempt=1)
    rows = [epoch(1, 2.0), epoch(2, 3.0)]

    for row in rows:
        journal.keep({**row.to_row(), "accuracy": 0.5})

    assert list(Journals(folder).rows()) == rows
    assert list(Journals(folder).rows(plan().trial_id)) == rows
    assert list(Journals(folder).rows(plan(2).trial_id)) == []


def test_an_incomplete_line_is_left_out(tmp_path: Path) -> None:
    """The trial was killed while it wrote the line."""
    folder = StudyFolder(str(tmp_path), "a")
    journal = Journal(folder, plan().trial_id, attempt=1)
    journal.keep(epoch(1, 2.0).to_row())
    journal.keep(epoch(2, 2.0).to_row())
    (file,) = (tmp_path / "a").glob("*/*.jsonl")

    file.write_bytes(file.read_bytes()[:-40])

    assert [each.epoch for each in Journals(folder).rows()] == [1]


def test_journals_are_removed_once_the_tables_have_their_rows(tmp_path: Path) -> None:
    """Only the journals of ended trials are removed."""
    folder = StudyFolder(str(tmp_path), "a")
    for trial in (plan(1), plan(2)):
        Journal(folder, trial.trial_id, attempt=1).keep(epoch(1, 2.0, of=trial).to_row())
    journals = Journals(folder)

    journals.ended(plan(1).trial_id)
    journals.written()

    assert {each.trial_id for each in journals.rows()} == {plan(2).trial_id}


def test_an_unusable_folder_costs_only_the_journal(tmp_path: Path) -> None:
    """Neither the trial nor the driver fails without it."""
    (tmp_path / "a").write_text("in the way")
    folder = StudyFolder(str(tmp_path), "a")

    Journal(folder, plan().trial_id, attempt=1).keep(epoch(1, 2.0).to_row())
    Journals(folder).ended(plan().trial_id)
    Journals(folder).written()

    assert list(Journals(folder).rows()) == []
