"""Choice of a training's study folder: the one asked for, or a sibling if that holds another study.

So the jobs of a SLURM array, which all run the same script, save one study each.
"""

import itertools
from pathlib import Path

from study.errors import StorageError
from study.record.files import MANIFEST_FILE

CLAIM_FILE = ".taken"
"""File that a process creates in a folder before it writes a study there; only one process can create it."""


def claim_folder(folder: Path) -> Path:
    """Claim and return `folder`, or the first of `folder-2`, `folder-3` ... that holds no study yet.

    Raises:
        StorageError: The folder cannot be created, or `folder` is a file.
    """
    for number in itertools.count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if (candidate / MANIFEST_FILE).exists():
            continue
        try:
            candidate.mkdir(parents=True, exist_ok=True)
            (candidate / CLAIM_FILE).touch(exist_ok=False)
        except FileExistsError:
            if candidate.is_dir():
                continue  # another training has just claimed it
            message = f"{candidate} is a file; give the name of a folder."
            raise StorageError(message) from None
        except OSError as error:
            message = (
                f"{candidate} cannot be written: {error.strerror or error}. Give another folder."
            )
            raise StorageError(message) from error
        return candidate
    raise AssertionError  # pragma: no cover - numbers do not end
