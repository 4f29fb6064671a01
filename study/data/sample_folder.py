"""Folder of a built-in sample data set: written once to the cache, in the real format, then reused."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from study.data.cache import default_cache_dir
from study.errors import OptionError


@contextmanager
def sample_folder(
    name: str, write: Callable[[Path], object], *, cache_dir: Path | None = None
) -> Iterator[Path]:
    """Yield the folder of a sample; if it cannot be cached, a temporary one that is removed afterwards.

    Args:
        name: Name of the folder, including the version of its generator.
        write: Writes the sample into an empty folder.
        cache_dir: Folder of the cache; None takes the user's cache folder.
    """
    folder = (cache_dir or default_cache_dir()) / name
    if folder.is_dir() or _written_once(folder, write):
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch))
        yield Path(scratch)


def _written_once(folder: Path, write: Callable[[Path], object]) -> bool:
    """Write the sample to a scratch folder and rename it; of two processes, the second uses the first's.

    Returns:
        Whether `folder` now exists.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=folder.name, suffix=".part", dir=folder.parent))
    except OSError:
        return False
    try:
        write(scratch)
        scratch.rename(folder)
    except (OSError, OptionError):
        return folder.is_dir()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True
