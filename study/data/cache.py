"""Cache of the arrays computed from a data set: one binary file, which may be deleted at any time.

The file's name holds a fingerprint of everything that the arrays were computed from, so a changed input or
option leads to another file and nothing is ever stale. The file holds arrays in numpy's own format, one
after another, and finally their checksums, which reveal a damaged file. (An uncompressed `.npz` has better
checksums but takes five times as long to read.) No fault here stops a study: a file that is damaged or
cannot be written is ignored, with a warning.
"""

import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from study.record.rescue import make_root

_log = logging.getLogger(__name__)

_APPLICATION = "power-of-training"


def default_cache_dir(home: Callable[[], Path] = Path.home) -> Path:
    """Return the user's cache folder for this program.

    For a user without a home, as in containers that run under an arbitrary user id, it is a private folder
    among the temporary files.

    Args:
        home: Returns the user's home folder, or raises `RuntimeError` if there is none.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    try:
        if sys.platform == "darwin":
            return home() / "Library" / "Caches" / _APPLICATION
        # The XDG specification says that a relative path must be ignored.
        root = Path(chosen) if Path(chosen).is_absolute() else home() / ".cache"
    except RuntimeError:
        return _private_cache_dir()
    return root / _APPLICATION


def _private_cache_dir() -> Path:
    """Return a folder among the temporary files that no other user can have written to."""
    folder = Path(tempfile.gettempdir()) / f"{_APPLICATION}-cache-{os.getuid()}"
    try:
        make_root(folder)
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"{_APPLICATION}-cache-"))
    return folder


def fingerprint(files: Iterable[Path], *parts: object) -> str:
    """Return a hash of the files' names, sizes and modification times, and of `parts`.

    The contents are not read, which would take as long as parsing them.

    Raises:
        OSError: A file does not exist.
    """
    facts = [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    return hashlib.sha256(repr((facts, parts)).encode()).hexdigest()[:32]


def cached_arrays(
    name: str,
    count: int,
    make: Callable[[], list[npt.NDArray[Any]]],
    *,
    cache_dir: Path | None = None,
) -> list[npt.NDArray[Any]]:
    """Return the arrays of a cache file; if there is none, make the arrays and write it.

    Args:
        name: Name of the file, including a fingerprint, without its suffix.
        count: Number of arrays.
        make: Makes the arrays.
        cache_dir: Folder of the cache; None takes the user's cache folder.
    """
    path = (cache_dir or default_cache_dir()) / f"{name}.bin"
    arrays = read_arrays(path, count)
    if arrays is None:
        arrays = make()
        write_arrays(path, arrays)
    return arrays


def read_arrays(path: Path, count: int) -> list[npt.NDArray[Any]] | None:
    """Return the `count` arrays of a cache file; None if there is no such file or it is damaged."""
    try:
        with path.open("rb") as file:
            *arrays, sums = [np.load(file, allow_pickle=False) for _ in range(count + 1)]
        if [_sum(array) for array in arrays] != list(sums):
            message = "its checksums do not match"
            raise ValueError(message)  # noqa: TRY301 - handled below like all other damage
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, TypeError) as error:
        _log.warning("cache file %s is damaged (%s); reading the data set again", path, error)
        return None
    return arrays


def write_arrays(path: Path, arrays: Sequence[npt.NDArray[Any]]) -> None:
    """Write a cache file as a whole or not at all; log a warning if it cannot be written."""
    sums = np.array([_sum(array) for array in arrays], np.uint64)
    unfinished = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=path.stem, suffix=".part", delete=False
        ) as file:
            unfinished = Path(file.name)
            for array in (*arrays, sums):
                np.save(file, array, allow_pickle=False)
        unfinished.replace(path)
    except OSError as error:
        _log.warning(
            "cannot keep a cache in %s (%s); the next run reads the data set again",
            path.parent,
            error,
        )
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


def _sum(array: npt.NDArray[Any]) -> np.uint64:
    """Return a checksum of an array: the sum of its 32-bit words and of the remaining bytes."""
    octets = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    whole = len(octets) // 4 * 4
    words, rest = octets[:whole].view(np.uint32), octets[whole:]
    return np.uint64(words.sum(dtype=np.uint64) + rest.sum(dtype=np.uint64))
