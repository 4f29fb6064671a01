"""Check that a file can be written, before hours are spent on measuring what it is to hold."""

import os
from pathlib import Path

from trackers.errors import TrackerError


class PlaceError(TrackerError):
    """An account cannot be written where it was asked for."""


def check_place(path: Path, *, option: str) -> None:
    """Refuse a file that an account could not be written to; one that exists is not touched.

    Args:
        path: The file.
        option: How it was given, for messages.

    Raises:
        PlaceError: Its folder is not there, or it or its folder cannot be written to.
    """
    folder = path.parent
    if path.is_dir():
        reason = "it is a folder; give the name of a file in it"
    elif not folder.is_dir():
        reason = f"there is no folder {folder}; make it, or give another one"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        reason = "you may not write there; give a file that you may write to"
    else:
        return
    message = f"{option} {path}: {reason}"
    raise PlaceError(message)
