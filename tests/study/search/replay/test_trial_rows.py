"""Trials of a search in a table: resumed, repeated and stopped ones."""

import pandas as pd
import pytest

from study.errors import OptionError
from study.search.replay.table import table_of
from tests.study.replayed import rows_of


def test_a_training_that_a_search_stopped_is_left_out() -> None:
    """Its further course is not known; the table counts what it leaves out."""
    rows = rows_of({(8, 0.1): [([0.5, 0.6], 1.0)], (8, 0.2): [([0.5, 0.6], 1.0)]})
    rows["trial_id"] = ["a", "a", "b", "b"]
    rows["stop_reason"] = [None, "stopped", None, "patience"]

    table = table_of(rows, name="search")

    assert list(table.recordings) == [(8, 0.2)]
    assert table.left_out == 1


def search_rows(*attempts: list[tuple[str, int, str | None]]) -> pd.DataFrame:
    """Return rows of one trial, from the stage, epoch and stop reason of each epoch by attempt."""
    places = [(number, *each) for number, many in enumerate(attempts, start=1) for each in many]
    rows = rows_of({(8, 0.1): [([0.1 * at for at in range(len(places))], 1.0)]})
    columns = ["attempt", "stage", "epoch", "stop_reason"]
    rows[columns] = pd.DataFrame(places, columns=columns)
    return rows.assign(trial_id="a", paradigm="search")


BEGINNING: list[tuple[str, int, str | None]] = [("s", 1, None), ("s", 2, None)]


@pytest.mark.parametrize("reason", [None, "stopped"])
def test_a_resumed_training_of_a_search_is_one_training(reason: str | None) -> None:
    """Epochs before the checkpoint count, whether the search paused the training or was interrupted."""
    rows = search_rows(
        [*BEGINNING, ("s", 3, reason)],
        [("s", 4, None), ("s", 5, None), ("s", 6, "patience")],
    )

    table = table_of(rows, name="search")

    (recording,) = table.recordings[8, 0.1]
    assert [each.score for each in recording.epochs] == list(rows["val_score"])
    assert (recording.lost, table.left_out) == ((), 0)


def test_epochs_that_were_trained_again_count_as_lost() -> None:
    """The second attempt resumes in the second stage, from before its last epoch."""
    rows = search_rows(
        [*BEGINNING, ("t", 1, None), ("t", 2, None)], [("t", 2, None), ("t", 3, "patience")]
    )

    (recording,) = table_of(rows, name="search").recordings[8, 0.1]

    scores = list(rows["val_score"])
    assert [each.score for each in recording.epochs] == [*scores[:3], *scores[4:]]
    assert [each.score for each in recording.lost] == scores[3:4]


def test_a_resumed_training_that_was_stopped_again_is_left_out() -> None:
    """The stop reason of its last row decides."""
    whole = rows_of({(8, 0.2): [([0.5], 1.0)]}).assign(
        trial_id="b", paradigm="search", attempt=1, stage="s", stop_reason="patience"
    )
    paused = search_rows([*BEGINNING], [("s", 3, None), ("s", 4, "stopped")])

    table = table_of(pd.concat([paused, whole]), name="search")

    assert (list(table.recordings), table.left_out) == ([(8, 0.2)], 1)


def test_a_trial_of_a_search_that_is_there_twice_is_refused() -> None:
    """Its epochs would be those of one long training."""
    rows = search_rows([*BEGINNING, ("s", 3, "patience")])

    with pytest.raises(OptionError, match="twice"):
        table_of(pd.concat([rows, rows]), name="two")


def test_trials_of_several_studies_are_told_apart() -> None:
    """Trials of two studies may have the same name; only the complete one is kept."""
    rows = rows_of({(8, 0.1): [([0.5, 0.6], 1.0)], (8, 0.2): [([0.5, 0.6, 0.7], 1.0)]})
    rows["trial_id"] = "setup01-seed0"
    rows["study"] = ["a", "a", "b", "b", "b"]
    rows["stop_reason"] = [None, "stopped", None, None, "patience"]

    table = table_of(rows, name="two studies")

    assert list(table.recordings) == [(8, 0.2)]
    assert table.left_out == 1
