"""Check of a PAMAP2 folder: whether it is complete, well-formed, and what UCI publishes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from study.data.faults import Fault
from study.data.pamap2 import format as form
from study.data.pamap2.reader import (
    MalformedFileError,
    content_faults,
    missing_file,
    read_subject,
)

MOST_FAULTS_PER_FILE = 10
"""Largest number of faults listed for a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Findings of a check of a folder.

    Attributes:
        protocol: The Protocol folder.
        faults: Faults found; empty if the data can be used.
        genuine: Subjects whose file is identical to the published one.
        synthetic: Whether `study.data sample` wrote the folder.
    """

    protocol: Path
    faults: tuple[Fault, ...]
    genuine: tuple[int, ...]
    synthetic: bool

    @property
    def origin(self) -> str:
        """Return a description of where the files come from."""
        if self.genuine == form.SUBJECTS:
            return "genuine UCI files: all nine have the published sha256"
        if self.synthetic:
            return f"not the UCI files: a synthetic sample ({form.SYNTHETIC_MARKER} is there)"
        return (
            f"not the UCI files: {len(form.SUBJECTS) - len(self.genuine)} of "
            f"{len(form.SUBJECTS)} are missing or modified"
        )


def check(
    data_dir: Path, *, published: Mapping[int, form.PublishedFile] = form.PUBLISHED
) -> Report:
    """Check all files of a PAMAP2 folder and all their columns.

    Args:
        data_dir: Folder to check; see `study.data.pamap2.format.find_protocol`.
        published: Size and hash of the published file of each subject.

    Raises:
        DataError: There is no Protocol folder at all.
    """
    protocol = form.find_protocol(data_dir)
    faults: list[Fault] = []
    genuine = []
    for subject in form.SUBJECTS:
        path = protocol / form.file_name(subject)
        if is_published(path, published[subject]):
            genuine.append(subject)  # a published file need not be checked further
        else:
            faults += _faults(path)
    return Report(
        protocol=protocol,
        faults=tuple(faults),
        genuine=tuple(genuine),
        synthetic=form.is_synthetic(protocol),
    )


def is_published(path: Path, published: form.PublishedFile) -> bool:
    """Return whether a file is identical to the published one, by size and SHA-256."""
    # A file of another size need not be read.
    return (
        path.is_file()
        and path.stat().st_size == published.size_bytes
        and sha256_of(path) == published.sha256
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _faults(path: Path) -> list[Fault]:
    if not path.is_file():
        return [missing_file(path)]
    try:
        recording = read_subject(path, form.COLUMN_NAMES[2:], most_faults=MOST_FAULTS_PER_FILE + 1)
    except MalformedFileError as error:
        faults = list(error.faults)
    else:
        faults = content_faults(path, recording)
    if len(faults) <= MOST_FAULTS_PER_FILE:
        return faults
    more = Fault(
        path=path,
        found=f"more than {MOST_FAULTS_PER_FILE} faults; the rest is not listed",
        remedy="Replace the file",
    )
    return [*faults[:MOST_FAULTS_PER_FILE], more]
