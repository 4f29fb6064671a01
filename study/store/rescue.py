"""Rescue of a study's rows to the local disk, when the storage cannot be written at the end, and their return."""

import logging
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from study.errors import StorageError
from study.record.bookings import PowerRecord, WindowRecord
from study.record.files import (
    EPOCHS_FILE,
    MANIFEST_FILE,
    POWER_FILE,
    TRIALS_FILE,
    WINDOWS_FILE,
)
from study.record.manifest import Manifest
from study.record.records import EpochRecord, TrialRecord
from study.record.rescue import contradicting, make_root, rescue_name, rescue_roots, rescued
from study.store.folder import StudyFolder
from study.store.recorder import Recorder

RESUME_HINT = "give the same command with --resume"

_log = logging.getLogger(__name__)


def rescue(
    folder: StudyFolder,
    recorder: Recorder,
    manifest: Manifest,
    *,
    roots: Sequence[Path] | None = None,
    resume_hint: str = RESUME_HINT,
) -> str:
    """Write all rows to this machine's own disk, and return where they are.

    Args:
        folder: The study's folder, which cannot be written.
        recorder: Recorder that holds the rows.
        manifest: Manifest of the study, as it is at its end.
        roots: Folders to write to; the first that can be written is used. None for those in which
            rescued rows are looked for.
        resume_hint: Instruction on how to resume the study, for the message.

    Returns:
        Message for the user.
    """
    for root in rescue_roots() if roots is None else roots:
        try:
            make_root(root)
            place = StudyFolder(str(root), rescue_name(folder.place))
            # The rows include those of an earlier rescue.
            shutil.rmtree(place.path, ignore_errors=True)
            place.prepare()
            recorder.write_into(place)
            place.write_text(MANIFEST_FILE, manifest.to_json())
        except (OSError, StorageError) as error:
            _log.warning("%s cannot be written: %s", root, error)
            continue
        return (
            f"All results were saved to {place.path} on {socket.gethostname()}. Fix the storage, and "
            f"{resume_hint} on this machine: it finds them, and so does `python -m analysis`."
        )
    return f"The files written before are complete: fix the storage, and {resume_hint}."


def take_back(folder: StudyFolder, manifest: Manifest) -> str | None:
    """Merge rows that were rescued to this machine's disk into the study's folder.

    Args:
        folder: The study's folder, which this command has locked.
        manifest: Manifest in that folder.

    Returns:
        Message for the user; None if there are no rescued rows.

    Raises:
        StorageError: The folder still cannot be written.
    """
    said = None
    for place in rescued(folder.place):
        found = StudyFolder(str(place.parent), place.name)
        if not _belongs_to(found, manifest):
            continue
        try:
            new = _merge(folder, found)
        except OSError as error:
            message = f"{folder.path} cannot be written with the rows of {place}: {error}."
            raise StorageError(message) from error
        shutil.rmtree(place, ignore_errors=True)
        said = f"{new} epochs that the storage did not have were restored from {place}"
    return said


def _belongs_to(found: StudyFolder, manifest: Manifest) -> bool:
    """Return whether rows belong to this study, and not to a deleted study of the same name."""
    try:
        return found.read_manifest().started_at == manifest.started_at
    except StorageError as error:
        _log.warning("%s", error)
        return False


def _merge(folder: StudyFolder, found: StudyFolder) -> int:
    """Merge the rows of `found` into `folder`; return the number of epochs that are new."""
    stored, epochs = folder.read_rows(EPOCHS_FILE), found.read_rows(EPOCHS_FILE)
    not_ours = contradicting(stored, epochs)
    if not_ours:
        _log.warning(
            "%s has been continued elsewhere; %d rescued attempts are left out",
            folder.path,
            len(not_ours),
        )
    both = _merged_rows(stored, epochs, ("trial_id", "attempt", "stage", "epoch"), not_ours)
    windows = _merged_rows(
        folder.read_rows(WINDOWS_FILE),
        found.read_rows(WINDOWS_FILE),
        # `worker` is part of the key: processes of one trial on one machine each have a share of its CPU.
        ("trial_id", "attempt", "stage", "epoch", "device_uuid", "worker"),
        not_ours,
    )
    trials = {row["trial_id"]: row for row in folder.read_rows(TRIALS_FILE)}
    for row in found.read_rows(TRIALS_FILE):
        last = (row["trial_id"], row["attempts"])
        if last not in not_ours and trials.get(row["trial_id"], row)["attempts"] <= last[1]:
            trials[row["trial_id"]] = row
    for part in found.names(POWER_FILE):
        folder.write_rows(
            f"{POWER_FILE}/{part}", PowerRecord, found.read_rows(f"{POWER_FILE}/{part}")
        )
    folder.write_rows(WINDOWS_FILE, WindowRecord, windows)
    folder.write_rows(TRIALS_FILE, TrialRecord, list(trials.values()))
    folder.write_rows(EPOCHS_FILE, EpochRecord, both)
    return len(both) - len(stored)


def _merged_rows(
    stored: list[dict[str, Any]],
    found: list[dict[str, Any]],
    key: tuple[str, ...],
    not_ours: set[tuple[str, int]],
) -> list[dict[str, Any]]:
    rows = {tuple(row.get(name) for name in key): row for row in stored}
    for row in found:
        if (row["trial_id"], row["attempt"]) not in not_ours:
            rows[tuple(row.get(name) for name in key)] = row
    return list(rows.values())
