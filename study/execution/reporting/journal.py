"""Rows of a trial in the study's folder, from the moment on in which the trial has them.

The driver knows a row some seconds later, and has it in its tables later still. A driver, a trial or its
machine that is lost meanwhile loses no row: whoever goes on finds it here. Only where the study's folder is
in a file system that the trial's machine sees; an object store takes nothing at the end of an object.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, final

from study.record.records import EpochRecord
from study.store.checkpoint_files import CHECKPOINTS_FOLDER
from study.store.folder import StudyFolder

_NAME = re.compile(r"(?P<trial_id>.+)-attempt[0-9]+\.jsonl")

_log = logging.getLogger(__name__)


@final
class Journal:
    """Journal of one attempt, which writes it."""

    def __init__(self, folder: StudyFolder | None, trial_id: str, *, attempt: int) -> None:
        """Write into the study's `folder`; nothing where there is none, or it is an object store."""
        self._folder = folder if folder is not None and folder.is_local else None
        self._name = f"{CHECKPOINTS_FOLDER}/{trial_id}-attempt{attempt}.jsonl"

    def keep(self, row: Mapping[str, Any]) -> None:
        """Write a row; one that cannot be written costs nothing else."""
        if self._folder is None:
            return
        try:
            self._folder.append_text(self._name, json.dumps(row) + "\n")
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._name, error)


@final
class Journals:
    """Those of all attempts, as the driver finds them."""

    def __init__(self, folder: StudyFolder) -> None:
        """Look into the study's `folder`."""
        self._folder = folder if folder.is_local else None
        self._ended: set[str] = set()

    def rows(self, trial_id: str | None = None) -> Iterator[EpochRecord]:
        """Yield what has been written; nothing where the storage is away.

        Args:
            trial_id: Of one trial; None for all.
        """
        for name, of in self._names():
            if trial_id is None or of == trial_id:
                yield from self._read(name)

    def ended(self, trial_id: str) -> None:
        """Note that a trial has ended, so that its journal is not needed once the tables are written."""
        self._ended.add(trial_id)

    def written(self) -> None:
        """Delete the journals of trials that have ended: the tables have their rows."""
        ended, self._ended = self._ended, set()
        if self._folder is not None and ended:
            for name, of in self._names():
                if of in ended:
                    self._folder.delete(name)

    def _names(self) -> list[tuple[str, str]]:
        if self._folder is None:
            return []
        try:
            names = self._folder.names(CHECKPOINTS_FOLDER)
        except OSError as error:
            _log.warning("journals cannot be looked for: %s", error)
            return []
        found = (_NAME.fullmatch(each) for each in names)
        return [(f"{CHECKPOINTS_FOLDER}/{each[0]}", each["trial_id"]) for each in found if each]

    def _read(self, name: str) -> Iterator[EpochRecord]:
        try:
            content = self._folder and self._folder.read_bytes(name)
        except OSError as error:
            _log.warning("%s cannot be read: %s", name, error)
            return
        for line in (content or b"").splitlines():
            try:
                yield EpochRecord.from_row(json.loads(line))
            except (ValueError, KeyError, TypeError):
                _log.warning("%s: a line that is cut off is left out", name)
