"""Folder of a training's study: the one asked for, or one beside it where that holds another study.

The jobs of an array, each with the same script, keep one study each.
"""

import itertools
from pathlib import Path

from study.errors import StorageError
from study.record.files import MANIFEST_FILE

CLAIM = ".taken"
"""Made by whoever keeps a study in a folder, before anything else; of two only one can make it."""


def free_place(folder: Path) -> Path:
    """Return `folder`, or the first of `folder-2`, `folder-3` ... that nobody keeps a study in; it is then taken.

    Raises:
        StorageError: No folder can be made there.
    """
    for number in itertools.count(1):
        place = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if (place / MANIFEST_FILE).exists():
            continue
        try:
            place.mkdir(parents=True, exist_ok=True)
            (place / CLAIM).touch(exist_ok=False)
        except FileExistsError:
            if place.is_dir():
                continue  # another training has just taken it
            message = f"{place} is a file; give the name of a folder."
            raise StorageError(message) from None
        except OSError as error:
            message = f"{place} cannot be written: {error.strerror or error}. Give another folder."
            raise StorageError(message) from error
        return place
    raise AssertionError  # pragma: no cover - numbers do not end
