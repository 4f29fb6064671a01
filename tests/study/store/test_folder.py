"""The study's folder: files are written atomically and typed on any storage; unusable places are refused."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.errors import StorageError
from study.record.bookings import PowerRecord
from study.record.records import EpochRecord, TrialRecord
from study.store.folder import BATCH_ROWS, StudyFolder, written_at_last
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import epoch

Place = Callable[[Path], str]
PLACES: dict[str, Place] = {
    "path": str,
    "uri": lambda path: path.as_uri(),
    "another file system": lambda path: f"fsspec+file://{path}",
}


@pytest.fixture(params=list(PLACES))
def results_dir(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A results folder, as `--results-dir` names it."""
    return PLACES[request.param](tmp_path / "results")


def left_over(tmp_path: Path) -> list[str]:
    """Names of temporary files left beside the finished ones."""
    return [path.name for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_study_is_written_and_read_anywhere(results_dir: str, tmp_path: Path) -> None:
    """Manifest, tables and parts round-trip through a path and a URI alike, and leave no temporary files."""
    folder = StudyFolder(results_dir, "a")
    rows = [epoch(1).to_row(), epoch(2, None).to_row()]
    before = folder.exists()

    folder.prepare()
    folder.write_text("study.json", MANIFEST.to_json())
    folder.write_rows("epochs.parquet", EpochRecord, rows)
    folder.write_rows("power.parquet/part-1.parquet", PowerRecord, [])

    again = StudyFolder(results_dir, "a")
    assert (before, again.exists()) == (False, True)
    assert again.read_manifest() == MANIFEST
    assert rows == again.read_rows("epochs.parquet")
    assert pq.read_table(tmp_path / "results/a/power.parquet").num_rows == 0
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("place", "is_local"), [("path", True), ("uri", True), ("another file system", False)]
)
def test_local_places_are_known_as_local(place: str, is_local: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Ray gets a plain path for a local folder, and the URI for any other."""
    results_dir = PLACES[place](tmp_path)

    folder = StudyFolder(results_dir, "a")

    assert is_local == folder.is_local
    assert folder.storage_path == (str(tmp_path) if is_local else results_dir)
    assert folder.path == f"{tmp_path}/a"


def test_a_relative_path_with_special_characters_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Characters that would have a meaning in a URI have none in a path."""
    monkeypatch.chdir(tmp_path)
    folder = StudyFolder("my results #1?", "a")

    folder.prepare()

    assert (tmp_path / "my results #1?" / "a").is_dir()


def test_a_file_is_replaced_whole(results_dir: str, tmp_path: Path) -> None:
    """A write that fails leaves the old file in place, and what remains of it does not disturb readers."""
    folder = StudyFolder(results_dir, "a")
    power = "power.parquet/part-1.parquet"
    folder.write_rows(power, PowerRecord, [])
    folder.write_text("note.txt", "old")
    rows = [{"node": "n", "unix_time_s": "not a number"}]

    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        folder.write_rows("power.parquet/part-2.parquet", PowerRecord, rows)
    with pytest.raises(UnicodeEncodeError):
        folder.write_text("note.txt", "half \ud800")
    after_failure = (tmp_path / "results/a/note.txt").read_text()
    folder.write_text("note.txt", "new")

    assert after_failure == "old"
    assert (tmp_path / "results/a/note.txt").read_text() == "new"
    assert list(pd.read_parquet(tmp_path / "results/a/power.parquet").columns)


NUMBERS = {"attempt": pa.int64(), "val_loss": pa.float64(), "peak_memory_bytes": pa.int64()}


@pytest.mark.parametrize("rows", [[], [epoch(1, None, None, val_loss=None).to_row()]])
def test_columns_have_their_types_without_values(
    rows: list[dict[str, object]], tmp_path: Path
) -> None:
    """A table with no rows or only missing values has the same schema as any other."""
    folder = StudyFolder(str(tmp_path), "a")

    folder.write_rows("epochs.parquet", EpochRecord, rows)

    schema = pq.read_schema(tmp_path / "a/epochs.parquet")
    assert schema.names == [*EpochRecord.__dataclass_fields__]
    assert {name: schema.field(name).type for name in NUMBERS} == NUMBERS
    assert schema.field("stop_reason").type == pa.string()
    assert schema.field("energy_j").type == pa.float64()


def test_csv_has_its_header_without_rows(tmp_path: Path) -> None:
    """`trials.csv` has its columns from the start."""
    folder = StudyFolder(str(tmp_path), "a")

    folder.write_csv("trials.csv", TrialRecord, [])

    table = pd.read_csv(tmp_path / "a/trials.csv")
    assert [*TrialRecord.__dataclass_fields__] == [*table.columns]


def test_csv_keeps_whole_numbers_whole(tmp_path: Path) -> None:
    """A missing value leaves a field empty and does not turn the column's integers into floats."""
    folder = StudyFolder(str(tmp_path), "a")
    rows = [epoch(1, peak_memory_bytes=7).to_row(), epoch(2).to_row()]

    folder.write_csv("epochs.csv", EpochRecord, rows)

    table = pd.read_csv(tmp_path / "a/epochs.csv", dtype=str, keep_default_na=False)
    assert [*table["peak_memory_bytes"]] == ["7", ""]
    assert [*table["learning_rate"]] == ["0.1", "0.1"]


def test_a_table_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    """A new study has nothing to resume from."""
    assert StudyFolder(str(tmp_path), "a").read_rows("epochs.parquet") == []


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where the folder should be: the message names the place and the remedy."""
    (tmp_path / "results").write_text("in the way")
    folder = StudyFolder(str(tmp_path / "results"), "a")

    with pytest.raises(StorageError, match=r"results/a cannot be used: .*--results-dir takes"):
        folder.prepare()


@pytest.mark.parametrize("place", ["pigeon://loft", "file:///with space"])
def test_an_unknown_or_malformed_uri_is_refused(place: str) -> None:
    """The message names the URI and what is allowed."""
    with pytest.raises(StorageError, match=f"{place} cannot be used: .*or a URI such as s3://"):
        StudyFolder(place, "a")


@pytest.mark.parametrize("place", ["s3://", "s3:///folder"])
def test_a_uri_without_a_bucket_is_refused(place: str) -> None:
    """Arrow would accept such a URI as a path and fail only when it writes (as in ray#42968)."""
    with pytest.raises(StorageError, match=f"{place} cannot be used: .*bucket"):
        StudyFolder(place, "a")


@pytest.mark.parametrize("text", [None, "", "{}", '{"schema_version": 99}', "\udcff"])
def test_a_manifest_that_cannot_be_read_is_refused(text: str | None, tmp_path: Path) -> None:
    """A manifest that is absent, empty, foreign or not text at all: the message names the file."""
    (tmp_path / "a").mkdir()
    if text is not None:
        (tmp_path / "a/study.json").write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(StorageError, match=r"a/study\.json cannot be used"):
        StudyFolder(str(tmp_path), "a").read_manifest()


def test_the_final_write_is_retried(tmp_path: Path) -> None:
    """It succeeds once the storage is back; if the storage stays away, it fails with an error."""
    folder = tmp_path / "s"
    folder.write_text("in the way")
    tries: list[int] = []

    def write() -> None:
        tries.append(len(tries))
        if len(tries) == 3:
            folder.unlink()
        StudyFolder(str(tmp_path), "s").write_text("note.txt", "whole")

    written_at_last("s", write, pauses_s=(0.0, 0.0))
    written = (folder / "note.txt").read_text()
    (folder / "note.txt").unlink()
    (folder / "note.txt" / "in the way").mkdir(parents=True)
    with pytest.raises(StorageError, match="could not be written"):
        written_at_last("s", write, pauses_s=(0.0, 0.0))

    assert (written, len(tries)) == ("whole", 6)


@pytest.mark.parametrize("parent", ["seed=3", "epoch=first", "run=7"])
def test_a_folder_named_like_a_column_changes_no_row(tmp_path: Path, parent: str) -> None:
    """Parent folders such as `seed=3` are not read as partition columns."""
    folder = StudyFolder(str(tmp_path / parent), "a")
    rows = [epoch(1).to_row()]

    folder.write_rows("epochs.parquet", EpochRecord, rows)

    assert rows == folder.read_rows("epochs.parquet")


@pytest.mark.parametrize("name", ["a b", "ü", "50%", "a%20b", "x#1", "what?", "[best]", "a&b;c"])
def test_a_place_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Spaces, letters of any alphabet, and characters with a meaning in a URI are allowed."""
    folder = StudyFolder(str(tmp_path / name), "a")

    folder.prepare()
    folder.write_text("study.json", "{}")

    assert folder.place == str(tmp_path / name / "a")
    assert (tmp_path / name / "a" / "study.json").read_text() == "{}"


def test_a_path_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """Neither Arrow nor Ray accepts a path in another encoding."""
    with pytest.raises(
        StorageError, match=r"by\\xe9te cannot be used: its name is not valid UTF-8"
    ):
        StudyFolder(f"{tmp_path}/by\udce9te", "a")


def test_a_large_table_is_written_in_batches(tmp_path: Path) -> None:
    """All rows of thousands of trials as dictionaries at once would take several times the table's memory."""
    row = PowerRecord(
        node="n",
        device_uuid="d",
        trial_id=None,
        attempt=None,
        stage=None,
        epoch=None,
        unix_time_s=0.0,
        power_w=1.0,
    )
    folder = StudyFolder(str(tmp_path), "a")

    folder.write_rows("p.parquet", PowerRecord, (row.to_row() for _ in range(BATCH_ROWS + 1)))

    written = pq.ParquetFile(tmp_path / "a" / "p.parquet")
    assert written.metadata.num_row_groups == 2
    assert written.metadata.num_rows == BATCH_ROWS + 1
    assert len(folder.read_rows("p.parquet")) == BATCH_ROWS + 1
