"""Rescue folder for the last rows of a study whose storage failed and did not recover. Standard library only.

It is on this machine's own disk, accessible to its owner alone, under a name derived from the location of
the study, so that resuming or analysing the study on this machine finds it.
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
    """Return the folders in which rows may be rescued, best first, without creating any.

    Args:
        home: Returns the user's home folder; raises `RuntimeError` where there is none.
    """
    temporary = Path(tempfile.gettempdir()) / f"power-of-training-rescue-{os.getuid()}"
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or home() / ".local" / "state")
    except RuntimeError:  # a container's user that has neither HOME nor a line in /etc/passwd
        return (temporary,)
    return state / "power-of-training" / "rescue", temporary


def rescue_name(place: str) -> str:
    """Return the name of a study's rescue folder within a root.

    Args:
        place: Location of the study: an absolute path or a URI.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", place.rstrip("/").rpartition("/")[2])
    return f"{name}-{hashlib.sha256(os.fsencode(place.rstrip('/'))).hexdigest()[:16]}"


def rescued(place: str) -> tuple[Path, ...]:
    """Return the folders in which rows of a study were rescued on this machine.

    Each contains the same files as the folder of a study. Folders that belong to another user are
    ignored, since their content cannot be trusted.

    Args:
        place: Location of the study: an absolute path or a URI.
    """
    found = (root / rescue_name(place) for root in rescue_roots())
    return tuple(each for each in found if _is_ours(each) and _is_ours(each.parent))


def make_root(root: Path) -> None:
    """Create a root that only its owner can access.

    Raises:
        OSError: It cannot be created, or belongs to another user.
    """
    root.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    if not _is_ours(root):
        message = f"{root} is another user's"
        raise PermissionError(message)
    root.chmod(PRIVATE)


def contradicting(
    stored: Iterable[Mapping[Any, Any]], found: Iterable[Mapping[Any, Any]]
) -> set[tuple[str, int]]:
    """Return the attempts, by trial and number, whose stored rows contradict the rescued ones.

    Such a study has since been resumed elsewhere, with an attempt of the same number; the stored rows
    then take precedence.

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
    """Normalize an energy for comparison: NaN, which data frames use for None, becomes None."""
    return None if isinstance(energy_j, float) and energy_j != energy_j else energy_j  # noqa: PLR0124


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
