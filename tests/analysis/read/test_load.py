"""Reading a study: finished, running, killed, broken."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.energy.totals import trial_energies
from analysis.errors import AnalysisError
from analysis.read.load import find_studies, load
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE
from study.record.vocabulary import EnergyMethod, TrialStatus
from tests.analysis.study_folder import (
    Trial,
    constant,
    epoch_records,
    epochs_of,
    grid,
    write_study,
)

SETUPS = grid([64], [0.1, 0.01])
TRIALS = [
    Trial(setup=1, seed=0, attempts=[epochs_of([10.0, 12.0], [0.5, 0.6])]),
    Trial(setup=2, seed=0, attempts=[epochs_of([20.0, 24.0], [0.7, 0.8])]),
]


def write_results(folder: Path, *, cut_last_line: bool) -> None:
    """Write what Ray leaves behind for the trials of `folder`: one result.json each."""
    manifest = load(folder).manifest
    for trial, facts in zip(TRIALS, SETUPS, strict=True):
        rows = epoch_records(trial, facts, manifest, EnergyMethod.SAMPLED)
        # Tune puts its own identifier in the place of ours, which stays in the configuration.
        lines = [
            json.dumps({**row.to_row(), "trial_id": "5e1f_0", "config": {"trial_id": row.trial_id}})
            for row in rows
        ]
        text = "\n".join(lines) + "\n"
        place = folder / trial.trial_id
        place.mkdir()
        (place / "result.json").write_text(text[:-40] if cut_last_line else text)


def test_a_finished_study_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every row that was written is read, with its energies, and nothing is said to be missing."""
    study = load(write_study(tmp_path / "a", SETUPS, TRIALS))

    assert list(study.epochs["epoch_energy_j"]) == [10.0, 12.0, 20.0, 24.0]
    assert list(study.trials["trial_id"]) == ["setup01_seed0", "setup02_seed0"]
    assert study.notes == ()


def test_rays_result_files_take_the_place_of_missing_tables(tmp_path: Path) -> None:
    """A killed study without tables has the same energies as the finished one, and says whence."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    whole = load(folder)
    write_results(folder, cut_last_line=False)
    (folder / EPOCHS_FILE).unlink()
    (folder / TRIALS_FILE).unlink()

    study = load(folder)

    def totals(epochs: pd.DataFrame, trials: pd.DataFrame) -> list[float | None]:
        return [trial.energy_j for trial in trial_energies(epochs, trials)]

    assert totals(whole.epochs, whole.trials) == totals(study.epochs, study.trials)
    assert "4 epochs came from Ray's result.json files" in " ".join(study.notes)
    assert "trials.parquet is missing" in " ".join(study.notes)


def test_of_a_lost_attempt_without_a_reading_it_is_not_known_what_it_wasted(tmp_path: Path) -> None:
    """Also where trials are put together from their epochs."""
    kept = epochs_of([3.0], [0.6])
    trials = [
        Trial(setup=1, seed=seed, attempts=[epochs_of([lost_j], [0.5]), kept])
        for seed, lost_j in enumerate((8.0, None))
    ]
    folder = write_study(tmp_path / "a", SETUPS, trials)
    (folder / TRIALS_FILE).unlink()

    known, unknown = load(folder).trials["wasted_energy_j"]

    assert known == 8.0
    assert pd.isna(unknown)


def test_a_cut_off_last_line_is_left_out_and_said(tmp_path: Path) -> None:
    """The epochs before a torn line count; their trial is not taken for finished."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    write_results(folder, cut_last_line=True)
    (folder / EPOCHS_FILE).unlink()
    (folder / TRIALS_FILE).unlink()

    study = load(folder)

    assert list(study.epochs["epoch_energy_j"]) == [10.0, 20.0]
    assert {TrialStatus.RUNNING.value} == set(study.trials["status"])
    assert "setup01_seed0/result.json: 1 line could not be read" in study.notes


