"""Keeps a study's rows and writes its folder, as they come and at the end.

The folder may be on anything that Ray takes as storage: a path, a mount or a URI. Tables are
written whole, beside the old one, and then put in its place, so that a reader never sees half.
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
"""How a file system says no: of a path that it takes for none, Arrow says so in its own way."""

LOCK_FILE = ".lock"
"""Says who holds the folder; see `study.store.lock`."""

BATCH_ROWS = 5_000
"""Rows that are made ready for a file at once."""

PAUSES_S = (1.0, 5.0, 15.0, 20.0, 20.0)
"""Between tries to write the last results."""


@final
class StudyFolder:
    """A study's folder on whatever storage.

    Attributes:
        is_local: Whether it lies in this machine's file system.
        storage_path: Where it lies, as Ray takes it.
        path: The folder, within its file system.
        place: The folder, with its file system where that is not this machine's.
    """

    def __init__(self, results_dir: str, name: str) -> None:
        """The folder `name` in `results_dir`; nothing is written yet.

        Raises:
            StorageError: The place is not one that files can be put in.
        """
        try:
            self._files, root = pafs.FileSystem.from_uri(_uri(results_dir))
        except UnicodeError as error:
            raise _unusable(
                printable_path(results_dir), ValueError("its name is no UTF-8")
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
        """Call `check` before each writing from now on, which raises where it must not be; None for none."""
        self._check = check

    def prepare(self) -> None:
        """Make the folder, and prove that files can be written into it.

        Raises:
            StorageError: They cannot.
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
        """Take the folder away that `prepare` has made, unless a study has been begun in it."""
        with suppress(OSError):
            if self._made and not (self._has(MANIFEST_FILE) or self._has(LOCK_FILE)):
                self._files.delete_dir(self.path)

    def exists(self) -> bool:
        """Return whether a study has been begun there.

        Raises:
            StorageError: The place cannot be looked at.
        """
        try:
            return self._has(MANIFEST_FILE)
        except _REFUSED as error:
            raise _unusable(self.path, error) from error

    def read_manifest(self) -> Manifest:
        """The manifest of the study that lies there.

        Raises:
            StorageError: There is none that this program can read.
        """
        try:
            with self._files.open_input_stream(f"{self.path}/{MANIFEST_FILE}") as file:
                return Manifest.from_json(file.read().decode())
        except (OSError, ValueError) as error:
            place = f"{self.path}/{MANIFEST_FILE}"
            raise _unusable(place, error) from error

    def write_text(self, name: str, text: str) -> None:
        """Write a file whole, or leave the old one."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes | memoryview) -> None:
        """Write a file whole, or leave the old one."""
        with self._replaced(name) as file:
            file.write(content)

    def write_unchecked(self, name: str, text: str) -> None:
        """Write a file whole without a check; for who does the checks."""
        with self._put_in_place(name) as file:
            file.write(text.encode())

    def append_text(self, name: str, text: str) -> None:
        """Write at the end of a file, which need not be there; not on an object store."""
        place = f"{self.path}/{name}"
        if not self._has(name):
            self._files.create_dir(place.rpartition("/")[0], recursive=True)
        with self._files.open_append_stream(place) as file:
            file.write(text.encode())

    def read_bytes(self, name: str) -> bytes | None:
        """A file's content; None where there is no such file."""
        if not self._has(name):
            return None
        with self._files.open_input_stream(f"{self.path}/{name}") as file:
            content: bytes = file.read()
        return content

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder of the study; none where there is no such folder."""
        chosen = pafs.FileSelector(f"{self.path}/{folder}", allow_not_found=True)
        return [each.base_name for each in self._files.get_file_info(chosen)]

    def empty(self, name: str) -> None:
        """Delete the files in one of its folders."""
        for each in self.names(name):
            self.delete(f"{name}/{each}")

    def delete(self, name: str) -> None:
        """Take a file away; where it is not there or the storage is away, nothing happens."""
        with suppress(OSError):
            self._files.delete_file(f"{self.path}/{name}")

    def write_rows(self, name: str, record: type[Row], rows: Iterable[dict[str, Any]]) -> None:
        """Write rows of a record type as parquet, with the type's columns even without a row."""
        schema = _schema(record)
        with self._replaced(name) as file, pq.ParquetWriter(file, schema) as writer:
            for batch in _batches(rows, schema):
                writer.write_batch(batch)

    def write_csv(self, name: str, record: type[Row], rows: Iterable[dict[str, Any]]) -> None:
        """Write the same as CSV; what is missing is an empty field."""
        schema = _schema(record)
        with self._replaced(name) as file, csv.CSVWriter(file, schema) as writer:
            for batch in _batches(rows, schema):
                writer.write_batch(batch)

    def read_rows(self, name: str) -> list[dict[str, Any]]:
        """Rows of a parquet file of this version or of 0.1; none where there is no such file."""
        return list(self.each_row(name))

    def each_row(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the same one by one, of which a large study's need not be in memory all at once."""
        if not self._has(name):
            return
        # A folder above may be called `seed=3`: no column of ours is told by a path.
        table = pq.read_table(f"{self.path}/{name}", filesystem=self._files, partitioning=None)
        if not is_earlier(table.column_names):
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                yield from batch.to_pylist()
            return
        migrated = migrated_columns(table.to_pydict())
        for values in zip(*migrated.values(), strict=True):
            yield dict(zip(migrated, values, strict=True))

    def replace_words(self, name: str, column: str, words: Mapping[str, str]) -> None:
        """Give words in a column of a parquet file others, where it has any of them."""
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
        """A file to write to, if the folder may be written; see `_put_in_place`."""
        if self._check is not None:
            self._check()
        with self._put_in_place(name) as file:
            yield file

    @contextmanager
    def _put_in_place(self, name: str) -> Iterator[pa.NativeFile]:
        """A file to write to, which takes the place of `name` once it is whole.

        Until then it has a name with a dot before it, which readers of a parquet data set pass over.
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
    """Have something written, and try again for a minute where the storage is full or away.

    Args:
        place: Where, for messages.
        write: Writes it.
        pauses_s: Seconds between the tries.

    Raises:
        StorageError: It still is.
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
    """Columns of a record class: numbers as numbers also where all are missing."""
    return pa.schema([(each.name, _TYPES[each.kind]) for each in columns(record)])


def _uri(results_dir: str) -> str:
    if "://" in results_dir:
        return results_dir
    return Path(results_dir).expanduser().resolve().as_uri()


def printable_path(path: str) -> str:
    r"""Return a path for people: bytes of its name that are no text are shown as such.

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
    """Rows a few at a time: all of a large study's as dictionaries would take several times their memory."""
    left = iter(rows)
    while some := list(itertools.islice(left, BATCH_ROWS)):
        yield pa.RecordBatch.from_pylist(some, schema=schema)
