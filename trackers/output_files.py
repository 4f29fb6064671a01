"""Check that a result file can be written, made before hours are spent on measuring its content."""

import os
from pathlib import Path

from trackers.errors import TrackerError


class OutputFileError(TrackerError):
    """The account cannot be written to the requested file."""


def check_writable(path: Path, *, option: str) -> None:
    """Refuse a file that the account could not be written to; an existing file is left untouched.

    Args:
        path: The file.
        option: The command-line option that named it, for messages.

    Raises:
        OutputFileError: The path is a folder, its folder does not exist, or it or its folder is not writable.
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
    raise OutputFileError(message)
