"""A study's folder on any storage: reading and writing of its files and tables.

The folder may be on anything that Ray accepts as storage: a path, a mount or a URI. A file is written whole
beside the old one and then moved into its place, so that readers never see half a file.
"""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from pyarrow import csv

from study.errors import StorageError
from study.record.files import MANIFEST_FILE
from study.record.manifest import Manifest
from study.record.migration import is_earlier, migrated_columns
from study.record.rows import Row, columns

_REFUSED = (OSError, pa.ArrowException)
"""Errors of a file system; for a path that it does not accept, Arrow raises its own exceptions."""

LOCK_FILE = ".lock"
"""File that names the command that holds the folder; see `study.store.lock`."""

BATCH_ROWS = 5_000
"""Number of rows that are converted for a file at once."""

PAUSES_S = (1.0, 5.0, 15.0, 20.0, 20.0)
"""Seconds between attempts to write the last results."""


@final
class StudyFolder:
    """A study's folder on any storage.

    Attributes:
        is_local: Whether it is in this machine's file system.
        storage_path: Path or URI of the folder above it, as Ray's `storage_path` takes it.
        path: Path of the study's folder within its file system.
        place: Path of the study's folder, or its URI if it is not local; for messages.
    """

    def __init__(self, results_dir: str, name: str) -> None:
        """Refer to the folder `name` in `results_dir`, a path or URI; nothing is written yet.

        Raises:
            StorageError: `results_dir` is not a usable path or URI.
        """
        try:
            self._files, root = pafs.FileSystem.from_uri(_uri(results_dir))
        except UnicodeError as error:
            raise _unusable(
                printable_path(results_dir), ValueError("its name is not valid UTF-8")
            ) from error
        except _REFUSED as error:
            raise _unusable(results_dir, error) from error
        self.is_local = isinstance(self._files, pafs.LocalFileSystem)
        if not (self.is_local or root.strip("/")):
            raise _unusable(results_dir, ValueError("it names no bucket"))
        self.storage_path = root if self.is_local else results_dir
        self.path = f"{root}/{name}"
        self.place = self.path if self.is_local else f"{results_dir.rstrip('/')}/{name}"
        self._made = False
        self._check: Callable[[], None] | None = None

    def checked_by(self, check: Callable[[], None] | None) -> None:
        """Call `check` before each write from now on; it raises to forbid the write. None for no check."""
        self._check = check

    def prepare(self) -> None:
        """Create the folder, and verify that files can be written into it.

        Raises:
            StorageError: Files cannot be written.
        """
        probe = f"{self.path}/.can-be-written"
        try:
            self._made = self._files.get_file_info(self.path).type == pafs.FileType.NotFound
            self._files.create_dir(self.path, recursive=True)
            with self._files.open_output_stream(probe) as file:
                file.write(b"")
            self._files.delete_file(probe)
        except _REFUSED as error:
            raise _unusable(self.path, error) from error

    def discard(self) -> None:
        """Delete the folder that `prepare` created, unless a study has been begun in it."""
        with suppress(OSError):
            if self._made and not (self._has(MANIFEST_FILE) or self._has(LOCK_FILE)):
                self._files.delete_dir(self.path)

    def exists(self) -> bool:
        """Return whether a study has been begun in the folder.

        Raises:
            StorageError: The storage cannot be read.
        """
        try:
            return self._has(MANIFEST_FILE)
        except _REFUSED as error:
            raise _unusable(self.path, error) from error

    def read_manifest(self) -> Manifest:
        """Return the manifest of the study in the folder.

        Raises:
            StorageError: There is no manifest that this version can read.
        """
        try:
            with self._files.open_input_stream(f"{self.path}/{MANIFEST_FILE}") as file:
                return Manifest.from_json(file.read().decode())
        except (OSError, ValueError) as error:
            place = f"{self.path}/{MANIFEST_FILE}"
            raise _unusable(place, error) from error

    def write_text(self, name: str, text: str) -> None:
        """Write a text file atomically: on failure the old one remains."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes | memoryview) -> None:
        """Write a file atomically: on failure the old one remains."""
        with self._replaced(name) as file:
            file.write(content)

    def write_unchecked(self, name: str, text: str) -> None:
        """Write a text file without the check of `checked_by`; for the lock, which provides that check."""
        with self._put_in_place(name) as file:
            file.write(text.encode())

    def append_text(self, name: str, text: str) -> None:
        """Append to a file, which is created if needed; object stores do not support this."""
        place = f"{self.path}/{name}"
        if not self._has(name):
            self._files.create_dir(place.rpartition("/")[0], recursive=True)
        with self._files.open_append_stream(place) as file:
            file.write(text.encode())

    def read_bytes(self, name: str) -> bytes | None:
        """Return a file's content; None if there is no such file."""
        if not self._has(name):
            return None
        with self._files.open_input_stream(f"{self.path}/{name}") as file:
            content: bytes = file.read()
        return content

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a subfolder; none if there is no such folder."""
        chosen = pafs.FileSelector(f"{self.path}/{folder}", allow_not_found=True)
        return [each.base_name for each in self._files.get_file_info(chosen)]

    def empty(self, name: str) -> None:
        """Delete the files in a subfolder."""
        for each in self.names(name):
            self.delete(f"{name}/{each}")

    def delete(self, name: str) -> None:
        """Delete a file; do nothing if it does not exist or the storage cannot be reached."""
        with suppress(OSError):
            self._files.delete_file(f"{self.path}/{name}")

    def write_rows(self, name: str, record: type[Row], rows: Iterable[dict[str, Any]]) -> None:
        """Write rows of a record type as a parquet file, with the type's columns even if there are no rows."""
        schema = _schema(record)
        with self._replaced(name) as file, pq.ParquetWriter(file, schema) as writer:
            for batch in _batches(rows, schema):
                writer.write_batch(batch)

    def write_csv(self, name: str, record: type[Row], rows: Iterable[dict[str, Any]]) -> None:
        """Write rows of a record type as a CSV file; a missing value is an empty field."""
        schema = _schema(record)
        with self._replaced(name) as file, csv.CSVWriter(file, schema) as writer:
            for batch in _batches(rows, schema):
                writer.write_batch(batch)

    def read_rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a parquet file of this version or of 0.1; none if there is no such file."""
        return list(self.each_row(name))

    def each_row(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of `read_rows` one by one, so that a large study need not fit in memory as dicts."""
        if not self._has(name):
            return
        # No partitioning: a parent folder named `seed=3` must not become a column.
        table = pq.read_table(f"{self.path}/{name}", filesystem=self._files, partitioning=None)
        if not is_earlier(table.column_names):
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                yield from batch.to_pylist()
            return
        migrated = migrated_columns(table.to_pydict())
        for values in zip(*migrated.values(), strict=True):
            yield dict(zip(migrated, values, strict=True))

    def replace_words(self, name: str, column: str, words: Mapping[str, str]) -> None:
        """Replace values in a text column of a parquet file; the file is rewritten only if it has any of them."""
        table = pq.read_table(f"{self.path}/{name}", filesystem=self._files, partitioning=None)
        told = table[column].to_pylist()
        if words.keys().isdisjoint(told):
            return
        replaced = pa.array([words.get(each, each) for each in told], pa.string())
        with self._replaced(name) as file:
            place = table.column_names.index(column)
            pq.write_table(table.set_column(place, column, replaced), file)

    @contextmanager
    def _replaced(self, name: str) -> Iterator[pa.NativeFile]:
        """Open a file for writing, after the check of `checked_by`; see `_put_in_place`."""
        if self._check is not None:
            self._check()
        with self._put_in_place(name) as file:
            yield file

    @contextmanager
    def _put_in_place(self, name: str) -> Iterator[pa.NativeFile]:
        """Open a file for writing that replaces `name` once it is complete.

        Until then its name begins with a dot, so that readers of a parquet data set ignore it.
        """
        folder, _, last = f"{self.path}/{name}".rpartition("/")
        self._files.create_dir(folder, recursive=True)
        with self._files.open_output_stream(f"{folder}/.{last}.new") as file:
            yield file
        self._files.move(f"{folder}/.{last}.new", f"{folder}/{last}")

    def _has(self, name: str) -> bool:
        found: bool = self._files.get_file_info(f"{self.path}/{name}").type is pafs.FileType.File
        return found


