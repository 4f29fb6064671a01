"""Download of PAMAP2 from UCI: fetch, unpack, compare with the published hashes, move into place."""

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from study.data.download import Progress, discard, download, require_space
from study.data.extract import extract_zip
from study.data.pamap2 import format as form
from study.data.pamap2.check import is_published, sha256_of
from study.errors import DataError, OptionError

UCI_URL = "https://archive.ics.uci.edu/static/public/231/pamap2+physical+activity+monitoring.zip"
DATASET_FOLDER = "PAMAP2_Dataset"

_MOST_UNPACKED_BYTES = 4 << 30
"""Largest unpacked size: the inner archive (0.7 GB) and the files (1.7 GB), with room to spare."""

_NEEDED_BYTES = 3_300_000_000
"""Disk space needed while both archives and all files exist at once."""


_Published = Mapping[int, form.PublishedFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Result of `fetch`.

    Attributes:
        folder: Folder of the data set.
        already_there: Whether nothing had to be downloaded.
        modified: Subjects whose file is not the published one; only possible if `sha256` was given.
    """

    folder: Path
    already_there: bool
    modified: tuple[int, ...]


def fetch(
    data_dir: Path,
    *,
    url: str = UCI_URL,
    sha256: str | None = None,
    progress: Progress,
    published: _Published = form.PUBLISHED,
) -> Fetched:
    """Download the data set into `data_dir/PAMAP2_Dataset`.

    All nine Protocol files must be the published ones, wherever the archive comes from, unless
    `sha256` is given: then the archive must have that hash, and its files may differ.

    Args:
        data_dir: Folder for the data set; created if it does not exist.
        url: Address of the archive: a zip, or a zip that holds one.
        sha256: Hash of the archive, in hexadecimal digits; None does not check the archive.
        progress: Called with the bytes received and the bytes in all.
        published: Size and hash of the published file of each subject.

    Raises:
        OptionError: `data_dir` cannot be used, or holds another data set.
        DataError: The download failed, or the archive or its files are not as they should be. The download
            is kept unless it is damaged; nothing else is left behind.
    """
    target = data_dir / DATASET_FOLDER
    if target.exists():
        return _already_there(target, published)
    part = data_dir / "pamap2.zip.part"
    unpacked = data_dir / "pamap2-unpacking"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if url == UCI_URL:
            require_space(data_dir, _NEEDED_BYTES, "the archive and its files")
        try:
            download(url, part, progress=progress)
        except DataError as error:
            message = f"{error}\n{_by_hand(data_dir)}"
            raise DataError(message) from error
        _check_archive(part, sha256)
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir()
        try:
            dataset = _unpack(part, unpacked)
            modified = _modified(dataset, published)
            if modified and sha256 is None:
                raise DataError(_not_published(part, modified))
            dataset.rename(target)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    except OSError as error:
        message = f"--data-dir: {data_dir} cannot be used: {error}. Choose another folder."
        raise OptionError(message) from error
    discard(part)
    return Fetched(folder=target, already_there=False, modified=modified)


def _already_there(target: Path, published: _Published) -> Fetched:
    modified = _modified(target, published)
    if modified:
        message = (
            f"--data-dir: {target} exists and is not the published data set ({_files(modified)} "
            "missing or modified). Choose another folder, or move that one away."
        )
        raise OptionError(message)
    return Fetched(folder=target, already_there=True, modified=())


def _check_archive(part: Path, sha256: str | None) -> None:
    if sha256 is not None and (got := sha256_of(part)) != sha256.lower():
        message = (
            f"{part}: the archive has sha256 {got}, --sha256 says {sha256}. It was not unpacked; "
            "delete it, or correct --sha256."
        )
        raise DataError(message)


def _unpack(part: Path, unpacked: Path) -> Path:
    """Unpack the archive, and return the folder that holds Protocol."""
    try:
        extract_zip(part, unpacked, most_bytes=_MOST_UNPACKED_BYTES)
    except DataError as error:
        discard(part)
        message = f"{error}. The download was deleted; run the command again to start over."
        raise DataError(message) from error
    found = sorted(unpacked.rglob(f"Protocol/{form.file_name(form.SUBJECTS[0])}"))
    if not found:
        discard(part)
        message = (
            f"{part}: no Protocol/{form.file_name(form.SUBJECTS[0])} in this archive, so it is not "
            "PAMAP2. The download was deleted; check --url."
        )
        raise DataError(message)
    return found[0].parent.parent


def _modified(dataset: Path, published: _Published) -> tuple[int, ...]:
    protocol = dataset / "Protocol"
    return tuple(
        subject
        for subject in form.SUBJECTS
        if not is_published(protocol / form.file_name(subject), published[subject])
    )


def _not_published(part: Path, modified: tuple[int, ...]) -> str:
    return (
        f"{part}: {_files(modified)} in this archive missing, or not what UCI publishes (sha256). "
        "Nothing was installed. If you trust the archive all the same, run the command again with "
        f"--sha256 {sha256_of(part)}; else delete it."
    )


def _files(subjects: tuple[int, ...]) -> str:
    return ", ".join(form.file_name(subject) for subject in subjects)


def _by_hand(data_dir: Path) -> str:
    return (
        f"By hand: download {UCI_URL} with a browser, unpack it and the PAMAP2_Dataset.zip in it, "
        f"so that {data_dir / DATASET_FOLDER / 'Protocol' / form.file_name(form.SUBJECTS[0])} "
        f"exists, then run `python -m study.data check pamap2 --data-dir {shlex.quote(str(data_dir))}`."
    )
