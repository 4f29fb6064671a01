"""Journal of a trial's rows in the study's folder, written by the trial itself as soon as it has a row.

The driver receives a row up to seconds later, and writes it to its tables later still. If the driver, the
trial or its machine is lost in between, the command that resumes finds the row here. This needs a study
folder in a file system that the trial's machine can reach; object stores cannot append to an object.
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
    """Writes the journal of one attempt: a file of JSON lines."""

    def __init__(self, folder: StudyFolder | None, trial_id: str, *, attempt: int) -> None:
        """Write into the study's `folder`; write nothing if it is None or on an object store."""
        self._folder = folder if folder is not None and folder.is_local else None
        self._name = f"{CHECKPOINTS_FOLDER}/{trial_id}-attempt{attempt}.jsonl"

    def keep(self, row: Mapping[str, Any]) -> None:
        """Append a row; a failure to write is only logged."""
        if self._folder is None:
            return
        try:
            self._folder.append_text(self._name, json.dumps(row) + "\n")
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._name, error)


@final
class Journals:
    """Reads the journals of all attempts in the driver, and deletes them when they are not needed."""

    def __init__(self, folder: StudyFolder) -> None:
        """Use the journals in the study's `folder`; there are none on an object store."""
        self._folder = folder if folder.is_local else None
        self._ended: set[str] = set()

    def rows(self, trial_id: str | None = None) -> Iterator[EpochRecord]:
        """Yield the rows in the journals; none if the storage cannot be reached.

        Args:
            trial_id: Trial whose journals are read; None for all trials.
        """
        for name, of in self._names():
            if trial_id is None or of == trial_id:
                yield from self._read(name)

    def ended(self, trial_id: str) -> None:
        """Note that a trial has ended: its journal can be deleted once the tables are written."""
        self._ended.add(trial_id)

    def written(self) -> None:
        """Delete the journals of ended trials; called when the tables have been written."""
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
            _log.warning("journals cannot be listed: %s", error)
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
                _log.warning("%s: an incomplete line is skipped", name)