def test_a_running_study_is_read_from_tables_and_result_files(tmp_path: Path) -> None:
    """An epoch that is in both counts once; one that is only in Ray's file counts too."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS, manifest={"status": "running"})
    write_results(folder, cut_last_line=False)
    first = pd.read_parquet(folder / EPOCHS_FILE).iloc[:1]
    first.to_parquet(folder / EPOCHS_FILE)

    study = load(folder)

    assert list(study.epochs["epoch_energy_j"]) == [10.0, 12.0, 20.0, 24.0]


def test_of_two_rows_of_one_epoch_the_last_counts(tmp_path: Path) -> None:
    """An epoch that was reported twice in one attempt is not charged twice."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    rows = pd.read_parquet(folder / EPOCHS_FILE)
    again = rows.iloc[:1].assign(epoch_energy_j=11.0)
    pd.concat([rows, again]).to_parquet(folder / EPOCHS_FILE)

    study = load(folder)

    assert list(study.epochs["epoch_energy_j"]) == [12.0, 20.0, 24.0, 11.0]


def test_a_study_without_an_epoch_says_so(tmp_path: Path) -> None:
    """No finished epoch is a note, not an error."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    (folder / EPOCHS_FILE).unlink()
    (folder / TRIALS_FILE).unlink()

    study = load(folder)

    assert study.epochs.empty
    assert "no epoch has finished" in " ".join(study.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not the manifest of a study"),
        ('{"schema_version": 99}', "99"),
        ('{"schema_version": 2}', "incomplete"),
        ("[]", "list"),
    ],
)
def test_a_broken_manifest_is_refused_with_its_path(tmp_path: Path, text: str, said: str) -> None:
    """Not JSON, another version, not whole: the message has the path and what was got."""
    (tmp_path / MANIFEST_FILE).write_text(text)

    with pytest.raises(AnalysisError) as caught:
        load(tmp_path)

    assert said in str(caught.value)
    assert str(tmp_path / MANIFEST_FILE) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing"])
def test_a_cut_off_table_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    """A file that is not parquet is named."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    (folder / EPOCHS_FILE).write_bytes(content)

    with pytest.raises(AnalysisError, match=EPOCHS_FILE):
        load(folder)


def test_a_table_of_another_version_names_the_columns_that_it_lacks(tmp_path: Path) -> None:
    """A missing column is an error, never a column of nothing."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    pd.read_parquet(folder / EPOCHS_FILE).drop(columns="coverage").to_parquet(folder / EPOCHS_FILE)

    with pytest.raises(AnalysisError, match="lacks coverage"):
        load(folder)


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [(TRIALS_FILE, "status", "asleep"), (EPOCHS_FILE, "epoch_energy_j", "much")],
)
def test_a_value_that_does_not_belong_is_refused(
    tmp_path: Path, file: str, column: str, value: str
) -> None:
    """An unknown word or a word for a number is an error with the file and the value."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    pd.read_parquet(folder / file).assign(**{column: value}).to_parquet(folder / file)

    with pytest.raises(AnalysisError, match=f"{file}.*{value}"):
        load(folder)


def test_a_folder_with_one_study_stands_for_it(tmp_path: Path) -> None:
    """`results` is enough where it holds one study."""
    folder = write_study(tmp_path / "results" / "a", SETUPS, TRIALS)

    assert (folder,) == find_studies([tmp_path / "results"])


def test_a_folder_with_two_studies_must_be_told_apart(tmp_path: Path) -> None:
    """The message names both."""
    for name in ("one", "two"):
        write_study(tmp_path / name, SETUPS, [constant(1, 1.0, 0.5)])

    with pytest.raises(AnalysisError, match="one, two"):
        find_studies([tmp_path])