def written_at_last(
    place: str, write: Callable[[], None], *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Write the last results, retrying for a minute while the storage is full or cannot be reached.

    Args:
        place: Path or URI that is written to, for messages.
        write: Writes the results; raises `OSError` if it cannot.
        pauses_s: Seconds between the attempts.

    Raises:
        StorageError: The last attempt failed too.
    """
    for pause_s in pauses_s:
        try:
            write()
        except OSError as error:
            logging.getLogger(__name__).warning(
                "%s cannot be written (%s); trying again in %g s", place, error, pause_s
            )
            time.sleep(pause_s)
        else:
            return
    try:
        write()
    except OSError as error:
        message = f"the last results could not be written to {place}: {error}."
        raise StorageError(message) from error


_TYPES = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}


def _schema(record: type[Row]) -> pa.Schema:
    """Return the Arrow schema of a record type, so that a column keeps its type even if all values are missing."""
    return pa.schema([(each.name, _TYPES[each.kind]) for each in columns(record)])


def _uri(results_dir: str) -> str:
    if "://" in results_dir:
        return results_dir
    return Path(results_dir).expanduser().resolve().as_uri()


def printable_path(path: str) -> str:
    r"""Return a path for messages: bytes that are not valid UTF-8 are shown as escapes.

    >>> printable_path("na\udcefve")
    'na\\xefve'
    """
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def _unusable(place: str, error: Exception) -> StorageError:
    message = (
        f"{place} cannot be used: {error}. --results-dir takes a folder that you may write to, "
        "or a URI such as s3://bucket/folder."
    )
    return StorageError(message)


def _batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches: as dicts, all rows of a large study would take several times their memory."""
    left = iter(rows)
    while some := list(itertools.islice(left, BATCH_ROWS)):
        yield pa.RecordBatch.from_pylist(some, schema=schema)
