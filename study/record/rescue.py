"""Rescue folder: the last rows of a study whose storage did not come back. Standard library only.

On this machine's own disk, in a folder that only its owner can enter, under a name made from the study's
place: whoever goes on with the study here, or analyses it, finds them.
"""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

PRIVATE = 0o700

_PLACE = ("attempt", "stage", "epoch")


def rescue_roots(home: Callable[[], Path] = Path.home) -> tuple[Path, ...]:
    """Return folders in which rows may be rescued, the best first; none is made.

    Args:
        home: Tells the user's home folder; raises `RuntimeError` where there is none.
    """
    temporary = Path(tempfile.gettempdir()) / f"power-of-training-rescue-{os.getuid()}"
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or home() / ".local" / "state")
    except RuntimeError:  # a container's user that has neither HOME nor a line in /etc/passwd
        return (temporary,)
    return state / "power-of-training" / "rescue", temporary


def rescue_name(place: str) -> str:
    """Return the name of a study's folder within a root.

    Args:
        place: Where the study lies: an absolute path, or a URI.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", place.rstrip("/").rpartition("/")[2])
    return f"{name}-{hashlib.sha256(os.fsencode(place.rstrip('/'))).hexdigest()[:16]}"


def rescued(place: str) -> tuple[Path, ...]:
    """Return the folders in which rows of a study were rescued on this machine.

    Each has the files of a study's folder. A folder of another user's is passed over, who could
    have put anything there.

    Args:
        place: Where the study lies.
    """
    found = (root / rescue_name(place) for root in rescue_roots())
    return tuple(each for each in found if _is_ours(each) and _is_ours(each.parent))


def make_root(root: Path) -> None:
    """Make a root that only its owner can enter.

    Raises:
        OSError: It cannot be made, or is another user's.
    """
    root.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    if not _is_ours(root):
        message = f"{root} is another user's"
        raise PermissionError(message)
    root.chmod(PRIVATE)


def contradicting(
    stored: Iterable[Mapping[Any, Any]], found: Iterable[Mapping[Any, Any]]
) -> set[tuple[str, int]]:
    """Return the attempts of which the study has rows that the rescued ones do not continue.

    The study has gone on elsewhere since, with an attempt of the same number: its rows stay.

    Args:
        stored: Rows of epochs in the study's folder.
        found: Rows of epochs that were rescued.
    """
    rescued_j = {_key(row): row["epoch_energy_j"] for row in found}
    missing = object()
    return {
        (row["trial_id"], row["attempt"])
        for row in stored
        if _same(rescued_j.get(_key(row), missing)) != _same(row["epoch_energy_j"])
    }


def _key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return row["trial_id"], *(row[name] for name in _PLACE)


def _same(energy_j: object) -> object:
    """An energy to compare by; None and NaN, which frames have in its place, are one."""
    return None if isinstance(energy_j, float) and energy_j != energy_j else energy_j  # noqa: PLR0124


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