@pytest.mark.parametrize("name", ["empty", "absent", "file"])
def test_what_is_no_study_is_refused(tmp_path: Path, name: str) -> None:
    """An empty folder, none at all, a file: the message has the path and what is wanted."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(AnalysisError, match=f"{name}.*results/<name>"):
        find_studies([tmp_path / name])


def test_words_of_a_table_command_no_terminal(tmp_path: Path) -> None:
    """The folder may be somebody else's, and names of its boards are printed."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    rows = pd.read_parquet(folder / EPOCHS_FILE)
    rows["device_name"] = "\x1b[31mboard\x07"
    rows.to_parquet(folder / EPOCHS_FILE)

    assert set(load(folder).epochs["device_name"]) == {"[31mboard"}


@pytest.mark.parametrize("above", ["seed=3", "learning_rate=0.1", "val_score=best", "run=7"])
def test_a_folder_called_like_a_column_changes_nothing(tmp_path: Path, above: str) -> None:
    """Arrow would take the name of a folder above for a column, be it one of ours or a new one."""
    plain = load(write_study(tmp_path / "a", SETUPS, TRIALS))

    study = load(write_study(tmp_path / above / "a", SETUPS, TRIALS))

    pd.testing.assert_frame_equal(study.epochs, plain.epochs)
    pd.testing.assert_frame_equal(study.trials, plain.trials)


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a column of ours as its index."""
    return frame.set_index("trial_id")


def sorted_otherwise(frame: pd.DataFrame) -> pd.DataFrame:
    """The table in another order, which leaves an index without a name, and with a column of the user's."""
    return frame.iloc[::-1].assign(note="mine")


@pytest.mark.parametrize("change", [with_index, sorted_otherwise])
def test_tables_that_pandas_wrote_again_are_read(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """What it calls an index is a column like others."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    for name in (EPOCHS_FILE, TRIALS_FILE):
        change(pd.read_parquet(folder / name)).to_parquet(folder / name)

    study = load(folder)

    assert sorted(study.epochs["epoch_energy_j"]) == [10.0, 12.0, 20.0, 24.0]
    assert set(study.trials["trial_id"]) == {"setup01_seed0", "setup02_seed0"}


def test_a_number_that_is_infinite_is_missing(tmp_path: Path) -> None:
    """No record has one; a sum with it would say nothing."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    rows = pd.read_parquet(folder / EPOCHS_FILE)
    rows.loc[0, ["epoch_energy_j", "val_loss"]] = float("inf")
    rows.to_parquet(folder / EPOCHS_FILE)

    study = load(folder)

    assert study.epochs["epoch_energy_j"].isna().tolist() == [True, False, False, False]


def test_a_word_that_is_missing_is_none(tmp_path: Path) -> None:
    """Also in a column where others are there: a word is text or None, never a number."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    rows = pd.read_parquet(folder / EPOCHS_FILE)
    rows["test_metrics"] = [None, *["{}"] * (len(rows) - 1)]
    rows.to_parquet(folder / EPOCHS_FILE)

    words = load(folder).epochs["test_metrics"]

    assert words.tolist() == [None, *["{}"] * (len(rows) - 1)]


def test_a_manifest_from_an_editor_of_windows_is_read(tmp_path: Path) -> None:
    """It puts a mark before the text, and ends lines in its own way."""
    folder = write_study(tmp_path / "a", SETUPS, TRIALS)
    path = folder / MANIFEST_FILE
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert load(folder).manifest.study == "a"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("val_accuracy", "val_accuracy was renamed to val_score in version 0.2"),
        (
            ["epoch", "val_accuracy_identity"],
            "val_accuracy_identity moved to val_metrics in version 0.2, as identity/accuracy",
        ),
    ],
)
def test_a_column_of_an_earlier_version_is_answered(
    tmp_path: Path, asked: str | list[str], told: str
) -> None:
    """With what it is called now; any other one as pandas does."""
    epochs = load(write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, 1.0, 0.5)])).epochs

    with pytest.raises(KeyError) as raised:
        epochs[asked]

    assert raised.value.args == (told,)
    with pytest.raises(KeyError, match="nothing"):
        epochs["nothing"]
    assert type(epochs[epochs["epoch"] > 0]) is pd.DataFrame
